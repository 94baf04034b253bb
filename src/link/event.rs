//! What sessions have to tell, and what they have to refuse.

use super::{LinkId, RefusalReason, Rendezvous};
use crate::{
    raft::{NodeId, Permission},
    wire::{FrameError, Payload},
};

/// Something that happened to the sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// A node can be spoken to. Again, if it was linked: what was sent just before may be lost.
    Linked {
        /// Which node.
        node: NodeId,
        /// Its public key.
        key: [u8; 32],
        /// What it proved to be invited to.
        permission: Permission,
    },
    /// A node can't be spoken to any more.
    Unlinked {
        /// Which node.
        node: NodeId,
        /// Why.
        reason: UnlinkReason,
    },
    /// A linked node said something.
    Frame {
        /// Which node.
        from: NodeId,
        /// What it said.
        payload: Payload,
    },
    /// A frame, or a connection, was refused.
    Refused {
        /// On which connection.
        link: LinkId,
        /// The node at its other end, as far as it introduced itself.
        node: Option<NodeId>,
        /// Why.
        reason: RefusalReason,
    },
    /// What became of the rendezvous.
    Rendezvous(Rendezvous),
}

/// Why a node can't be spoken to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlinkReason {
    /// It said goodbye.
    #[error("it left")]
    Left,
    /// Nothing came from it for [`SILENCE_MAX`](super::SILENCE_MAX); it may come back.
    #[error("it fell silent")]
    Silent,
    /// Its connection broke.
    #[error("its connection broke")]
    Closed,
    /// It or we refused to go on.
    #[error("the link was refused")]
    Refused,
}

/// Why something wasn't sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The node isn't linked.
    #[error("node {0} is not linked")]
    Unlinked(NodeId),
    /// Too much was sent to it that it has not answered; it may be frozen, or far behind.
    #[error("node {0} does not answer what it was sent")]
    Unanswered(NodeId),
    /// It fits no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}
