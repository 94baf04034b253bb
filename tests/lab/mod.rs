//! One real node, told message by message; nobody else is there.
// Each test binary uses a part of it.
#![allow(dead_code)]

use bevy_quorum::raft::{
    Applied, Ballot, Command, Config, Decision, Durable, Effect, Entry, Holdup, Input, LogIndex, LogPosition, LogTime,
    Member, Membership, Message, MessageBody, Moment, Node, NodeId, Payload, Permission, ReadId, RoleKind, Serial,
    Snapshot, Standing, Term, Write, WriteId,
};
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

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
                Effect::Apply(batch) => self.applied.extend(batch.applied()),
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

    /// Misses a leader, and campaigns once these say that they would vote for it.
    pub fn campaign(&mut self, supporters: &[NodeId]) {
        let asked = self.node.term().next();
        while self.node.term() < asked {
            self.now = self.node.deadline();
            self.input(Input::Wake);
            for voter in supporters {
                self.hear(*voter, asked.0, MessageBody::PreVoteReply { asked, granted: true, ahead: None });
            }
        }
    }

    /// Is elected in the next term, by A's vote.
    pub fn elected(mut self) -> Self {
        self.campaign(&[A]);
        self.hear(A, self.node.term().0, MessageBody::VoteReply { granted: true });
        assert_eq!(self.node.role_kind(), RoleKind::Leader);
        self
    }

    /// The same, and what it began its office with is committed.
    pub fn settled(mut self) -> Self {
        self = self.elected();
        let (term, matched) = (self.node.term().0, self.node.last());
        self.hear(A, term, MessageBody::Appended { matched });
        assert_eq!(self.node.commit(), matched);
        self
    }

    /// A clock that ticks once a second and nothing else.
    pub fn ticks(&mut self, count: u32) {
        for _ in 0..count {
            self.now = self.now + Duration::from_secs(1);
            self.input(Input::Wake);
        }
    }

    /// Where the parts of a snapshot belong that somebody was sent.
    pub fn chunk_offsets(&self, to: NodeId) -> Vec<u64> {
        let offset = |(other, message): &(NodeId, Message)| match &message.body {
            MessageBody::Snapshot { offset, .. } if *other == to => Some(*offset),
            _ => None,
        };
        self.sent.iter().filter_map(offset).collect()
    }

    /// The serials of the commands that were carried out.
    pub fn serials(&self) -> Vec<u64> {
        self.applied.iter().map(|applied| applied.command.serial.0).collect()
    }
}

/// What the store of one of three voters holds.
pub fn three(terms: &[u64], term: u64) -> Durable {
    let rest = terms.iter().zip(2..).map(|(term, index)| entry(*term, index));
    stored(membership(&[ME, A, B], &[]), rest, term)
}

/// What the store of one of these members holds: the entry that says who they are, and these after it.
pub fn stored(membership: Membership, rest: impl IntoIterator<Item = Entry>, term: u64) -> Durable {
    let first = Entry { payload: Payload::Membership(membership), ..entry(1, 1) };
    Durable {
        ballot: Ballot { term: Term(term), vote: None },
        log: std::iter::once(first).chain(rest).collect(),
        commit: LogIndex(1),
        ..Durable::default()
    }
}

/// An entry that makes these the voters of a room.
pub fn first(voters: &[NodeId]) -> Entry {
    Entry { payload: Payload::Membership(membership(voters, &[])), ..entry(1, 1) }
}

/// These voters and learners.
pub fn membership(voters: &[NodeId], learners: &[NodeId]) -> Membership {
    let voters = voters.iter().map(|node| (*node, member(Standing::Voter, 1)));
    let learners = learners.iter().map(|node| (*node, member(Standing::Learner, 1)));
    Membership { members: voters.chain(learners).collect() }
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

/// The snapshot of a room of three, in which A has had this many commands carried out.
pub fn snapshot(position: LogPosition, serials: u64, state: &[u8]) -> Snapshot {
    let room = room(position, serials);
    Snapshot::from_parts(&room, Bytes::copy_from_slice(state)).expect("it is one")
}

/// The room's part of that, as it is encoded.
pub fn room(position: LogPosition, serials: u64) -> Vec<u8> {
    let decision = Decision { index: LogIndex(2), refusal: None };
    let session = |last: Option<Serial>| {
        let recent: Vec<_> = last.into_iter().map(|serial| (serial, decision)).collect();
        (LogIndex(1), last, LogTime(0), recent)
    };
    let members: BTreeMap<_, _> = [ME, A, B].map(|voter| (voter, member(Standing::Voter, 1))).into();
    let sessions: BTreeMap<_, _> =
        [(ME, session(None)), (A, session(Some(Serial(serials)))), (B, session(None))].into();
    let room = (position, LogTime(9), members, LogIndex(1), sessions);
    bincode::serde::encode_to_vec(room, bincode::config::standard()).expect("it has an encoding")
}

/// All bytes of a snapshot, as they are sent.
pub fn image(snapshot: &Snapshot) -> Bytes {
    let room = snapshot.room();
    [&(room.len() as u32).to_le_bytes()[..], &room, &snapshot.state].concat().into()
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
