//! How a snapshot is taken over: one node of three voters, message by message.

use super::lab::{A, B, ME, at, entry, membership};
use bevy_quorum::raft::{
    Ballot, Command, Config, Durable, Effect, Entry, Input, LogIndex, LogPosition, Marked, Message, MessageBody,
    Moment, Mutant, Node, NodeId, Payload, RoleKind, Serial, Snapshot, Term, Write, WriteId,
};
use bytes::Bytes;
use std::sync::Arc;

/// A log that doesn't hold the mark holds nothing behind it that could be kept: here a leader of term 3 wrote behind an
/// entry of term 1 in whose place the snapshot knows one of term 2.
pub fn of_a_log_that_does_not_hold_the_mark_everything_uncommitted_goes(mutant: Option<Mutant>) -> bool {
    let mut lab = Lab::erring(mutant, &[1, 1, 1, 3, 3]);
    lab.hear_all(A, 4, &chunks(&snapshot(at(2, 4), 2, b"state")));
    (lab.node.base(), lab.node.last()) == (at(2, 4), LogIndex(4))
}

/// What stands behind the mark of a log that holds it was acknowledged, perhaps.
pub fn of_a_log_that_holds_the_mark_the_tail_is_kept(mutant: Option<Mutant>) -> bool {
    let mut lab = Lab::erring(mutant, &[2, 2, 2, 2, 2]);
    lab.hear_all(A, 2, &chunks(&snapshot(at(2, 4), 2, b"state")));
    (lab.node.base(), lab.node.last()) == (at(2, 4), LogIndex(6))
}

/// The size of what a snapshot is sent in.
pub const CHUNK: usize = 1_000;

pub fn command(term: u64, index: u64, serial: u64) -> Entry {
    let payload = Payload::Command(Command { author: A, serial: Serial(serial), body: Bytes::new() });
    Entry { payload, ..entry(term, index) }
}

pub fn first() -> Entry {
    Entry { payload: Payload::Membership(membership(&[ME, A, B], &[])), ..entry(1, 1) }
}

/// A snapshot in which A has had this many commands carried out.
pub fn snapshot(position: LogPosition, serials: u64, state: &[u8]) -> Snapshot {
    let mut room = Lab::new(&[]);
    room.append(serials);
    let snapshot = room.made().expect("it was asked for one");
    Snapshot { position, state: Bytes::copy_from_slice(state), ..snapshot }
}

/// What a snapshot is sent as.
pub fn chunks(snapshot: &Snapshot) -> Vec<MessageBody> {
    let room = snapshot.room();
    let bytes: Bytes = [&(room.len() as u32).to_le_bytes()[..], &room, &snapshot.state].concat().into();
    let part = |offset: usize| MessageBody::Snapshot {
        mark: snapshot.position,
        digest: snapshot.digest(),
        total: bytes.len() as u64,
        offset: offset as u64,
        bytes: bytes.slice(offset..bytes.len().min(offset + CHUNK)),
        sent: Moment::ZERO,
    };
    (0..bytes.len()).step_by(CHUNK).map(part).collect()
}

/// One node of three voters, message by message.
pub struct Lab {
    pub node: Node,
    pub now: Moment,
    /// Writes wait until they are told to complete.
    pub held: Option<Vec<WriteId>>,
    pub sent: Vec<(NodeId, Message)>,
    pub writes: Vec<Write>,
    pub applied: Vec<Serial>,
    pub restored: Vec<Arc<Snapshot>>,
}

impl Lab {
    /// With entries of these terms after the first; it knows the first committed.
    pub fn new(terms: &[u64]) -> Self {
        Self::erring(None, terms)
    }

    /// The same, and it may err.
    pub fn erring(mutant: Option<Mutant>, terms: &[u64]) -> Self {
        let rest = terms.iter().zip(2..).map(|(term, index)| entry(*term, index));
        let durable = Durable {
            ballot: Ballot { term: Term(2), vote: None },
            log: std::iter::once(first()).chain(rest).collect(),
            commit: LogIndex(1),
            ..Durable::default()
        };
        Self::started(mutant, durable)
    }

    /// With what its store holds.
    pub fn with(durable: Durable) -> Self {
        Self::started(None, durable)
    }

    fn started(mutant: Option<Mutant>, durable: Durable) -> Self {
        let shipped = Config::default();
        let config = Config { makes_snapshots: true, append_bytes_max: CHUNK, tail_bytes: 0, mutant, ..shipped };
        Self {
            node: Node::new(ME, config, 1, durable, Moment::ZERO),
            now: Moment::ZERO,
            held: None,
            sent: Vec::new(),
            writes: Vec::new(),
            applied: Vec::new(),
            restored: Vec::new(),
        }
    }

    pub fn input(&mut self, input: Input) {
        self.node.handle(self.now, input);
        while let Some(effect) = self.node.poll() {
            match effect {
                Effect::Persist { id, write } => {
                    self.writes.push(write);
                    match &mut self.held {
                        Some(held) => held.push(id),
                        None => self.node.handle(self.now, Input::Persisted(id)),
                    }
                }
                Effect::Send { to, message } => self.sent.push((to, message)),
                Effect::Apply(applied) => self.applied.push(applied.command.serial),
                Effect::Restore(snapshot) => self.restored.push(snapshot),
                Effect::Snapshot { position } => {
                    let input = Input::Snapshotted { index: position.index, state: "state".into() };
                    self.node.handle(self.now, input);
                }
                Effect::Settled { .. } | Effect::Read { .. } => unreachable!("nobody proposes or reads here"),
            }
        }
    }

    pub fn hear(&mut self, from: NodeId, term: u64, body: MessageBody) -> Vec<MessageBody> {
        self.sent.clear();
        self.input(Input::Receive { from, message: Message { term: Term(term), body } });
        self.sent.iter().map(|(_, message)| message.body.clone()).collect()
    }

    pub fn hear_all(&mut self, from: NodeId, term: u64, bodies: &[MessageBody]) -> Vec<MessageBody> {
        bodies.iter().flat_map(|body| self.hear(from, term, body.clone())).collect()
    }

    pub fn append_after(&mut self, previous: LogPosition, entries: Vec<Entry>, commit: u64) -> Vec<MessageBody> {
        let term = self.node.term().0;
        let (entries, commit) = (entries.into(), LogIndex(commit));
        self.hear(A, term, MessageBody::Append { previous, entries, commit, durable: LogIndex(0), sent: Moment::ZERO })
    }

    /// Hears of `serials` commands of A, and of a mark behind them that is agreed on.
    pub fn append(&mut self, serials: u64) {
        let commands = (1..=serials).map(|serial| command(2, serial + 1, serial));
        let mark = Entry { payload: Payload::Mark, ..entry(2, serials + 2) };
        self.append_after(at(1, 1), commands.chain([mark]).collect(), serials + 2);
    }

    /// What it has made, once it is told that all have made the same.
    pub fn made(&mut self) -> Option<Snapshot> {
        let heartbeat = self.heartbeat(self.node.commit().0);
        let answers = self.hear(A, 2, heartbeat);
        let made = answers.iter().find_map(|answer| match answer {
            MessageBody::HeartbeatReply { marked: Marked { made, .. }, .. } => *made,
            _ => None,
        });
        let (mark, digest) = made?;
        let agreed = Entry { payload: Payload::Agreed { mark, digest }, ..entry(2, mark.0 + 1) };
        self.append_after(at(2, mark.0), vec![agreed], mark.0 + 1);
        self.node.snapshot().map(|snapshot| (**snapshot).clone())
    }

    pub fn heartbeat(&self, commit: u64) -> MessageBody {
        let commit = self.node.position_at(LogIndex(commit)).expect("it is in the log");
        MessageBody::Heartbeat { commit, round: 0, patience_ms: 400, sent: Moment::ZERO }
    }

    /// Is elected in the next term, by A's vote.
    pub fn elected(mut self) -> Self {
        let term = self.node.term().0 + 1;
        self.now = self.node.deadline();
        self.input(Input::Wake);
        self.hear(A, term, MessageBody::PreVoteReply { asked: Term(term), granted: true, ahead: None });
        self.hear(A, term, MessageBody::VoteReply { granted: true });
        assert_eq!(self.node.role_kind(), RoleKind::Leader);
        self
    }

    pub fn chunk_offsets(&self, to: NodeId) -> Vec<u64> {
        let offset = |(other, message): &(NodeId, Message)| match &message.body {
            MessageBody::Snapshot { offset, .. } if *other == to => Some(*offset),
            _ => None,
        };
        self.sent.iter().filter_map(offset).collect()
    }
}

pub fn received(answers: &[MessageBody]) -> Vec<u64> {
    let received = |answer: &MessageBody| match answer {
        MessageBody::SnapshotReceived { received, .. } => Some(*received),
        _ => None,
    };
    answers.iter().filter_map(received).collect()
}

pub fn matched(answers: &[MessageBody]) -> Vec<u64> {
    let matched = |answer: &MessageBody| match answer {
        MessageBody::Appended { matched } => Some(matched.0),
        _ => None,
    };
    answers.iter().filter_map(matched).collect()
}
