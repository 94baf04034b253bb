//! What the log holds.

use super::{Digest, LogIndex, LogPosition, LogTime, MEMBERS_MAX, Membership, NodeId, Serial, Term};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The largest body of one command, in bytes. Larger things travel beside the log.
pub const COMMAND_BYTES_MAX: usize = 4 * 1024;

/// The most that an entry takes beside its body, encoded.
pub(super) const ENTRY_BYTES: usize = 64;
/// What a digest takes.
const DIGEST_BYTES: usize = 32;
/// The most that one member takes, encoded.
const MEMBER_BYTES: usize = 52;
/// The most that an entry with a configuration takes, encoded.
pub(super) const MEMBERSHIP_BYTES_MAX: usize = ENTRY_BYTES + MEMBERS_MAX * MEMBER_BYTES;

/// One entry of the replicated log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The term of the leader that appended it.
    pub term: Term,
    /// Its place.
    pub index: LogIndex,
    /// The leader's log time when it was appended; never less than the entry before it.
    pub time: LogTime,
    /// What it says.
    pub payload: Payload,
}

impl Entry {
    /// Term and index together.
    pub fn position(&self) -> LogPosition {
        LogPosition { term: self.term, index: self.index }
    }

    /// An upper bound of its encoded size.
    pub(crate) fn bytes(&self) -> usize {
        ENTRY_BYTES
            + match &self.payload {
                Payload::Empty | Payload::Mark => 0,
                Payload::Agreed { .. } => DIGEST_BYTES,
                Payload::Command(command) => command.body.len(),
                Payload::Membership(membership) => membership.members.len() * MEMBER_BYTES,
            }
    }
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Payload {
    /// Nothing; a new leader's first entry, whose commit commits all before it (§3.6.2).
    Empty,
    /// A command of some author.
    Command(Command),
    /// The configuration from here on, in force as soon as it is appended (§4.1).
    Membership(Membership),
    /// Here every replica makes a snapshot.
    Mark,
    /// A majority has made the same snapshot: what lies before it can be forgotten.
    Agreed {
        /// The mark it was made at.
        mark: LogIndex,
        /// What it hashes to.
        digest: Digest,
    },
}

/// A command of the state machine, named by its author and the author's count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Command {
    /// Who proposed it.
    pub author: NodeId,
    /// Which of the author's commands it is.
    pub serial: Serial,
    /// The command itself, opaque to consensus; at most [`COMMAND_BYTES_MAX`] bytes.
    pub body: Bytes,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::raft::{Config, MEMBERS_MAX, Member, Permission, Standing};

    fn encoded(entry: &Entry) -> usize {
        bincode::serde::encode_to_vec(entry, bincode::config::standard()).unwrap().len()
    }

    fn entry(payload: Payload) -> Entry {
        Entry { term: Term(u64::MAX), index: LogIndex(u64::MAX), time: LogTime(u64::MAX), payload }
    }

    #[test]
    fn no_entry_is_larger_than_it_is_taken_for() {
        let body = Bytes::from(vec![7; COMMAND_BYTES_MAX]);
        let command = Command { author: NodeId(u64::MAX), serial: Serial(u64::MAX), body };
        let member = Member {
            standing: Standing::Learner,
            permission: Permission::Owner,
            key: [255; 32],
            session: LogIndex(u64::MAX),
        };
        let members = (0..MEMBERS_MAX as u64).map(|node| (NodeId(u64::MAX - node), member)).collect();
        let agreed = Payload::Agreed { mark: LogIndex(u64::MAX), digest: Digest([255; 32]) };
        let membership = Payload::Membership(Membership { members });
        for payload in [Payload::Empty, Payload::Command(command), membership, Payload::Mark, agreed] {
            let entry = entry(payload);
            assert!(encoded(&entry) <= entry.bytes(), "{} > {}", encoded(&entry), entry.bytes());
            assert!(entry.bytes() <= Config::default().append_bytes_max);
        }
    }
}
