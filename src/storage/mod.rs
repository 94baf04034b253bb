//! What a node must not forget, and the trait by which it is kept.
//!
//! A store belongs to one node of one room: it holds the node's [`Identity`], its ballot, its newest
//! snapshot, its log since then, the commit index as last known, and the outbox of commands that are not
//! settled yet.
//! Writes are submitted and complete later, in order; what waits for a write is held back by the core.

#[cfg(all(feature = "disk", target_arch = "wasm32"))]
mod browser;
#[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
mod disk;
mod error;
mod extent;
mod identity;
mod job;
mod memory;
mod progress;
#[cfg(feature = "disk")]
mod read;
#[cfg(feature = "disk")]
mod record;
#[cfg(feature = "disk")]
mod write;

#[cfg(all(feature = "disk", target_arch = "wasm32"))]
pub use browser::*;
#[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
pub use disk::*;
pub use error::*;
pub use identity::*;
pub use memory::*;
#[cfg(feature = "disk")]
pub use record::STORE_VERSION;

use crate::{
    raft::{Durable, Write, WriteId},
    wire::Invitation,
};
use std::{fmt, task::Waker};

/// A place where a node keeps what it promised.
pub trait Storage: Send + 'static {
    /// Queues `write`; never blocks. Writes become durable atomically, in the order of submission.
    ///
    /// A write that holds nothing but a commit index is a hint: it completes in its turn, and is kept
    /// together with what follows.
    ///
    /// # Panics
    /// If the write doesn't follow from those before it: a gap in the log, a commit index beyond it,
    /// a log that begins after its snapshot, a serial that was given out already. The core never submits
    /// such a write.
    fn submit(&mut self, id: WriteId, write: Write);

    /// Keeps another way back into the same room from now on, in order with the writes.
    ///
    /// # Panics
    /// If the invitation is to another room.
    fn set_invitation(&mut self, invitation: &Invitation);

    /// The last write that is durable, if that changed since the last call.
    ///
    /// # Errors
    /// Once a write has failed, always: the node must stop voting and acknowledging.
    fn poll(&mut self) -> Result<Option<WriteId>, StorageError>;

    /// Whom to wake when [`poll`](Self::poll) has something to say.
    fn wake(&mut self, waker: Waker);
}

/// An open store, and what it held. Dropping the storage completes what was submitted.
pub struct Opened {
    /// Where to write from now on.
    pub storage: Box<dyn Storage>,
    /// Whose store it is.
    pub identity: Identity,
    /// What the core starts from.
    pub durable: Durable,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("identity", &self.identity)
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}
