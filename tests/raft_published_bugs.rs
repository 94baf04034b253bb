//! Mistakes that were published about Raft, told again with real nodes, message by message. Each story is told twice: the
//! node that errs loses what was committed, so the story can see it; the node as it is does not.
#![cfg(feature = "playtest")]

use bevy_quorum::raft::{
    Ballot, ChangeRefused, Config, Durable, Effect, Entry, Input, LogIndex, LogTime, Member, Membership, Message,
    MessageBody, Moment, Mutant, Node, NodeId, Payload, Permission, RoleKind, Standing, Term,
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Nodes on a table: a message reaches whom it is handed to, and nobody else's clock makes anything happen.
struct Table {
    nodes: BTreeMap<u64, Node>,
    mail: VecDeque<(u64, u64, Message)>,
    now: Moment,
}

fn voter() -> Member {
    Member { standing: Standing::Voter, permission: Permission::Owner, key: [0; 32], session: LogIndex(1) }
}

impl Table {
    /// Voters from 1 on, and guests after them, which know nothing yet.
    fn of(voters: u64, guests: u64, config: &Config) -> Self {
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

    fn node(&mut self, id: u64) -> &mut Node {
        self.nodes.get_mut(&id).expect("it sits at the table")
    }

    fn input(&mut self, id: u64, input: Input) {
        let now = self.now;
        self.node(id).handle(now, input);
        self.settle(id);
    }

    fn settle(&mut self, id: u64) {
        while let Some(effect) = self.node(id).poll() {
            match effect {
                Effect::Persist { id: write, .. } => self.input(id, Input::Persisted(write)),
                Effect::Send { to, message } => self.mail.push_back((id, to.0, message)),
                _ => {}
            }
        }
    }

    /// Hands over the next message that `wanted` picks; false if there is none.
    fn hand(&mut self, wanted: impl Fn(u64, u64, &Message) -> bool) -> bool {
        let place = self.mail.iter().position(|(from, to, message)| wanted(*from, *to, message));
        let Some((from, to, message)) = place.and_then(|place| self.mail.remove(place)) else { return false };
        self.input(to, Input::Receive { from: NodeId(from), message });
        true
    }

    /// These talk to one another until there is nothing to say; what they say to others is lost.
    fn talk(&mut self, group: &[u64]) {
        while self.hand(|from, to, _| group.contains(&from) && group.contains(&to)) {}
        self.mail.clear();
    }

    /// One node misses a leader and campaigns, a few times at most; only these hear of it. Whether it leads, before anybody
    /// else knows.
    fn campaign(&mut self, candidate: u64, others: &[u64]) -> bool {
        let among = |node| node == candidate || others.contains(&node);
        (0..3).any(|_| {
            self.miss_leader(candidate);
            while self.hand(|from, to, message| among(from) && among(to) && is_about_votes(&message.body)) {}
            self.mail.clear();
            self.node(candidate).role_kind() == RoleKind::Leader
        })
    }

    /// Time passes until a node has heard nobody for long, and the others have heard no leader.
    fn miss_leader(&mut self, candidate: u64) {
        self.now = self.now + Duration::from_secs(10);
        self.input(candidate, Input::Wake);
        while self.node(candidate).role_kind() != RoleKind::Candidate {
            self.mail.clear();
            self.now = self.node(candidate).deadline();
            self.input(candidate, Input::Wake);
        }
    }

    /// A leader has time to send again what got lost, and talks with these.
    fn meet(&mut self, leader: u64, group: &[u64]) {
        self.now = self.now + Duration::from_millis(200);
        self.input(leader, Input::Wake);
        self.talk(group);
    }

    fn change(&mut self, leader: u64, change: fn(&mut Membership)) -> Result<LogIndex, ChangeRefused> {
        let mut membership = self.node(leader).membership().clone();
        change(&mut membership);
        let changed = self.node(leader).change(membership);
        self.settle(leader);
        changed
    }

    fn write(&mut self, author: u64, text: &'static str) {
        let now = self.now;
        self.node(author).propose(now, text.into()).expect("the outbox has room");
        self.settle(author);
    }

    /// Whether two nodes take different entries for committed.
    fn is_split(&self) -> bool {
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

/// Nobody changes anything but the story.
fn by_hand(mutant: Option<Mutant>) -> Config {
    Config { voters_max: 0, silence: Duration::from_secs(1_000_000), mutant, ..Config::default() }
}

/// What the single-server change got wrong until 2015 (raft-dev, "bug in single-server membership changes"): the first
/// leader of four leaves a change behind that nobody else has. The second changes something too, and commits it with
/// `committers`. Then the first campaigns again, in its own configuration, among `supporters`.
fn two_changes_meet(
    mutant: Option<Mutant>,
    first: fn(&mut Membership),
    second: fn(&mut Membership),
    committers: &[u64],
    supporters: &[u64],
) -> bool {
    let mut table = Table::of(4, 2, &by_hand(mutant));
    assert!(table.campaign(1, &[2, 3, 4]));
    (0..5).for_each(|_| table.meet(1, &[1, 2, 3, 4]));
    table.change(1, first).expect("the first leader has committed something");
    assert!(table.campaign(2, &[3, 4]), "three of four are a majority");
    if table.change(2, second) == Err(ChangeRefused::TooEarly) {
        // By the rule of 2015 it commits an entry of its own term first, which the old majority then holds.
        (0..5).for_each(|_| table.meet(2, &[2, 3, 4]));
        table.change(2, second).expect("it has committed something by now");
    }
    (0..5).for_each(|_| table.meet(2, committers));
    assert_eq!(table.node(2).commit(), table.node(2).last(), "the second change is committed");
    table.campaign(1, supporters);
    let group: Vec<u64> = supporters.iter().copied().chain([1]).collect();
    (0..5).for_each(|_| table.meet(1, &group));
    table.is_split()
}

fn add(membership: &mut Membership, node: u64) {
    membership.members.insert(NodeId(node), voter());
}

fn remove(membership: &mut Membership, node: u64) {
    membership.members.remove(&NodeId(node));
}

fn never_splits(first: fn(&mut Membership), second: fn(&mut Membership), committers: &[u64], supporters: &[u64]) {
    assert!(two_changes_meet(Some(Mutant::ChangeBeforeOwnTerm), first, second, committers, supporters));
    assert!(!two_changes_meet(None, first, second, committers, supporters));
}

#[test]
fn an_addition_and_a_removal_by_two_leaders_do_not_split_the_room() {
    never_splits(|members| add(members, 5), |members| remove(members, 4), &[2, 3], &[4, 5]);
}

#[test]
fn two_additions_by_two_leaders_do_not_split_the_room() {
    never_splits(|members| add(members, 5), |members| add(members, 6), &[2, 3, 6], &[4, 5]);
}

#[test]
fn two_removals_by_two_leaders_do_not_split_the_room() {
    never_splits(|members| remove(members, 2), |members| remove(members, 1), &[2, 3], &[4]);
}

/// Figure 8 of the paper (3.7 of the dissertation): an entry of term 2 that a majority holds, because the leader of term 4
/// sent it on, may still be overwritten by one of term 3.
fn an_old_entry_is_counted(mutant: Option<Mutant>) -> bool {
    // So that every entry travels alone.
    let mut table = Table::of(5, 0, &Config { append_bytes_max: 1, ..by_hand(mutant) });
    assert!(table.campaign(1, &[2, 3, 4, 5]));
    (0..5).for_each(|_| table.meet(1, &[1, 2, 3, 4, 5]));
    table.write(1, "of term 2");
    table.hand(|from, to, _| (from, to) == (1, 2));
    assert!(table.campaign(5, &[3, 4]), "it has not got the entry, nor have its voters");
    table.write(5, "of term 3");
    assert!(table.campaign(1, &[2, 3]));
    // All of that gets to one node, and to a third one only the entry of term 2, once it has said that it lacks it.
    let is_append = |message: &Message| matches!(message.body, MessageBody::Append { .. });
    while table.mail.iter().all(|(from, ..)| *from != 3) {
        table.input(1, Input::Wake);
        table.hand(|from, to, message| (from, to) == (1, 3) && is_append(message));
        table.now = table.now + Duration::from_millis(200);
    }
    let is_old = |message: &Message| match &message.body {
        MessageBody::Append { entries, .. } => entries.iter().all(|entry| entry.term < message.term),
        _ => false,
    };
    for _ in 0..5 {
        while table.hand(|from, to, message| match (from, to) {
            (1, 2) | (2, 1) | (3, 1) => true,
            (1, 3) => is_old(message),
            _ => false,
        }) {}
        table.mail.clear();
        table.now = table.now + Duration::from_millis(200);
        table.input(1, Input::Wake);
    }
    let is_of_term_2 = |node: &Node| node.entry(LogIndex(3)).is_some_and(|entry| entry.term == Term(2));
    assert_eq!(table.nodes.values().filter(|node| is_of_term_2(node)).count(), 3);
    assert!(table.campaign(5, &[3, 4]));
    (0..5).for_each(|_| table.meet(5, &[3, 4, 5]));
    assert!(table.nodes[&5].commit() > LogIndex(3));
    table.is_split()
}

#[test]
fn an_entry_of_an_earlier_term_is_not_committed_by_counting() {
    assert!(an_old_entry_is_counted(Some(Mutant::CommitOlderTerms)));
    assert!(!an_old_entry_is_counted(None));
}
