//! The settings of a node.

#[cfg(feature = "playtest")]
use super::Mutant;
use std::time::Duration;

/// How patient a node is, and how much it takes on. The default is what ships.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The least patience of a room, however short its round trips: within it, a voter that heard a leader
    /// grants nobody else a vote. A leader shows five times as often that it is there.
    pub election_timeout_min: Duration,
    /// The most, however long they are.
    pub election_timeout_max: Duration,
    /// After how much silence a voter loses its vote, if the others can go on without it.
    pub silence: Duration,
    /// How long a learner must have been heard without a break before it gets a vote.
    pub settling: Duration,
    /// How late a wake-up may come before the node takes itself for having been asleep.
    pub oversleep: Duration,
    /// How long the commit index may go unwritten when nothing else is written.
    pub commit_lag: Duration,
    /// After how much log time without a command the session of a learner that is away may be forgotten.
    pub session_idle: Duration,
    /// How long a read waits before it is given up.
    pub read_patience: Duration,
    /// Whether this node only votes and stores, for rooms too small to survive a loss: it carries out no commands, makes
    /// none, and leads only until it can hand over.
    pub witness: bool,
    /// How many voters a leader makes of those who join.
    pub voters_max: usize,
    /// The most encoded bytes of entries or commands in one message.
    pub append_bytes_max: usize,
    /// The most bytes on their way to one follower.
    pub window_bytes: usize,
    /// The most bytes of own commands on their way to the leader.
    pub forward_window_bytes: usize,
    /// The most bytes a leader appends ahead of what is committed.
    pub uncommitted_bytes_max: usize,
    /// Whether this node makes snapshots: its driver answers [`Effect::Snapshot`](super::Effect::Snapshot).
    /// Without them the log is never cut.
    pub makes_snapshots: bool,
    /// How many bytes of entries gather before the leader marks the next place for a snapshot.
    pub mark_bytes: usize,
    /// How many entries do.
    pub mark_entries: u64,
    /// How many bytes of entries before a snapshot are kept for followers that are a little behind.
    pub tail_bytes: usize,
    /// The most bytes of entries that gather while no snapshot is agreed on.
    pub log_bytes_max: usize,
    /// The most commands of its own that a node keeps until they are settled.
    pub outbox_commands_max: usize,
    /// The most bytes of those.
    pub outbox_bytes_max: usize,
    /// The most reads of its own that a node keeps waiting.
    pub reads_max: usize,
    /// A mistake to make, to prove that the checks see it.
    #[cfg(feature = "playtest")]
    pub mutant: Option<Mutant>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            election_timeout_min: Duration::from_millis(400),
            election_timeout_max: Duration::from_secs(3),
            silence: Duration::from_secs(5),
            settling: Duration::from_millis(500),
            oversleep: Duration::from_millis(250),
            commit_lag: Duration::from_millis(500),
            session_idle: Duration::from_secs(24 * 60 * 60),
            read_patience: Duration::from_secs(5),
            witness: false,
            voters_max: 5,
            append_bytes_max: 14 * 1024,
            window_bytes: 512 * 1024,
            forward_window_bytes: 128 * 1024,
            uncommitted_bytes_max: 4 * 1024 * 1024,
            makes_snapshots: false,
            mark_bytes: 4 * 1024 * 1024,
            mark_entries: 16 * 1024,
            tail_bytes: 1024 * 1024,
            log_bytes_max: 64 * 1024 * 1024,
            outbox_commands_max: 100_000,
            outbox_bytes_max: 64 * 1024 * 1024,
            reads_max: 4_096,
            #[cfg(feature = "playtest")]
            mutant: None,
        }
    }
}
