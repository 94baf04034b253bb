//! What a node must not forget, and the trait by which it is kept.
//!
//! A store belongs to one node of one room: it holds the node's [`Identity`], its ballot, its log,
//! the commit index as last known, and the outbox of commands that are not settled yet.
//! Writes are submitted and complete later, in order; what waits for a write is held back by the core.

mod error;

pub use error::*;

use crate::{
    raft::{Durable, Write, WriteId},
    wire::Invitation,
};
use ed25519_dalek::SigningKey;
use std::task::Waker;

/// A place where a node keeps what it promised.
pub trait Storage: Send + 'static {
    /// Queues `write`; never blocks. Writes become durable atomically, in the order of submission.
    fn submit(&mut self, id: WriteId, write: Write);

    /// The last write that is durable, if that changed since the last call.
    ///
    /// # Errors
    /// Once a write has failed, always: the node must stop voting and acknowledging.
    fn poll(&mut self) -> Result<Option<WriteId>, StorageError>;

    /// Whom to wake when [`poll`](Self::poll) has something to say.
    fn wake(&mut self, waker: Waker);
}

/// An open store, and what it held.
pub struct Opened {
    /// Where to write from now on.
    pub storage: Box<dyn Storage>,
    /// Whose store it is.
    pub identity: Identity,
    /// What the core starts from.
    pub durable: Durable,
}

/// Who a node is and which room it belongs to. Made inside its store, dies with it.
#[derive(Clone)]
pub struct Identity {
    /// The static key; the node's id is drawn from its public half.
    pub key: SigningKey,
    /// The way back into the room: its cluster, secret and addresses.
    pub invitation: Invitation,
}
