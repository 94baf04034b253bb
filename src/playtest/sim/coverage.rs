//! How much happened, so that a run that was too tame is not taken for a proof.

use std::{fmt, ops::AddAssign};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident: $least:literal,)*) => {
        /// How often things happened that a proof has to meet.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Coverage {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Coverage {
            /// What happened less often than in a usual run of 300 seeds, and how often it must at least.
            pub fn tame(&self) -> Vec<(&'static str, u64, u64)> {
                let counts = [$((stringify!($name), self.$name, $least)),*];
                counts.into_iter().filter(|(_, count, least)| count < least).collect()
            }
        }

        impl AddAssign for Coverage {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }

        impl fmt::Display for Coverage {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, "{:>12}  {}", self.$name, stringify!($name).replace('_', " "))?;)*
                Ok(())
            }
        }
    };
}

counts! {
    /// Mishaps of all kinds.
    faults: 10_000,
    /// Committed entries.
    commits: 100_000,
    /// Terms that had a leader.
    elections: 5_000,
    /// Entries that were dropped because they conflicted.
    dropped_entries: 300,
    /// Committed changes of a configuration.
    membership_changes: 3_000,
    /// Rooms of two that went on with one.
    two_to_one: 100,
    /// Rooms of one that became two.
    one_to_two: 100,
    /// Snapshots that games made.
    snapshots_made: 3_000,
    /// Snapshots that took the place of what a node had.
    snapshot_installs: 300,
    /// Unsynced writes of which nothing was left after a crash.
    writes_lost: 100,
    /// Unsynced writes of which a part was left.
    writes_torn: 100,
    /// Unsynced writes of which something was left, but not what came before.
    writes_reordered: 50,
    /// Syncs that failed.
    failed_syncs: 50,
    /// Stores that were lost for good.
    lost_stores: 50,
    /// Commands that were sent to a leader again.
    commands_sent_again: 1_000,
    /// Messages that came twice.
    doubled_messages: 10_000,
    /// Messages that were lost.
    lost_messages: 50_000,
    /// Commands of which nobody could tell any more what became of them.
    forgotten_commands: 1,
    /// Swaps that were answered.
    swaps: 50_000,
    /// Reads that were answered.
    reads: 30_000,
    /// Operations that were never answered.
    open_operations: 100,
}
