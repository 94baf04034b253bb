//! Linearizable reads: what is read was committed when it was asked for, or later, whoever is asked (§6.4).
//!
//! In every story the cluster itself checks each answer against what had been carried out anywhere.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Config, Holdup, Mutant, NodeId, Permission, ReadId},
};
use std::{panic::catch_unwind, time::Duration};

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
