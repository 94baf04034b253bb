//! Linearizable reads: what is read was committed when it was asked for, or later, whoever is asked (§6.4).
//!
//! In every story the cluster itself checks each answer against what had been carried out anywhere.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{
        Ballot, Config, Durable, Effect, Entry, Holdup, Input, LogIndex, LogPosition, LogTime, Member, Membership,
        Message, MessageBody, Moment, Mutant, Node, NodeId, Payload, Permission, ReadId, Rejected, RoleKind, Standing,
        Term,
    },
};
use std::{collections::BTreeMap, panic::catch_unwind, time::Duration};

const SECOND: Duration = Duration::from_secs(1);
const ROUND_TRIP: Duration = Duration::from_millis(100);

fn settled(voters: u64, seed: u64) -> (Cluster, u64) {
    let mut cluster = Cluster::of(voters).seed(seed).conditions(Conditions::round_trip(ROUND_TRIP));
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND * 2);
    (cluster, leader)
}

/// Lets time pass until a read has ended well, and says how long that took and how many commands it saw.
fn finish(cluster: &mut Cluster, node: u64, read: ReadId) -> (Duration, usize) {
    let took = cluster.run_until(SECOND * 10, |cluster| cluster.answer(node, read).is_some());
    let answer = cluster.answer(node, read).expect("it was just there");
    assert!(answer.outcome.is_ok(), "{answer:?}");
    (took, answer.applied)
}

#[test]
fn a_read_takes_one_round_trip_at_the_leader_and_two_elsewhere() {
    for seed in 0..20 {
        let (mut cluster, leader) = settled(3, seed);
        let follower = 1 + leader % 3;
        for (node, round_trips) in [(leader, 1), (follower, 2)] {
            let read = cluster.read_at(node);
            let (took, _) = finish(&mut cluster, node, read);
            assert!(took.abs_diff(ROUND_TRIP * round_trips) < ROUND_TRIP / 50, "{node}: {took:?}");
        }
    }
}

#[test]
fn what_one_node_has_carried_out_every_node_reads() {
    for seed in 0..20 {
        let (mut cluster, leader) = settled(5, seed);
        for round in 1..=10 {
            let author = 1 + cluster.roll(5);
            cluster.write_at(author, "mine");
            cluster.run_until(SECOND * 5, |cluster| cluster.applied(author).len() == round);
            let reads: Vec<_> = cluster.numbers().map(|node| (node, cluster.read_at(node))).collect();
            for (node, read) in reads {
                assert!(finish(&mut cluster, node, read).1 >= round, "{node} misses a write, {leader} leads");
            }
        }
    }
}

#[test]
fn a_read_may_go_through_the_log_like_any_command() {
    let (mut cluster, leader) = settled(3, 1);
    let (author, reader) = (1 + leader % 3, 1 + (leader + 1) % 3);
    cluster.write_at(author, "write");
    cluster.run_until(SECOND, |cluster| !cluster.applied(author).is_empty());
    cluster.write_at(reader, "read");
    cluster.run_until(SECOND, |cluster| cluster.texts(reader).contains(&"read".to_owned()));
    assert_eq!(cluster.texts(reader), ["write", "read"]);
}

#[test]
fn a_deposed_leader_answers_nothing_before_it_knows_better() {
    for seed in 0..20 {
        let (mut cluster, former) = settled(3, seed);
        cluster.cut(former);
        let early = cluster.read_at(former);
        cluster.run_until(SECOND * 5, |cluster| cluster.leader().is_some_and(|leader| leader != former));
        let leader = cluster.leader().expect("it was just there");
        cluster.write_at(leader, "news");
        cluster.run_until(SECOND, |cluster| cluster.texts(leader) == ["news"]);
        assert_eq!(cluster.answer(former, early), None);
        let late = cluster.read_at(former);
        cluster.heal();
        // The early one may have been given up meanwhile; neither sees the past.
        assert_eq!(finish(&mut cluster, former, late).1, 1);
        let early = cluster.answer(former, early).expect("it came first");
        assert!(early.outcome.is_err() || early.applied == 1);
    }
}

#[test]
fn a_pair_that_lost_one_answers_once_it_is_one() {
    let (mut cluster, leader) = settled(2, 1);
    cluster.kill(3 - leader);
    let read = cluster.read_at(leader);
    cluster.run_for(ROUND_TRIP * 2);
    assert_eq!(cluster.answer(leader, read), None);
    finish(&mut cluster, leader, read);
    assert!(cluster.node(leader).membership().voters().eq([NodeId(leader)]));
}

#[test]
fn who_votes_alone_answers_at_once() {
    let mut cluster = Cluster::open();
    cluster.run_for(SECOND);
    cluster.write("x");
    let sent = cluster.messages();
    let read = cluster.read_at(1);
    assert_eq!(cluster.answer(1, read).map(|answer| answer.applied), Some(1));
    assert_eq!(cluster.messages(), sent);
}

#[test]
fn a_learner_reads_and_a_stranger_waits_to_be_let_in() {
    let mut cluster = Cluster::of(5).seed(3).conditions(Conditions::round_trip(ROUND_TRIP));
    cluster.wait_for_leader();
    cluster.run_for(SECOND);
    cluster.write("x");
    cluster.run_for(SECOND);
    let newcomer = cluster.join(Permission::Viewer);
    let read = cluster.read_at(newcomer);
    assert_eq!(finish(&mut cluster, newcomer, read).1, 1);
    assert!(!cluster.node(newcomer).membership().is_voter(NodeId(newcomer)));
    let read = cluster.read_at(newcomer);
    assert!(finish(&mut cluster, newcomer, read).0 <= ROUND_TRIP * 5 / 2);
}

#[test]
fn a_read_waits_for_an_election_and_goes_to_who_wins_it() {
    for seed in 0..20 {
        let (mut cluster, leader) = settled(3, seed);
        let survivor = 1 + leader % 3;
        cluster.kill(leader);
        let read = cluster.read_at(survivor);
        let (took, _) = finish(&mut cluster, survivor, read);
        assert!(took <= SECOND * 3, "{took:?}");
    }
}

#[test]
fn a_hand_over_costs_a_read_a_few_round_trips() {
    for seed in 0..20 {
        let (mut cluster, leader) = settled(3, seed);
        let reader = 1 + leader % 3;
        cluster.leave(leader);
        let read = cluster.read_at(reader);
        let (took, _) = finish(&mut cluster, reader, read);
        assert!(took <= ROUND_TRIP * 6, "{took:?}");
    }
}

#[test]
fn a_question_that_got_lost_is_asked_again() {
    let (mut cluster, leader) = settled(3, 2);
    let reader = 1 + leader % 3;
    cluster.cut_one_way(reader, leader);
    let read = cluster.read_at(reader);
    cluster.run_for(ROUND_TRIP / 2);
    cluster.heal();
    assert!(finish(&mut cluster, reader, read).0 <= ROUND_TRIP * 5);
}

#[test]
fn a_read_that_nobody_answers_is_given_up_with_the_reason() {
    let (mut cluster, leader) = settled(3, 1);
    let follower = 1 + leader % 3;
    cluster.cut(follower);
    let read = cluster.read_at(follower);
    cluster.run_for(Config::default().read_patience * 2);
    let outcome = cluster.answer(follower, read).map(|answer| answer.outcome);
    assert_eq!(outcome, Some(Err(Holdup::NoLeader)));

    let stranger = cluster.join(Permission::Editor);
    cluster.cut(stranger);
    let read = cluster.read_at(stranger);
    cluster.run_for(Config::default().read_patience * 2);
    let outcome = cluster.answer(stranger, read).map(|answer| answer.outcome);
    assert_eq!(outcome, Some(Err(Holdup::NoLeader)));
}

/// Faults at random; the cluster checks every answer. Says how many reads were answered and how many given up.
fn weather(seed: u64, mutant: Option<Mutant>) -> (usize, usize) {
    let rough = Conditions {
        delay: Duration::from_millis(5),
        jitter: Duration::from_millis(200),
        loss_permille: 100,
        doubled_permille: 300,
    };
    let voters = 1 + seed % 5;
    let cluster = Cluster::of(voters).seed(seed).conditions(rough).disk_latency(Duration::from_millis(3));
    let mut cluster = cluster.config(Config { mutant, ..Config::default() });
    let mut reads = Vec::new();
    for round in 0..400 {
        let node = 1 + cluster.roll(voters);
        match cluster.roll(40) {
            0 => cluster.cut(node),
            1 => {
                let other = 1 + cluster.roll(voters);
                cluster.cut_one_way(node, other);
            }
            2..=4 => cluster.heal(),
            5 if cluster.is_running(node) => cluster.kill(node),
            6 => {
                let long = Duration::from_millis(cluster.roll(3_000));
                cluster.stall(node, long);
            }
            7..=12 if !cluster.is_running(node) => cluster.restart(node),
            _ if !cluster.is_running(node) => {}
            13..=25 => drop(cluster.write_at(node, &round.to_string())),
            _ => reads.push((node, cluster.read_at(node))),
        }
        let pause = cluster.roll(150);
        cluster.run_for(Duration::from_millis(pause));
    }
    cluster.run_for(Config::default().read_patience + SECOND * 4);
    let answers: Vec<_> = reads.iter().filter_map(|(node, read)| cluster.answer(*node, *read)).collect();
    let good = answers.iter().filter(|answer| answer.outcome.is_ok()).count();
    (good, answers.len() - good)
}

#[test]
fn reads_are_never_out_of_date_in_any_weather() {
    let stories: Vec<_> = (0..60).map(|seed| weather(seed, None)).collect();
    let good: usize = stories.iter().map(|(good, _)| good).sum();
    let given_up: usize = stories.iter().map(|(_, given_up)| given_up).sum();
    println!("{good} reads answered, {given_up} given up");
    assert!(good > 2_000 && given_up > 50, "{good} answered, {given_up} given up");
}

#[test]
fn every_mistake_about_reads_is_noticed() {
    use Mutant::{ReadBeforeOwnTerm, ReadByOldRound, ReadUnapplied, ReadWithoutQuorum};
    for mutant in [ReadWithoutQuorum, ReadBeforeOwnTerm, ReadByOldRound, ReadUnapplied] {
        let noticed = (0..1_000).position(|seed| catch_unwind(|| weather(seed, Some(mutant))).is_err());
        println!("{mutant:?} is noticed in story {noticed:?}");
        assert!(noticed.is_some(), "{mutant:?} lives");
    }
}

const ME: NodeId = NodeId(1);
const A: NodeId = NodeId(2);
const B: NodeId = NodeId(3);
const LEARNER: NodeId = NodeId(4);

/// A leader of three voters and a learner, with an entry of an earlier term, and one of its own that is not
/// committed. It alone is real.
struct Lab {
    node: Node,
    now: Moment,
    sent: Vec<(NodeId, Message)>,
    read: BTreeMap<ReadId, Result<LogIndex, Holdup>>,
}

impl Lab {
    fn new() -> Self {
        let member = |standing| Member { standing, permission: Permission::Owner, key: [0; 32], session: LogIndex(1) };
        let voters = [ME, A, B].map(|id| (id, member(Standing::Voter)));
        let members = voters.into_iter().chain([(LEARNER, member(Standing::Learner))]).collect();
        let entry = |index, payload| Entry { term: Term(1), index: LogIndex(index), time: LogTime(0), payload };
        let durable = Durable {
            ballot: Ballot { term: Term(1), vote: None },
            log: vec![entry(1, Payload::Membership(Membership { members })), entry(2, Payload::Empty)],
            commit: LogIndex(1),
            ..Durable::default()
        };
        let now = Moment(1 << 40);
        let node = Node::new(ME, Config::default(), 1, durable, now);
        let mut lab = Self { node, now, sent: Vec::new(), read: BTreeMap::new() };
        lab.now = lab.node.deadline();
        lab.input(Input::Wake);
        lab.hear(A, 2, MessageBody::PreVoteReply { asked: Term(2), granted: true, ahead: None });
        lab.hear(A, 2, MessageBody::VoteReply { granted: true });
        assert_eq!(lab.node.role_kind(), RoleKind::Leader);
        lab
    }

    /// The same, once its own entry is committed.
    fn committed() -> Self {
        let mut lab = Self::new();
        lab.hear(A, 2, MessageBody::Appended { matched: LogIndex(3) });
        assert_eq!(lab.node.commit(), LogIndex(3));
        lab
    }

    fn input(&mut self, input: Input) {
        self.node.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(effect) = self.node.poll() {
            match effect {
                Effect::Persist { id, .. } => self.node.handle(self.now, Input::Persisted(id)),
                Effect::Send { to, message } => self.sent.push((to, message)),
                Effect::Read { id, outcome } => assert_eq!(self.read.insert(id, outcome), None, "{id} ends twice"),
                Effect::Apply(_) | Effect::Settled { .. } | Effect::Snapshot { .. } | Effect::Restore(_) => {}
            }
        }
    }

    fn hear(&mut self, from: NodeId, term: u64, body: MessageBody) {
        self.input(Input::Receive { from, message: Message { term: Term(term), body } });
    }

    fn answer(&mut self, from: NodeId, round: u64) {
        let marked = Default::default();
        self.hear(from, 2, MessageBody::HeartbeatReply { priority: 100, round, sent: self.now, marked });
    }

    fn read(&mut self, id: u64) {
        self.node.read(self.now, ReadId(id)).expect("few reads wait");
        self.drain();
    }

    /// The rounds that were begun since this was last asked, by what was sent to a node.
    fn rounds(&mut self, to: NodeId) -> Vec<u64> {
        let mut rounds = Vec::new();
        for (receiver, message) in self.sent.drain(..) {
            match message.body {
                MessageBody::Heartbeat { round, .. } if receiver == to => rounds.push(round),
                _ => {}
            }
        }
        rounds
    }

    fn replies(&mut self) -> Vec<(NodeId, u64, LogIndex)> {
        let reply = |(to, message): (NodeId, Message)| match message.body {
            MessageBody::ReadIndexReply { question, index } => Some((to, question, index)),
            _ => None,
        };
        self.sent.drain(..).filter_map(reply).collect()
    }
}

#[test]
fn nothing_is_answered_before_an_entry_of_the_own_term_is_committed() {
    let mut lab = Lab::new();
    lab.read(1);
    lab.hear(A, 2, MessageBody::ReadIndex { question: 9 });
    for voter in [A, B] {
        lab.answer(voter, 0);
    }
    // The entry before is on a majority; that it is committed is not known (Figure 3.7).
    lab.hear(A, 2, MessageBody::Appended { matched: LogIndex(2) });
    lab.answer(A, 0);
    assert!(lab.read.is_empty() && lab.replies().is_empty());
    lab.hear(A, 2, MessageBody::Appended { matched: LogIndex(3) });
    assert_eq!(lab.rounds(B), [1]);
    lab.answer(B, 1);
    assert_eq!(lab.read, BTreeMap::from([(ReadId(1), Ok(LogIndex(3)))]));
    assert_eq!(lab.replies(), [(A, 9, LogIndex(3))]);
}

#[test]
fn answers_to_what_was_sent_before_do_not_count() {
    let mut lab = Lab::committed();
    lab.read(1);
    lab.answer(A, 1);
    assert_eq!(lab.read.len(), 1);
    lab.read(2);
    // Doubled, delayed, from one voter or the other: all of them left before the read was asked.
    for voter in [A, B, A, B] {
        lab.answer(voter, 1);
        lab.hear(voter, 2, MessageBody::Appended { matched: LogIndex(3) });
    }
    assert_eq!(lab.read.len(), 1);
    lab.answer(B, 2);
    assert_eq!(lab.read.len(), 2);
}

#[test]
fn the_number_of_a_question_proves_nothing() {
    // The caller's numbers come again; an old heartbeat's answer can't be taken for the answer to a new question.
    let mut lab = Lab::committed();
    for question in [5, 5] {
        lab.hear(B, 2, MessageBody::ReadIndex { question });
        lab.answer(A, 0);
        lab.answer(B, 0);
    }
    assert!(lab.replies().is_empty());
}

#[test]
fn rounds_that_never_were_are_ignored() {
    let mut lab = Lab::committed();
    lab.answer(A, 7);
    assert_eq!(lab.node.ignored(), 1);
    lab.read(1);
    assert!(lab.read.is_empty());
}

#[test]
fn answers_of_an_earlier_term_do_not_count() {
    let mut lab = Lab::committed();
    lab.read(1);
    for voter in [A, B] {
        let marked = Default::default();
        lab.hear(voter, 1, MessageBody::HeartbeatReply { priority: 100, round: 1, sent: lab.now, marked });
    }
    assert!(lab.read.is_empty());
}

#[test]
fn learners_do_not_count() {
    let mut lab = Lab::committed();
    lab.read(1);
    lab.answer(LEARNER, 1);
    lab.answer(LEARNER, 1);
    lab.answer(NodeId(77), 1);
    assert!(lab.read.is_empty());
    // But they may ask.
    lab.hear(LEARNER, 2, MessageBody::ReadIndex { question: 4 });
    lab.hear(NodeId(77), 2, MessageBody::ReadIndex { question: 4 });
    lab.answer(A, 2);
    assert_eq!(lab.replies(), [(LEARNER, 4, LogIndex(3))]);
}

#[test]
fn a_leader_that_hands_over_answers_nothing() {
    let mut lab = Lab::committed();
    lab.hear(B, 2, MessageBody::ReadIndex { question: 1 });
    lab.hear(A, 2, MessageBody::Appended { matched: LogIndex(3) });
    lab.input(Input::Leave);
    assert!(lab.sent.iter().any(|(_, message)| matches!(message.body, MessageBody::TimeoutNow { .. })));
    lab.answer(A, 1);
    lab.hear(B, 2, MessageBody::ReadIndex { question: 2 });
    lab.answer(A, 1);
    assert!(lab.replies().is_empty());
}

#[test]
fn a_leader_that_learns_of_another_term_answers_nothing() {
    let mut lab = Lab::committed();
    lab.read(1);
    lab.hear(B, 2, MessageBody::ReadIndex { question: 1 });
    lab.hear(B, 3, MessageBody::Outdated);
    lab.answer(A, 1);
    lab.answer(A, 2);
    assert!(lab.replies().is_empty() && lab.read.is_empty());
    // Its own read goes to the next leader.
    lab.hear(
        A,
        3,
        MessageBody::Heartbeat { commit: LogPosition::default(), round: 0, patience_ms: 400, sent: lab.now },
    );
    let asked = lab.sent.iter().any(|(to, message)| {
        *to == A && message.term == Term(3) && matches!(message.body, MessageBody::ReadIndex { .. })
    });
    assert!(asked, "{:?}", lab.sent);
}

#[test]
fn many_reads_cost_one_round() {
    let mut lab = Lab::committed();
    lab.rounds(A);
    for id in 0..1_000 {
        lab.node.read(lab.now, ReadId(id)).expect("few reads wait");
    }
    for question in 0..1_000 {
        let message = Message { term: Term(2), body: MessageBody::ReadIndex { question } };
        lab.node.handle(lab.now, Input::Receive { from: B, message });
    }
    lab.drain();
    assert_eq!(lab.rounds(A), [1]);
    lab.answer(A, 1);
    assert_eq!(lab.read.len(), 1_000);
    assert_eq!(lab.replies(), [(B, 999, LogIndex(3))]);
}

#[test]
fn reads_without_end_are_refused_with_the_reason() {
    let mut lab = Lab::new();
    let limit = Config::default().reads_max;
    for id in 0..limit as u64 {
        lab.read(id);
    }
    assert_eq!(lab.node.read(lab.now, ReadId(0)), Err(Rejected::ReadsFull { waiting: limit }));
    lab.input(Input::Leave);
    assert_eq!(lab.node.read(lab.now, ReadId(0)), Err(Rejected::Leaving));
}
