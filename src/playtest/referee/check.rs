//! The names of what is checked.

use std::fmt;

macro_rules! checks {
    ($($name:ident: $text:literal,)*) => {
        /// Something that always holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $(#[doc = $text] $name,)*
        }

        impl Check {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// What holds; a failure begins with it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

checks! {
    OneLeader: "one leader a term",
    Elected: "leaders are elected by a majority",
    AppendOnly: "leaders only append",
    LogMatching: "log matching",
    Completeness: "leader completeness",
    CommittedStays: "what is committed stays",
    DurableMajority: "committed is durable on a majority",
    SameState: "same commands, same state",
    Agreed: "agreed before stored",
    NoReturn: "nothing goes back",
    InOrder: "snapshot, applied, commit, end of log in this order",
    DurablePromise: "durable before promised",
    OneChange: "one change at a time",
    OwnTerm: "a leader commits, and changes something, by entries of its own term",
    Overlap: "majorities overlap",
    InForce: "the newest configuration is in force",
    ExactlyOnce: "each command once",
    Attended: "who leads is answered by a majority",
    Voting: "who leads has a vote",
    FreshReads: "reads see what was carried out before",
    Limits: "queues keep their limits",
    Convergence: "a healed room converges and serves",
    Steadiness: "a calm room stays calm",
    Refusal: "no majority, no progress",
    Linearizability: "linearizability",
}

impl Check {
    /// # Panics
    /// If it doesn't hold; the message begins with the name of the check.
    #[track_caller]
    pub(in crate::playtest) fn holds(self, so: bool, unless: impl FnOnce() -> String) {
        if !so {
            panic!("{self}: {}", unless());
        }
    }

    /// The check that a failure begins with; none if it is an assertion of the core or the store.
    pub fn of(failure: &str) -> Option<Self> {
        let name = failure.split(": ").next()?;
        Self::ALL.iter().copied().find(|check| check.name() == name)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
