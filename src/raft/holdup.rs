//! Why what waits has to wait.

use super::{Mutant, Node, role::Role};
use serde::{Deserialize, Serialize};

/// Why own commands, or a read, have to wait. Commands wait durably, and go on by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Holdup {
    /// This node knows no leader.
    #[error("no leader is known")]
    NoLeader,
    /// This node is no member, or doesn't know it yet.
    #[error("this node is not a member")]
    NotMember,
    /// The room has forgotten this node, and has yet to let it in again.
    #[error("the room has forgotten this node, and has yet to let it in again")]
    Forgotten,
    /// The leader doesn't answer.
    #[error("the leader does not answer")]
    NoAnswer,
    /// Too few voters answer the leader.
    #[error("too few of those who vote answer")]
    NoMajority,
    /// The leader has appended as much as it may ahead of what is committed.
    #[error("more is proposed than the room can commit")]
    Full,
    /// Nobody is awake to make a snapshot, so that the log can't be cut.
    #[error("nobody is awake to make a snapshot")]
    SnapshotMissing,
    /// The office is being handed over.
    #[error("the leader is handing over")]
    Transferring,
    /// This node lacks a part of what is committed.
    #[error("this node lacks a part of what is committed")]
    Behind,
}

impl Node {
    /// What holds up the commands of this node, if they wait for anything but their turn.
    pub fn holdup(&self) -> Option<Holdup> {
        match (&self.role, self.addressee()) {
            _ if self.outbox.waiting() == 0 => None,
            (Role::Leader(_), _) => self.closed(),
            (_, None) => Some(Holdup::NoLeader),
            _ if !self.membership().members.contains_key(&self.id) => Some(Holdup::NotMember),
            _ => self.forwarding.obstacle(),
        }
    }

    /// Why this leader appends no commands for now, or commits none.
    pub(super) fn closed(&self) -> Option<Holdup> {
        let alone = self.silence_of_majority().is_some_and(|silence| silence > self.patience);
        self.full().or_else(|| alone.then_some(Holdup::NoMajority))
    }

    /// How many bytes of commands this leader may append.
    pub(super) fn room(&self) -> usize {
        let Some(leadership) = self.role.leadership().filter(|_| self.full().is_none()) else { return 0 };
        let uncommitted = self.config.uncommitted_bytes_max.saturating_sub(leadership.uncommitted_bytes);
        self.log_room().min(uncommitted)
    }

    /// Why this leader appends no commands for now.
    pub(super) fn full(&self) -> Option<Holdup> {
        let uncommitted = self.role.leadership()?.uncommitted_bytes;
        match () {
            () if self.is_handing_over() => Some(Holdup::Transferring),
            () if self.is_log_full() => Some(Holdup::SnapshotMissing),
            () if uncommitted >= self.config.uncommitted_bytes_max && !self.config.errs(Mutant::AppendWithoutEnd) => {
                Some(Holdup::Full)
            }
            () => None,
        }
    }
}
