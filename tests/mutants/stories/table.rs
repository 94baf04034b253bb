//! Nodes on a table: a message reaches whom it is handed to, and nobody else's clock makes anything happen.

use bevy_quorum::raft::{
    Ballot, ChangeRefused, Config, Durable, Effect, Entry, Input, LogIndex, LogTime, Member, Membership, Message,
    MessageBody, Moment, Node, NodeId, Payload, Permission, RoleKind, Standing, Term,
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// All of them, and what they said.
pub struct Table {
    pub nodes: BTreeMap<u64, Node>,
    pub mail: VecDeque<(u64, u64, Message)>,
    pub now: Moment,
}

pub fn voter() -> Member {
    Member { standing: Standing::Voter, permission: Permission::Owner, key: [0; 32], session: LogIndex(1) }
}

impl Table {
    /// Voters from 1 on, and guests after them, which know nothing yet.
    pub fn of(voters: u64, guests: u64, config: &Config) -> Self {
        let membership = Membership { members: (1..=voters).map(|id| (NodeId(id), voter())).collect() };
        let entry =
            Entry { term: Term(1), index: LogIndex(1), time: LogTime(0), payload: Payload::Membership(membership) };
        let founded = Durable {
            ballot: Ballot { term: Term(1), vote: None },
            log: vec![entry],
            commit: LogIndex(1),
            ..Durable::default()
        };
        let disk = |id| if id <= voters { founded.clone() } else { Durable::default() };
        let node = |id| (id, Node::new(NodeId(id), config.clone(), 7, disk(id), Moment::ZERO));
        Self { nodes: (1..=voters + guests).map(node).collect(), mail: VecDeque::new(), now: Moment::ZERO }
    }

    pub fn node(&mut self, id: u64) -> &mut Node {
        self.nodes.get_mut(&id).expect("it sits at the table")
    }

    pub fn input(&mut self, id: u64, input: Input) {
        let now = self.now;
        self.node(id).handle(now, input);
        self.settle(id);
    }

    pub fn settle(&mut self, id: u64) {
        while let Some(effect) = self.node(id).poll() {
            match effect {
                Effect::Persist { id: write, .. } => self.input(id, Input::Persisted(write)),
                Effect::Send { to, message } => self.mail.push_back((id, to.0, message)),
                _ => {}
            }
        }
    }

    /// Hands over the next message that `wanted` picks; false if there is none.
    pub fn hand(&mut self, wanted: impl Fn(u64, u64, &Message) -> bool) -> bool {
        let place = self.mail.iter().position(|(from, to, message)| wanted(*from, *to, message));
        let Some((from, to, message)) = place.and_then(|place| self.mail.remove(place)) else { return false };
        self.input(to, Input::Receive { from: NodeId(from), message });
        true
    }

    /// These talk to one another until there is nothing to say; what they say to others is lost.
    pub fn talk(&mut self, group: &[u64]) {
        while self.hand(|from, to, _| group.contains(&from) && group.contains(&to)) {}
        self.mail.clear();
    }

    /// One node misses a leader and campaigns, a few times at most; only these hear of it. Whether it leads, before anybody
    /// else knows.
    pub fn campaign(&mut self, candidate: u64, others: &[u64]) -> bool {
        let among = |node| node == candidate || others.contains(&node);
        (0..3).any(|_| {
            self.miss_leader(candidate);
            while self.hand(|from, to, message| among(from) && among(to) && is_about_votes(&message.body)) {}
            self.mail.clear();
            self.node(candidate).role_kind() == RoleKind::Leader
        })
    }

    /// Time passes until a node has heard nobody for long, and the others have heard no leader.
    pub fn miss_leader(&mut self, candidate: u64) {
        self.now = self.now + Duration::from_secs(10);
        self.input(candidate, Input::Wake);
        while self.node(candidate).role_kind() != RoleKind::Candidate {
            self.mail.clear();
            self.now = self.node(candidate).deadline();
            self.input(candidate, Input::Wake);
        }
    }

    /// A leader has time to send again what got lost, and talks with these.
    pub fn meet(&mut self, leader: u64, group: &[u64]) {
        self.now = self.now + Duration::from_millis(200);
        self.input(leader, Input::Wake);
        self.talk(group);
    }

    pub fn change(&mut self, leader: u64, change: fn(&mut Membership)) -> Result<LogIndex, ChangeRefused> {
        let mut membership = self.node(leader).membership().clone();
        change(&mut membership);
        let changed = self.node(leader).change(membership);
        self.settle(leader);
        changed
    }

    pub fn write(&mut self, author: u64, text: &'static str) {
        let now = self.now;
        self.node(author).propose(now, text.into()).expect("the outbox has room");
        self.settle(author);
    }

    /// Whether two nodes take different entries for committed.
    pub fn is_split(&self) -> bool {
        self.nodes.values().any(|one| {
            self.nodes.values().any(|other| {
                let both = one.commit().min(other.commit()).0;
                (1..=both).any(|index| one.entry(LogIndex(index)) != other.entry(LogIndex(index)))
            })
        })
    }
}

fn is_about_votes(body: &MessageBody) -> bool {
    use MessageBody::{PreVote, PreVoteReply, Vote, VoteReply};
    matches!(body, PreVote { .. } | PreVoteReply { .. } | Vote { .. } | VoteReply { .. })
}
