//! One real node, told message by message; nobody else is there.
// Each test binary uses a part of it.
#![allow(dead_code)]

use bevy_quorum::raft::{
    Applied, Ballot, Command, Config, Durable, Effect, Entry, Holdup, Input, LogIndex, LogPosition, LogTime, Member,
    Membership, Message, MessageBody, Moment, Node, NodeId, Payload, Permission, ReadId, RoleKind, Serial, Snapshot,
    Standing, Term, Write, WriteId,
};
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc};

pub const ME: NodeId = NodeId(1);
pub const A: NodeId = NodeId(2);
pub const B: NodeId = NodeId(3);

/// The bench that a node lies on.
pub struct Lab {
    pub node: Node,
    pub now: Moment,
    /// Writes wait until they are told to complete.
    pub held: Option<Vec<WriteId>>,
    pub sent: Vec<(NodeId, Message)>,
    pub writes: Vec<Write>,
    pub applied: Vec<Applied>,
    pub restored: Vec<Arc<Snapshot>>,
    pub read: BTreeMap<ReadId, Result<LogIndex, Holdup>>,
}

impl Lab {
    /// A node that starts on what its store holds.
    pub fn on(config: Config, durable: Durable, now: Moment) -> Self {
        Self {
            node: Node::new(ME, config, 1, durable, now),
            now,
            held: None,
            sent: Vec::new(),
            writes: Vec::new(),
            applied: Vec::new(),
            restored: Vec::new(),
            read: BTreeMap::new(),
        }
    }

    /// A node among three voters, in this term, with entries of these terms after the first; it knows only the first
    /// committed.
    pub fn of_three(terms: &[u64], term: u64) -> Self {
        Self::on(Config::default(), three(terms, term), Moment::ZERO)
    }

    pub fn input(&mut self, input: Input) {
        self.node.handle(self.now, input);
        self.drain();
    }

    /// Does what the node wants done.
    pub fn drain(&mut self) {
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
                Effect::Apply(applied) => self.applied.push(applied),
                Effect::Restore(snapshot) => self.restored.push(snapshot),
                Effect::Snapshot { position } => {
                    let input = Input::Snapshotted { index: position.index, state: "state".into() };
                    self.node.handle(self.now, input);
                }
                Effect::Read { id, outcome } => assert_eq!(self.read.insert(id, outcome), None, "{id} ends twice"),
                Effect::Settled { serial, .. } => unreachable!("nobody here misses the end of command {serial}"),
            }
        }
    }

    /// Somebody says something.
    pub fn tell(&mut self, from: NodeId, term: u64, body: MessageBody) {
        self.input(Input::Receive { from, message: Message { term: Term(term), body } });
    }

    /// Somebody says something; what the node sends then.
    pub fn hear(&mut self, from: NodeId, term: u64, body: MessageBody) -> Vec<(NodeId, Message)> {
        self.sent.clear();
        self.tell(from, term, body);
        self.sent.clone()
    }

    /// The same, but what it says alone.
    pub fn answers(&mut self, from: NodeId, term: u64, body: MessageBody) -> Vec<MessageBody> {
        self.hear(from, term, body).into_iter().map(|(_, message)| message.body).collect()
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

    /// The serials of the commands that were carried out.
    pub fn serials(&self) -> Vec<u64> {
        self.applied.iter().map(|applied| applied.command.serial.0).collect()
    }
}

/// What the store of one of three voters holds.
pub fn three(terms: &[u64], term: u64) -> Durable {
    let rest = terms.iter().zip(2..).map(|(term, index)| entry(*term, index));
    Durable {
        ballot: Ballot { term: Term(term), vote: None },
        log: std::iter::once(first(&[ME, A, B])).chain(rest).collect(),
        commit: LogIndex(1),
        ..Durable::default()
    }
}

/// An entry that makes these the voters of a room.
pub fn first(voters: &[NodeId]) -> Entry {
    let members = voters.iter().map(|voter| (*voter, member(Standing::Voter, 1))).collect();
    Entry { payload: Payload::Membership(Membership { members }), ..entry(1, 1) }
}

pub fn member(standing: Standing, session: u64) -> Member {
    Member { standing, permission: Permission::Owner, key: [0; 32], session: LogIndex(session) }
}

pub fn at(term: u64, index: u64) -> LogPosition {
    LogPosition { term: Term(term), index: LogIndex(index) }
}

pub fn entry(term: u64, index: u64) -> Entry {
    Entry { term: Term(term), index: LogIndex(index), time: LogTime(0), payload: Payload::Empty }
}

/// An entry with a command of A.
pub fn command(term: u64, index: u64, serial: u64) -> Entry {
    let payload = Payload::Command(Command { author: A, serial: Serial(serial), body: Bytes::new() });
    Entry { payload, ..entry(term, index) }
}

/// An append of a leader that has as much committed.
pub fn append(previous: LogPosition, entries: Vec<Entry>, commit: u64) -> MessageBody {
    let (entries, commit, durable) = (entries.into(), LogIndex(commit), LogIndex(0));
    MessageBody::Append { previous, entries, commit, durable, sent: Moment::ZERO }
}

/// A heartbeat of a leader that has as much committed.
pub fn heartbeat(commit: LogPosition) -> MessageBody {
    MessageBody::Heartbeat { commit, round: 0, patience_ms: 400, sent: Moment::ZERO }
}
