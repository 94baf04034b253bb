//! What is refused on a link, and the count of it.

use crate::wire::{ByeReason, FrameError};

/// Why a frame or a whole connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The bytes are no frame, or a frame of another version.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A frame that has no place on this lane or at this point.
    #[error("a frame came out of place")]
    OutOfPlace,
    /// A frame of another cluster, or of an earlier session of this link.
    #[error("a frame belongs to another session")]
    OtherSession,
    /// A hello of another cluster.
    #[error("the peer belongs to another room")]
    OtherCluster,
    /// A hello whose node isn't drawn from its key.
    #[error("the peer's id does not belong to its key")]
    ForgedId,
    /// A hello under our own id: an echo, or a copy of our store.
    #[error("the peer claims to be this very node")]
    OwnId,
    /// A hello for the other plane.
    #[error("the peer takes the connection for another one")]
    WrongPlane,
    /// A hello that was said before, or another one on the same connection.
    #[error("the peer repeats an old introduction")]
    ReplayedHello,
    /// A proof that doesn't hold.
    #[error("the peer could not prove its key and its invitation")]
    Unproven,
    /// No proof in time.
    #[error("the peer did not introduce itself in time")]
    TimedOut,
    /// Too much was sent before the proof.
    #[error("the peer sent too much before it introduced itself")]
    TooMuchUnproven,
    /// There are as many links as can be.
    #[error("there is no room for another link")]
    NoRoom,
    /// The peer refused us.
    #[error("the peer ended the link: {0}")]
    ByPeer(ByeReason),
}

/// The kinds of refusals that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// Bytes that are no frame, or out of place.
    Malformed,
    /// Another protocol version.
    Version,
    /// Another session or another cluster.
    Foreign,
    /// An introduction that doesn't hold or doesn't come.
    Unproven,
    /// Beyond a limit.
    Limit,
    /// Refused by the other side.
    ByPeer,
}

impl RefusalReason {
    /// How it is counted.
    pub fn kind(self) -> RefusalKind {
        match self {
            Self::Frame(FrameError::Version { .. }) => RefusalKind::Version,
            Self::Frame(_) | Self::OutOfPlace => RefusalKind::Malformed,
            Self::OtherSession | Self::OtherCluster => RefusalKind::Foreign,
            Self::ForgedId | Self::OwnId | Self::WrongPlane | Self::ReplayedHello | Self::Unproven | Self::TimedOut => {
                RefusalKind::Unproven
            }
            Self::TooMuchUnproven | Self::NoRoom => RefusalKind::Limit,
            Self::ByPeer(_) => RefusalKind::ByPeer,
        }
    }

    /// The protocol version of the peer, if it was refused for speaking another one than this program.
    pub fn other_version(self) -> Option<u16> {
        match self {
            Self::Frame(FrameError::Version { theirs, .. }) | Self::ByPeer(ByeReason::Version(theirs)) => Some(theirs),
            _ => None,
        }
    }

    /// What the peer is told.
    pub(super) fn bye(self) -> ByeReason {
        match self {
            Self::Frame(FrameError::Version { ours, .. }) => ByeReason::Version(ours),
            Self::OtherCluster => ByeReason::Cluster,
            Self::TooMuchUnproven | Self::NoRoom => ByeReason::Full,
            _ if self.kind() == RefusalKind::Unproven => ByeReason::Unproven,
            _ => ByeReason::Malformed,
        }
    }
}

/// How much was refused, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals([u64; 6]);

impl Refusals {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// That of one kind.
    pub fn of(&self, kind: RefusalKind) -> u64 {
        self.0[kind as usize]
    }

    pub(super) fn count(&mut self, reason: RefusalReason) {
        self.0[reason.kind() as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_speaks_another_version_is_of_another_version() {
        let newer = RefusalReason::Frame(FrameError::Version { ours: 3, theirs: 4 });
        assert_eq!(newer.other_version(), Some(4));
        assert_eq!(RefusalReason::ByPeer(ByeReason::Version(2)).other_version(), Some(2));
        assert_eq!(RefusalReason::ByPeer(ByeReason::Full).other_version(), None);
        assert_eq!(RefusalReason::OtherCluster.other_version(), None);
    }
}
