//! The numbers of Raft, as types that cannot be confused with one another.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A period with at most one leader (dissertation §3.3). Zero is before the first election.
    Term
}
number! {
    /// A place in the log; the first entry is 1, zero is before it.
    LogIndex
}
number! {
    /// The number of a command among those of its author, from 1 without gaps.
    Serial
}
number! {
    /// The number of a write handed to storage; writes become durable in this order.
    WriteId
}
number! {
    /// The name that its caller gives a read.
    ReadId
}
number! {
    /// Log time in milliseconds: starts at zero with the room and passes only while it has a leader.
    LogTime
}

/// Who a node is, for as long as its store lives: drawn from the hash of its static key.
///
/// ```
/// # use bevy_quorum::raft::NodeId;
/// assert_eq!(NodeId(0xbeef).to_string(), "000000000000beef");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

/// Where a log ends: the pair that decides whose log is newer.
///
/// The order is that of the vote rule (§3.6.1): the later term wins, then the longer log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogPosition {
    /// The term of the entry.
    pub term: Term,
    /// Its index.
    pub index: LogIndex,
}
