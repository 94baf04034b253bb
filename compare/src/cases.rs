//! What is measured.

use std::fmt;

/// A cluster under a closed loop: so many commands outstanding, each of so many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub nodes: usize,
    pub window: u64,
    pub bytes: usize,
}

impl Case {
    /// The case that games are most like when they are busy.
    pub const TYPICAL: Self = Self { nodes: 3, window: 1_024, bytes: 32 };

    pub fn all() -> impl Iterator<Item = Self> {
        let windows = |nodes| [1, 64, 1_024, 4_096].map(|window| (nodes, window));
        let bytes = |(nodes, window)| [0, 32, 256, 4_096].map(|bytes| Self { nodes, window, bytes });
        [3, 5].into_iter().flat_map(windows).flat_map(bytes)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nodes={} window={} bytes={}", self.nodes, self.window, self.bytes)
    }
}

/// How long it may take.
pub struct Scale {
    /// How often each contender takes its turn.
    pub runs: usize,
    /// The commands of one turn: one at a time, and many at a time.
    pub commands_single: u64,
    pub commands_many: u64,
    /// The bytes of commands that one turn may leave in memory.
    pub bytes_max: u64,
    /// How far a follower lies behind.
    pub lag: u64,
    /// How long the tail is that has to go.
    pub tail: u64,
}

impl Scale {
    pub const FULL: Self = Self {
        runs: 9,
        commands_single: 30_000,
        commands_many: 200_000,
        bytes_max: 128 << 20,
        lag: 100_000,
        tail: 10_000,
    };
    pub const QUICK: Self =
        Self { runs: 3, commands_single: 5_000, commands_many: 40_000, bytes_max: 32 << 20, ..Self::FULL };

    /// The commands of one turn at `case`.
    pub fn commands(&self, case: &Case) -> u64 {
        let commands = if case.window == 1 { self.commands_single } else { self.commands_many };
        commands.min(self.bytes_max / (case.bytes as u64).max(1))
    }
}
