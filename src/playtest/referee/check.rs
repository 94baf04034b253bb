//! The names of what is checked.

use std::fmt;

/// Something that always holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::playtest) enum Check {
    OneLeader,
    AppendOnly,
    LogMatching,
    Completeness,
    CommittedStays,
    DurableMajority,
    SameState,
    Agreed,
    NoReturn,
    InOrder,
    DurablePromise,
    OneChange,
    Overlap,
    ExactlyOnce,
    Limits,
}

impl Check {
    /// # Panics
    /// If it doesn't hold; the message begins with the name of the check.
    #[track_caller]
    pub fn holds(self, so: bool, unless: impl FnOnce() -> String) {
        if !so {
            panic!("{self}: {}", unless());
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneLeader => "one leader a term",
            Self::AppendOnly => "leaders only append",
            Self::LogMatching => "log matching",
            Self::Completeness => "leader completeness",
            Self::CommittedStays => "what is committed stays",
            Self::DurableMajority => "committed is durable on a majority",
            Self::SameState => "same commands, same state",
            Self::Agreed => "agreed before stored",
            Self::NoReturn => "nothing goes back",
            Self::InOrder => "snapshot, applied, commit, end of log in this order",
            Self::DurablePromise => "durable before promised",
            Self::OneChange => "one change at a time",
            Self::Overlap => "majorities overlap",
            Self::ExactlyOnce => "each command once",
            Self::Limits => "queues keep their limits",
        })
    }
}
