//! How full a node's queues are, each beside its limit.

use super::{
    Node, RECENT_MAX,
    durability::HELD_MAX,
    entry::{COMMAND_BYTES_MAX, ENTRY_BYTES, MEMBERSHIP_BYTES_MAX},
    inflight::MESSAGES_MAX,
    rounds::ROUNDS_MAX,
};

/// One queue of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// What waits there.
    pub what: &'static str,
    /// How much of it.
    pub held: usize,
    /// The most that it may be.
    pub limit: usize,
}

impl Node {
    /// How full its queues are.
    pub fn load(&self) -> impl Iterator<Item = Load> {
        let config = &self.config;
        let peers = self.role.leadership().into_iter().flat_map(|leadership| leadership.peers.values());
        let (messages, bytes) = peers.fold((0, 0), |(messages, bytes), peer| {
            let (more, size) = peer.under_way();
            (messages.max(more), bytes.max(size))
        });
        let uncommitted = self.role.leadership().map_or(0, |leadership| leadership.uncommitted_bytes);
        // A message holds at least one entry, however large.
        let message = config.append_bytes_max.max(MEMBERSHIP_BYTES_MAX);
        [
            ("own commands", self.outbox.waiting(), config.outbox_commands_max),
            ("own reads", self.reads.waiting(), config.reads_max),
            ("rounds under way", self.role.leadership().map_or(0, |it| it.rounds.under_way()), ROUNDS_MAX),
            ("outcomes that are remembered of one member", self.sessions.recent(), RECENT_MAX),
            ("bytes of own commands", self.outbox.bytes(), config.outbox_bytes_max),
            ("messages that wait for the disk", self.durability.held(), HELD_MAX),
            ("bytes beyond the commit index", uncommitted, config.uncommitted_bytes_max + BEYOND_MAX),
            ("messages on their way to one follower", messages, MESSAGES_MAX),
            ("bytes on their way to one follower", bytes, config.window_bytes + message),
        ]
        .into_iter()
        .map(|(what, held, limit)| Load { what, held, limit })
    }
}

/// What may come on top of the limit of uncommitted bytes: the command that reached it, and what a leader appends
/// on its own behalf.
const BEYOND_MAX: usize = ENTRY_BYTES + COMMAND_BYTES_MAX + 2 * MEMBERSHIP_BYTES_MAX;
