//! One node of three voters, alone with what others say to it, message by message.

use bevy_quorum::raft::{
    Ballot, Config, Durable, Effect, Entries, Entry, Input, LogIndex, LogPosition, LogTime, Member, Membership,
    Message, MessageBody, Moment, Mutant, Node, NodeId, Payload, Permission, ReadId, RoleKind, Serial, Standing, Term,
};
use std::time::Duration;

pub const ME: NodeId = NodeId(1);
pub const A: NodeId = NodeId(2);
pub const B: NodeId = NodeId(3);

pub fn at(term: u64, index: u64) -> LogPosition {
    LogPosition { term: Term(term), index: LogIndex(index) }
}

pub fn entry(term: u64, index: u64) -> Entry {
    Entry { term: Term(term), index: LogIndex(index), time: LogTime(0), payload: Payload::Empty }
}

/// These voters and learners.
pub fn membership(voters: &[NodeId], learners: &[NodeId]) -> Membership {
    let member = |standing| Member { standing, permission: Permission::Owner, key: [0; 32], session: LogIndex(1) };
    let voters = voters.iter().map(|node| (*node, member(Standing::Voter)));
    let learners = learners.iter().map(|node| (*node, member(Standing::Learner)));
    Membership { members: voters.chain(learners).collect() }
}

/// An append that begins after `previous`; its leader knows this much committed, and durable.
pub fn append(previous: LogPosition, entries: &[Entry], commit: u64, durable: u64) -> MessageBody {
    let entries: Entries = entries.iter().cloned().collect();
    let (commit, durable) = (LogIndex(commit), LogIndex(durable));
    MessageBody::Append { previous, entries, commit, durable, sent: Moment::ZERO }
}

/// A heartbeat of a leader that knows this entry committed.
pub fn heartbeat(commit: LogPosition) -> MessageBody {
    MessageBody::Heartbeat { commit, round: 0, patience_ms: 400, sent: Moment::ZERO }
}

/// A node with entries of these terms after the first, none of them known committed.
pub struct Lab {
    pub node: Node,
    pub now: Moment,
    pub sent: Vec<(NodeId, Message)>,
    pub applied: Vec<Serial>,
    pub read: Vec<ReadId>,
}

impl Lab {
    /// Among three voters.
    pub fn new(terms: &[u64], term: u64) -> Self {
        Self::erring(None, terms, term)
    }

    /// The same, and it may err.
    pub fn erring(mutant: Option<Mutant>, terms: &[u64], term: u64) -> Self {
        Self::among(membership(&[ME, A, B], &[]), mutant, terms, term)
    }

    /// Among these members.
    pub fn among(membership: Membership, mutant: Option<Mutant>, terms: &[u64], term: u64) -> Self {
        let rest = terms.iter().zip(2..).map(|(term, index)| entry(*term, index));
        Self::with(membership, mutant, rest, term)
    }

    /// With these entries after the first.
    pub fn with(
        membership: Membership,
        mutant: Option<Mutant>,
        rest: impl IntoIterator<Item = Entry>,
        term: u64,
    ) -> Self {
        let first = Entry { payload: Payload::Membership(membership), ..entry(1, 1) };
        let durable = Durable {
            ballot: Ballot { term: Term(term), vote: None },
            log: std::iter::once(first).chain(rest).collect(),
            commit: LogIndex(1),
            ..Durable::default()
        };
        let config = Config { mutant, ..Config::default() };
        let node = Node::new(ME, config, 1, durable, Moment::ZERO);
        Self { node, now: Moment::ZERO, sent: Vec::new(), applied: Vec::new(), read: Vec::new() }
    }

    pub fn input(&mut self, input: Input) {
        self.node.handle(self.now, input);
        while let Some(effect) = self.node.poll() {
            match effect {
                Effect::Persist { id, .. } => self.node.handle(self.now, Input::Persisted(id)),
                Effect::Send { to, message } => self.sent.push((to, message)),
                Effect::Apply(applied) => self.applied.push(applied.command.serial),
                Effect::Read { id, .. } => self.read.push(id),
                _ => unreachable!("nobody makes snapshots here, or is let go"),
            }
        }
    }

    /// A clock that ticks once a second and nothing else.
    pub fn ticks(&mut self, count: u32) {
        for _ in 0..count {
            self.now = self.now + Duration::from_secs(1);
            self.input(Input::Wake);
        }
    }

    pub fn hear(&mut self, from: NodeId, term: u64, body: MessageBody) -> Vec<(NodeId, Message)> {
        self.sent.clear();
        self.input(Input::Receive { from, message: Message { term: Term(term), body } });
        self.sent.clone()
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
}
