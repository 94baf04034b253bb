//! What goes into a node and what comes out of it.

use super::{
    Ballot, Command, Decision, Entries, Entry, Holdup, LogIndex, LogPosition, LogTime, Message, NodeId, Payload,
    Permission, ReadId, Serial, Snapshot, Standing, Term, WriteId,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Something that happened to a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The [deadline](super::Node::deadline) has come.
    Wake,
    /// A message of another node of the same cluster.
    Receive {
        /// Who sent it, as proven by its link.
        from: NodeId,
        /// The message.
        message: Message,
    },
    /// This write, and every one before it, is durable.
    Persisted(WriteId),
    /// A node that holds an invitation is linked to us.
    Linked(Joiner),
    /// Our link to a node is gone. A hint: only silence counts.
    Unlinked(NodeId),
    /// The game's state as of [`Effect::Snapshot`], in canonical bytes: the same on every replica.
    ///
    /// It may come any time later. Without use once a newer snapshot is asked for or agreed on.
    Snapshotted {
        /// The mark.
        index: LogIndex,
        /// The state, at most [`SNAPSHOT_BYTES_MAX`](super::SNAPSHOT_BYTES_MAX) bytes.
        state: Bytes,
    },
    /// This node should lead rather than others, or rather not: [`PRIORITY_DEFAULT`](super::PRIORITY_DEFAULT) unless
    /// told, less on a poor link or in a hidden tab, zero to lead only until another can.
    Priority(u8),
    /// Somebody wishes that another node leads: this voter, or the best one. Nothing happens unless this node leads.
    Transfer {
        /// Who.
        to: Option<NodeId>,
    },
    /// This node is about to close: hand over the office, give up the vote, keep the membership.
    Leave,
}

/// A node that is linked to us and whose invitation has been proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Joiner {
    /// Who it is.
    pub node: NodeId,
    /// The public key that the id is drawn from.
    pub key: [u8; 32],
    /// What its invitation permits.
    pub permission: Permission,
}

/// Something a node wants done. Effects are carried out in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Make durable, then answer with [`Input::Persisted`].
    Persist {
        /// The name of the write.
        id: WriteId,
        /// What to write, atomically.
        write: Write,
    },
    /// Everything this message promises is already durable.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: Message,
    },
    /// Commands are committed and their turn has come.
    Apply(Batch),
    /// Take the game's state as it is now, after the commands before this and before those after it, and
    /// answer with [`Input::Snapshotted`] when it is in bytes.
    Snapshot {
        /// The mark.
        position: LogPosition,
    },
    /// Whatever was applied, the state is this one now; what comes next is applied to it.
    Restore(Arc<Snapshot>),
    /// An own command is settled without being applied here: its session is over, or a snapshot took the place of
    /// the entries that decided it. Each own command is settled once, by this or by [`Effect::Apply`].
    Settled {
        /// Which one.
        serial: Serial,
        /// What became of it; none if nobody can tell any more, so that it may be in the log or not.
        decision: Option<Decision>,
    },
    /// A [read](super::Node::read) has its moment between the commands, or was given up.
    Read {
        /// The name that the caller gave it.
        id: ReadId,
        /// An index that the state machine has reached, and which is not before anything that was committed
        /// when the read was asked; or what held it up for too long. It may be asked again.
        outcome: Result<LogIndex, Holdup>,
    },
}

/// Commands whose turn has come, consecutive in the log, whose entries it shares. Each command comes once, in log order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Batch {
    pub(super) entries: Entries,
    pub(super) refusal: Option<Refusal>,
}

impl Batch {
    /// The commands in order, as the log has them.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.entries.iter().filter_map(|entry| match &entry.payload {
            Payload::Command(command) => Some(command),
            _ => None,
        })
    }

    /// The commands in order, each with all there is to know about it.
    pub fn applied(&self) -> impl Iterator<Item = Applied> {
        self.entries.iter().zip(self.commands()).map(|(entry, command)| Applied {
            index: entry.index,
            term: entry.term,
            time: entry.time,
            command: command.clone(),
            refusal: self.refusal,
        })
    }

    /// Why they have no effect, if they have none.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }
}

/// A committed command, on its way to the state machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Applied {
    /// Its place in the log.
    pub index: LogIndex,
    /// The term it was appended in.
    pub term: Term,
    /// The leader's log time.
    pub time: LogTime,
    /// The command.
    pub command: Command,
    /// Why it has no effect, if it has none; its author learns this as the outcome.
    pub refusal: Option<Refusal>,
}

/// Why a committed command has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Its author may only watch.
    #[error("its author may view this room, not change it")]
    NotPermitted,
}

/// One atomic change to a store. Empty parts change nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Write {
    /// The term and the vote in it.
    pub ballot: Option<Ballot>,
    /// Drop every entry from this index on, before anything else is done to the log.
    pub truncate_from: Option<LogIndex>,
    /// Keep this snapshot instead of an older one.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Drop every entry up to and including this one, which the snapshot stands for; a log that ends before
    /// it goes on after it.
    pub compact: Option<LogPosition>,
    /// Entries to add, consecutive, starting right after the log's end.
    pub entries: Entries,
    /// The commit index as known now: a hint that shows the state sooner after a restart.
    pub commit: Option<LogIndex>,
    /// The session that the outbox belongs to from now on.
    pub session: Option<LogIndex>,
    /// Commands of this node, to be kept until they are settled.
    pub outbox_put: Vec<(Serial, Bytes)>,
    /// Forget every command of the outbox up to and including this one.
    pub outbox_settled: Option<Serial>,
}

/// The durable part of a node's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Durable {
    /// The term and the vote in it.
    pub ballot: Ballot,
    /// The newest snapshot.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The entry before the first of the log; never after the snapshot.
    pub base: LogPosition,
    /// The log, from `base` on without gaps.
    pub log: Vec<Entry>,
    /// An index known to be committed; never beyond the log.
    pub commit: LogIndex,
    /// The session that the outbox belongs to, once there is one.
    pub session: Option<LogIndex>,
    /// Commands of this node that were not settled.
    pub outbox: BTreeMap<Serial, Bytes>,
    /// The last serial this node ever gave out.
    pub last_serial: Serial,
}

/// Why a proposal was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// The body is larger than [`COMMAND_BYTES_MAX`](super::COMMAND_BYTES_MAX).
    #[error("a command of {bytes} bytes is larger than the limit of {limit}; send large things beside the log")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The outbox is full: too many commands wait.
    #[error("{waiting} commands wait already: {}", holdup.unwrap_or(Holdup::Full))]
    OutboxFull {
        /// How many wait.
        waiting: usize,
        /// What holds them up, if that is more than their number.
        holdup: Option<Holdup>,
    },
    /// The log is full: it can't be cut.
    #[error("the log holds {bytes} bytes since its last snapshot; nobody is awake to make a snapshot")]
    LogFull {
        /// The bytes since then.
        bytes: usize,
    },
    /// Too many reads wait for an answer.
    #[error("{waiting} reads wait already; the room has no majority, or cannot keep up")]
    ReadsFull {
        /// How many wait.
        waiting: usize,
    },
    /// This node is leaving.
    #[error("this node is leaving the room")]
    Leaving,
    /// This node is a witness.
    #[error("a witness carries out nothing, and proposes nothing")]
    Witness,
}

/// What a node is doing, for those who watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Leader, follower, candidate or listener.
    pub role: RoleKind,
    /// The leader it follows, if it knows one.
    pub leader: Option<NodeId>,
    /// Its term.
    pub term: Term,
    /// The last index it knows committed.
    pub commit: LogIndex,
    /// The end of its log.
    pub last: LogIndex,
    /// Its own commands that are not settled.
    pub waiting: usize,
    /// Why they wait, if it is for anything but their turn.
    pub holdup: Option<Holdup>,
    /// For a leader, what it knows of each other member; empty otherwise.
    pub followers: BTreeMap<NodeId, Follower>,
    /// Its standing in the configuration in force; none if it is no member.
    pub standing: Option<Standing>,
    /// The entry that its newest snapshot stands for.
    pub snapshot: LogIndex,
    /// The bytes of entries since then.
    pub log_bytes: usize,
    /// Why the log can't be cut, if it can't.
    pub trouble: Option<Trouble>,
}

/// Why a log can't be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// Nobody answered a mark, and the log is full.
    #[error("nobody is awake to make a snapshot")]
    Unmade,
    /// The game's state is larger than [`SNAPSHOT_BYTES_MAX`](super::SNAPSHOT_BYTES_MAX).
    #[error("a snapshot of {bytes} bytes is larger than the limit of {limit}", limit = super::SNAPSHOT_BYTES_MAX)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// This node's state is not the one that the others agreed on: the game does not do the same everywhere.
    #[error("this node's state differs from what the others agreed on; it will be replaced by theirs")]
    Diverged,
    /// The snapshots of the voters differ, and none is that of a majority.
    #[error("the snapshots of the members differ: the game does not do the same everywhere")]
    Split,
}

/// The names of the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoleKind {
    /// Has no part in the configuration yet, and waits to be let in.
    Waiting,
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks for votes, or whether it would get them.
    Candidate,
    /// Leads.
    Leader,
}

/// What a leader knows of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Follower {
    /// The last index known to be durable there.
    pub matched: LogIndex,
    /// Whether it has answered within the last election timeout.
    pub heard: bool,
}
