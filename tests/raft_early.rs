//! A follower of three learns sooner what is committed: under which conditions, and that no read misses it.
#![cfg(feature = "playtest")]

#[path = "mutants/stories/mod.rs"]
mod stories;

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{
        Ballot, Config, Durable, Effect, Entry, Input, LogIndex, LogPosition, LogTime, Member, Membership, Message,
        MessageBody, Moment, Mutant, Node, NodeId, Payload, Permission, ReadId, RoleKind, Standing, Term, WriteId,
    },
};
use std::{collections::VecDeque, panic::catch_unwind, time::Duration};
use stories::rules;

const SECOND: Duration = Duration::from_secs(1);
const ME: NodeId = NodeId(1);
const LEADER: NodeId = NodeId(2);
const OTHER: NodeId = NodeId(3);

fn at(term: u64, index: u64) -> LogPosition {
    LogPosition { term: Term(term), index: LogIndex(index) }
}

fn entry(term: u64, index: u64, payload: Payload) -> Entry {
    Entry { term: Term(term), index: LogIndex(index), time: LogTime(0), payload }
}

fn membership(voters: &[NodeId], learners: &[NodeId]) -> Membership {
    let member = |standing| Member { standing, permission: Permission::Owner, key: [0; 32], session: LogIndex(1) };
    let voters = voters.iter().map(|node| (*node, member(Standing::Voter)));
    let learners = learners.iter().map(|node| (*node, member(Standing::Learner)));
    Membership { members: voters.chain(learners).collect() }
}

/// A follower that hears its leader of term 2, and whose disk waits for a word. Its first entry is of term 1.
struct Lab {
    node: Node,
    writes: VecDeque<WriteId>,
    read: Vec<LogIndex>,
}

impl Lab {
    fn new(voters: &[NodeId], learners: &[NodeId], mutant: Option<Mutant>) -> Self {
        let first = entry(1, 1, Payload::Membership(membership(voters, learners)));
        let durable = Durable {
            ballot: Ballot { term: Term(2), vote: None },
            log: vec![first],
            commit: LogIndex(1),
            session: Some(LogIndex(1)),
            ..Durable::default()
        };
        let config = Config { mutant, ..Config::default() };
        let node = Node::new(ME, config, 1, durable, Moment::ZERO);
        Self { node, writes: VecDeque::new(), read: Vec::new() }
    }

    fn of_three(mutant: Option<Mutant>) -> Self {
        Self::new(&[ME, LEADER, OTHER], &[], mutant)
    }

    fn hear(&mut self, body: MessageBody) -> Vec<MessageBody> {
        self.input(Input::Receive { from: LEADER, message: Message { term: Term(2), body } })
    }

    fn input(&mut self, input: Input) -> Vec<MessageBody> {
        self.node.handle(Moment::ZERO, input);
        let mut sent = Vec::new();
        while let Some(effect) = self.node.poll() {
            match effect {
                Effect::Persist { id, .. } => self.writes.push_back(id),
                Effect::Send { message, .. } => sent.push(message.body),
                Effect::Read { outcome, .. } => self.read.extend(outcome.ok()),
                _ => {}
            }
        }
        sent
    }

    fn sync(&mut self) {
        while let Some(id) = self.writes.pop_front() {
            self.input(Input::Persisted(id));
        }
    }

    /// The leader sends entries after the first, and says how far its own copy is durable.
    fn append(&mut self, entries: &[Entry], durable: u64) {
        let entries = entries.iter().cloned().collect();
        let (commit, durable) = (LogIndex(1), LogIndex(durable));
        self.hear(MessageBody::Append { previous: at(1, 1), entries, commit, durable, sent: Moment::ZERO });
    }

    fn commit(&self) -> u64 {
        self.node.commit().0
    }
}

fn empty(term: u64, index: u64) -> Entry {
    entry(term, index, Payload::Empty)
}

/// What a story leaves committed, told by the node as it is, and by one that errs.
fn told(mutant: Mutant, story: impl Fn(Option<Mutant>) -> u64) -> [u64; 2] {
    [story(None), story(Some(mutant))]
}

#[test]
fn what_both_hold_durably_is_committed() {
    let mut lab = Lab::of_three(None);
    lab.append(&[empty(2, 2), empty(2, 3)], 2);
    lab.sync();
    assert_eq!(lab.commit(), 2);
    lab.hear(MessageBody::News { commit: at(1, 1), durable: LogIndex(3) });
    assert_eq!(lab.commit(), 3);
}

#[test]
fn the_word_may_come_before_the_entry() {
    let mut lab = Lab::of_three(None);
    lab.hear(MessageBody::News { commit: at(1, 1), durable: LogIndex(3) });
    assert_eq!(lab.commit(), 1);
    lab.append(&[empty(2, 2)], 0);
    lab.sync();
    assert_eq!(lab.commit(), 2);
}

#[test]
fn an_entry_of_an_earlier_term_is_not() {
    // Figure 3.7 holds here too: it is committed only by one of the leader's own term.
    let commits = told(Mutant::EarlyOlderTerm, |mutant| {
        let mut lab = Lab::of_three(mutant);
        lab.append(&[empty(1, 2)], 2);
        lab.sync();
        lab.commit()
    });
    assert_eq!(commits, [1, 2]);
    let mut lab = Lab::of_three(None);
    lab.append(&[empty(1, 2), empty(2, 3)], 3);
    lab.sync();
    assert_eq!(lab.commit(), 3);
}

#[test]
fn what_is_not_durable_here_is_not() {
    let commits = told(Mutant::EarlyUnsynced, |mutant| {
        let mut lab = Lab::of_three(mutant);
        lab.append(&[empty(2, 2)], 2);
        lab.commit()
    });
    assert_eq!(commits, [1, 2]);
}

#[test]
fn what_the_leader_has_not_said_to_be_durable_is_not() {
    let commits = told(Mutant::EarlyUntold, |mutant| {
        let mut lab = Lab::of_three(mutant);
        lab.append(&[empty(2, 2), empty(2, 3)], 2);
        lab.sync();
        lab.commit()
    });
    assert_eq!(commits, [2, 3]);
}

#[test]
fn what_another_leader_said_is_forgotten() {
    let mut lab = Lab::of_three(None);
    lab.hear(MessageBody::News { commit: at(1, 1), durable: LogIndex(9) });
    let append = MessageBody::Append {
        previous: at(1, 1),
        entries: [empty(3, 2)].into_iter().collect(),
        commit: LogIndex(1),
        durable: LogIndex(0),
        sent: Moment::ZERO,
    };
    lab.input(Input::Receive { from: OTHER, message: Message { term: Term(3), body: append } });
    lab.sync();
    assert_eq!(lab.commit(), 1);
}

#[test]
fn two_are_no_majority_of_four_or_five() {
    let voters = [ME, LEADER, OTHER, NodeId(4), NodeId(5)];
    for count in [4, 5] {
        let commits = told(Mutant::EarlyInAnyRoom, |mutant| {
            let mut lab = Lab::new(&voters[..count], &[], mutant);
            lab.append(&[empty(2, 2)], 2);
            lab.sync();
            lab.commit()
        });
        assert_eq!(commits, [1, 2], "among {count}");
    }
}

#[test]
fn who_only_learns_is_no_half_of_a_majority() {
    let commits = told(Mutant::EarlyWithoutVote, |mutant| {
        let mut lab = Lab::new(&[LEADER, OTHER, NodeId(4)], &[ME], mutant);
        lab.append(&[empty(2, 2)], 2);
        lab.sync();
        lab.commit()
    });
    assert_eq!(commits, [1, 2]);
}

#[test]
fn a_leader_without_a_vote_is_no_half_of_a_majority() {
    let told =
        [None, Some(Mutant::EarlyWithoutLeadersVote)].map(rules::a_leader_without_a_vote_is_no_half_of_a_majority);
    assert_eq!(told, [true, false]);
}

#[test]
fn the_configuration_at_the_entry_counts_not_one_behind_it() {
    let four = [ME, LEADER, OTHER, NodeId(4)];
    let change = |voters: &[NodeId], learners: &[NodeId]| Payload::Membership(membership(voters, learners));
    // Three vote at the second entry, four from the third on.
    let mut lab = Lab::new(&four[..3], &four[3..], None);
    lab.append(&[empty(2, 2), entry(2, 3, change(&four, &[]))], 2);
    lab.sync();
    assert_eq!(lab.commit(), 2);
    lab.hear(MessageBody::News { commit: at(1, 1), durable: LogIndex(3) });
    assert_eq!(lab.commit(), 2);
    // And the other way round.
    let mut lab = Lab::new(&four, &[], None);
    lab.append(&[empty(2, 2), entry(2, 3, change(&four[..3], &four[3..]))], 2);
    lab.sync();
    assert_eq!(lab.commit(), 1);
    lab.hear(MessageBody::News { commit: at(1, 1), durable: LogIndex(3) });
    assert_eq!(lab.commit(), 3);
}

#[test]
fn a_read_waits_for_what_followers_may_know() {
    for mutant in [None, Some(Mutant::ReadAtCommit)] {
        let mut lab = Lab::of_three(mutant);
        let now = lab.node.deadline();
        lab.node.handle(now, Input::Wake);
        lab.input(Input::Receive {
            from: LEADER,
            message: Message {
                term: Term(3),
                body: MessageBody::PreVoteReply { asked: Term(3), granted: true, ahead: None },
            },
        });
        lab.sync();
        let hear = |lab: &mut Lab, body| {
            let sent = lab.input(Input::Receive { from: LEADER, message: Message { term: Term(3), body } });
            lab.sync();
            sent
        };
        hear(&mut lab, MessageBody::VoteReply { granted: true });
        assert_eq!(lab.node.role_kind(), RoleKind::Leader);
        hear(&mut lab, MessageBody::Appended { matched: LogIndex(2) });
        // This is durable here, and told; the acknowledgement is lost, so that it isn't committed here.
        lab.node.propose(now, "x".into()).expect("there is room");
        lab.input(Input::Wake);
        lab.sync();
        assert_eq!((lab.commit(), lab.node.durable()), (2, LogIndex(3)));
        lab.node.read(now, ReadId(1)).expect("nobody else reads");
        lab.input(Input::Wake);
        let marked = Default::default();
        hear(&mut lab, MessageBody::HeartbeatReply { priority: 100, round: 1, sent: Moment::ZERO, marked });
        let early: &[LogIndex] = if mutant.is_some() { &[LogIndex(2)] } else { &[] };
        assert_eq!(lab.read, early);
        hear(&mut lab, MessageBody::Appended { matched: LogIndex(3) });
        assert_eq!(lab.read.last(), Some(&LogIndex(if mutant.is_some() { 2 } else { 3 })));
    }
}

/// Writes and reads among three in bad weather, while members come and go; the cluster checks everything.
fn weather(seed: u64, mutant: Option<Mutant>) {
    let rough = Conditions {
        delay: Duration::from_millis(5),
        jitter: Duration::from_millis(80),
        loss_permille: 150,
        doubled_permille: 100,
    };
    let voters = 3 + seed % 3;
    let config = Config { voters_max: 5, silence: SECOND * 2, mutant, ..Config::default() };
    let cluster = Cluster::of(voters).seed(seed).conditions(rough).config(config);
    let mut cluster = cluster.disk_latency(Duration::from_millis(seed % 4 * 8));
    for round in 0..400 {
        let nodes: Vec<u64> = cluster.numbers().collect();
        let node = nodes[cluster.roll(nodes.len() as u64) as usize];
        match cluster.roll(40) {
            0 => cluster.cut(node),
            1 => {
                let other = nodes[cluster.roll(nodes.len() as u64) as usize];
                cluster.cut_one_way(node, other);
            }
            2..=4 => cluster.heal(),
            5 if cluster.is_running(node) => cluster.kill(node),
            6 if nodes.len() < 6 => drop(cluster.join(Permission::Editor)),
            7..=12 if !cluster.is_running(node) => cluster.restart(node),
            _ if !cluster.is_running(node) => {}
            13..=28 => drop(cluster.write_at(node, &round.to_string())),
            _ => drop(cluster.read_at(node)),
        }
        let pause = cluster.roll(100);
        cluster.run_for(Duration::from_millis(pause));
    }
}

#[test]
fn what_is_known_early_is_true_in_any_weather() {
    (0..60).for_each(|seed| weather(seed, None));
}

#[test]
fn every_mistake_about_it_is_noticed() {
    for mutant in [
        Mutant::EarlyOlderTerm,
        Mutant::EarlyUnsynced,
        Mutant::EarlyUntold,
        Mutant::EarlyInAnyRoom,
        Mutant::EarlyWithoutVote,
        Mutant::ReadAtCommit,
    ] {
        let noticed = (0..400).position(|seed| catch_unwind(|| weather(seed, Some(mutant))).is_err());
        println!("{mutant:?} is noticed in story {noticed:?}");
        assert!(noticed.is_some(), "{mutant:?} lives");
    }
}
