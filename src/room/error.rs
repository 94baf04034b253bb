//! Why a room stopped.

use crate::{
    link::IceServerError,
    raft::{Holdup, Rejected},
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
    /// The servers that help peers reach each other can't be used.
    #[error(transparent)]
    IceServers(#[from] IceServerError),
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
    /// The room's state can't be taken over by this app; the store holds it as before.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no room to continue as a new one, or it can't be continued yet.
    #[error("there is nothing to continue: {0}")]
    NothingToContinue(&'static str),
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

/// Why a game's state can't be written down, or can't be taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The app has no such resource.
    #[error("the state {name:?} is not in the app; insert it before a room is entered, and keep it there")]
    Missing {
        /// The state's name.
        name: &'static str,
    },
    /// The value does not encode.
    #[error("the state {name:?} can't be encoded; what is replicated must not contain what serde can't write")]
    Unencodable {
        /// The state's name.
        name: &'static str,
    },
    /// The value has several encodings.
    #[error(
        "the state {name:?} is written in another way once it was read; \
         replace what has no order of its own (say a HashMap by a BTreeMap), and keep all that is written"
    )]
    NotCanonical {
        /// The state's name.
        name: &'static str,
    },
    /// It is too large for a snapshot.
    #[error("a state of {bytes} bytes is larger than the {limit} of a snapshot; keep large things beside it")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The room's state has a part that this build doesn't know.
    #[error(
        "the room's state holds {name:?}, which this build of the game doesn't know; use the build that the others use"
    )]
    Unknown {
        /// The part's name.
        name: Arc<str>,
    },
    /// A part was written by a version of the game that this build can't read.
    #[error("the state {name:?} is of version {version}, which this build of the game can't read")]
    Unreadable {
        /// The part's name.
        name: &'static str,
        /// The version that wrote it.
        version: u16,
    },
    /// The bytes are no state of a game.
    #[error("the room's state can't be read; it is not of this game")]
    Malformed,
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
