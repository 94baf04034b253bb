//! Why a room stopped.

use crate::{
    raft::{Holdup, LogIndex, Rejected},
    storage::StorageError,
    wire::{ClusterId, InvitationError},
};
use std::sync::Arc;

/// Why a room can't be entered, or can't go on; each reads as one line for people.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// The invitation can't be read.
    #[error(transparent)]
    Invitation(InvitationError),
    /// The store can't be opened, or a write to it failed.
    #[error(transparent)]
    Storage(Arc<StorageError>),
    /// The links can't be started.
    #[error("the operating system grants no threads for links: {0}")]
    Links(std::io::ErrorKind),
    /// The store holds another room than the invitation names.
    #[error(
        "this store holds the room {stored}, but the invitation is for the room {invited}; \
         choose another folder, or leave the invitation out"
    )]
    OtherRoom {
        /// The room in the store.
        stored: ClusterId,
        /// The room of the invitation.
        invited: ClusterId,
    },
    /// The log of the room begins with a snapshot, and this app takes none over.
    #[error("what was done here up to entry {index} is kept as a snapshot, which this program doesn't read")]
    SnapshotUnread {
        /// The entry that the snapshot stands for.
        index: LogIndex,
    },
    /// Consensus panicked; nothing that was promised is lost, and the store can be opened again.
    #[error("the room stopped because of a fault in it: {0}; open it again to go on")]
    Fault(Arc<str>),
    /// This build has no links, or runs where rooms have no driver.
    #[error("rooms can't run here: {0}")]
    Unsupported(&'static str),
}

impl From<StorageError> for RoomError {
    fn from(error: StorageError) -> Self {
        Self::Storage(Arc::new(error))
    }
}

impl From<InvitationError> for RoomError {
    fn from(error: InvitationError) -> Self {
        Self::Invitation(error)
    }
}

/// Why a proposal had no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProposeError {
    /// It does not encode, or not into few enough bytes.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The value does not encode.
    #[error("the command can't be encoded; a type that travels must not contain borrowed or unsized parts")]
    Unencodable,
    /// The room failed or was left.
    #[error("the room is closed")]
    Closed,
}

/// Why a read was given up; it may be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Something held it up for too long.
    #[error("what is decided can't be known for sure: {0}")]
    HeldUp(#[from] Holdup),
    /// It was not taken.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The room failed or was left.
    #[error("the room is closed")]
    Closed,
}
