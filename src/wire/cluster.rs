//! The name of a cluster.

use super::random_bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The random name of a cluster, chosen by whoever opens the room.
///
/// ```
/// # use bevy_quorum::wire::ClusterId;
/// assert_eq!(ClusterId([0xab; 16]).to_string(), "abababababababababababababababab");
/// assert_ne!(ClusterId::random(), ClusterId::random());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClusterId(pub [u8; 16]);

impl ClusterId {
    /// A name that no other cluster has.
    #[must_use]
    pub fn random() -> Self {
        Self(random_bytes())
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterId({self})")
    }
}
