//! The link by which people come into a room.

/// The random name of a cluster, chosen by whoever opens the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub [u8; 16]);

/// The way into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Which cluster.
    pub cluster: ClusterId,
}
