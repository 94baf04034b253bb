//! A witness: two players and a node that only votes and stores survive the loss of any one of them.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Config, Input, LogIndex, Moment, NodeId, Payload, ReadId, Rejected},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn internet() -> Conditions {
    Conditions { loss_permille: 10, ..Conditions::round_trip(Duration::from_millis(50)) }
}

/// Players 1 and 2, and a witness, all voting.
fn pair(seed: u64) -> (Cluster, u64) {
    let mut cluster = Cluster::of(2).seed(seed).conditions(internet()).disk_latency(Duration::from_millis(5));
    cluster.wait_for_leader();
    let witness = cluster.witness();
    let all_vote = |cluster: &Cluster| cluster.node(1).membership().voters().count() == 3;
    cluster.run_until(SECOND * 10, all_vote);
    cluster.run_for(SECOND);
    (cluster, witness)
}

#[test]
fn two_players_and_a_witness_survive_either_players_loss() {
    for seed in 0..20 {
        for lost in [1, 2] {
            let (mut cluster, witness) = pair(seed);
            let stays = 3 - lost;
            cluster.write_at(lost, "before");
            cluster.run_until(SECOND, |cluster| cluster.texts(stays).len() == 1);
            cluster.kill(lost);
            cluster.write_at(stays, "on we go");
            let took = cluster.run_until(SECOND * 5, |cluster| cluster.texts(stays).len() == 2);
            assert!(took <= SECOND * 2, "{took:?}");
            cluster.run_for(SECOND * 20);
            assert_eq!(cluster.leader(), Some(stays));
            cluster.restart(lost);
            cluster.run_until(SECOND * 10, |cluster| cluster.texts(lost).len() == 2);
            assert!(cluster.applied(witness).is_empty());
        }
    }
}

#[test]
fn two_players_go_on_without_their_witness() {
    for seed in 0..10 {
        let (mut cluster, witness) = pair(seed);
        let leader = cluster.leader();
        cluster.kill(witness);
        cluster.write_at(1, "on we go");
        cluster.run_until(SECOND, |cluster| cluster.texts(2).len() == 1);
        cluster.run_for(SECOND * 20);
        assert_eq!(cluster.leader(), leader);
        cluster.restart(witness);
        cluster.run_for(SECOND * 5);
        assert!(cluster.node(1).membership().is_voter(NodeId(witness)));
    }
}

#[test]
fn a_witness_with_the_only_copy_leads_until_a_player_has_it() {
    for seed in 0..10 {
        let (mut cluster, witness) = pair(seed);
        let leader = cluster.leader().expect("a player leads");
        let late = 3 - leader;
        cluster.cut(late);
        cluster.write_at(leader, "kept by the witness");
        cluster.run_until(SECOND, |cluster| cluster.texts(leader).len() == 1);
        cluster.kill(leader);
        cluster.heal();
        assert_eq!(cluster.wait_for_leader(), witness, "it alone can be elected");
        cluster.run_until(SECOND * 3, |cluster| cluster.leader() == Some(late));
        cluster.run_for(SECOND * 10);
        assert_eq!((cluster.leader(), cluster.texts(late).len()), (Some(late), 1));
    }
}

#[test]
fn a_witness_stores_everything_and_carries_out_nothing() {
    let (mut cluster, witness) = pair(1);
    for place in 0..100 {
        cluster.write_at(1 + place % 2, "work");
    }
    cluster.run_for(SECOND * 2);
    assert!(cluster.applied(witness).is_empty());
    assert!(cluster.is_settled());
    let disk = cluster.disk(witness);
    assert_eq!((disk.log.len() as u64, disk.ballot), (cluster.node(1).last().0, cluster.node(witness).ballot()));
    cluster.kill(witness);
    cluster.restart(witness);
    cluster.run_for(SECOND);
    assert!(cluster.applied(witness).is_empty() && cluster.node(witness).commit() > LogIndex(100));
}

#[test]
fn a_witness_proposes_and_reads_nothing_and_its_priority_stays() {
    let (mut cluster, witness) = pair(2);
    let now = Moment(cluster.elapsed().as_nanos() as u64);
    let mut node = cluster.node(witness).clone();
    assert_eq!(node.propose(now, "mine".into()), Err(Rejected::Witness));
    assert_eq!(node.read(now, ReadId(1)), Err(Rejected::Witness));
    cluster.tell(witness, Input::Priority(255));
    cluster.run_for(SECOND * 20);
    assert_ne!(cluster.leader(), Some(witness));
}

#[test]
fn a_witness_keeps_the_snapshots_of_others_and_makes_none() {
    let often = Config { makes_snapshots: true, mark_entries: 20, tail_bytes: 300, ..Config::default() };
    let mut cluster = Cluster::of(2).seed(3).conditions(internet()).config(often);
    cluster.wait_for_leader();
    let witness = cluster.witness();
    cluster.run_for(SECOND * 3);
    for place in 0..200 {
        cluster.write(&place.to_string());
        cluster.run_for(Duration::from_millis(20));
    }
    cluster.run_for(SECOND * 5);
    assert!(cluster.snapshot(witness).is_some() && cluster.log_start(witness) > LogIndex(100));
    assert_eq!(cluster.snapshot(witness), cluster.snapshot(1));
    let marks = cluster.committed().iter().filter(|entry| entry.payload == Payload::Mark).count() as u64;
    assert!((1..=2 * marks).contains(&cluster.snapshots()), "two players make snapshots, {}", cluster.snapshots());
    cluster.kill(witness);
    for place in 0..100 {
        cluster.write(&place.to_string());
        cluster.run_for(Duration::from_millis(20));
    }
    cluster.restart(witness);
    cluster.run_for(SECOND * 5);
    assert_eq!(cluster.snapshot(witness), cluster.snapshot(1), "it was sent what was made without it");
    assert_eq!((cluster.applied(witness).len(), cluster.restores()), (0, 0));
    let lost = cluster.leader().expect("a player leads");
    cluster.kill(lost);
    cluster.write_at(3 - lost, "on we go");
    cluster.run_until(SECOND * 5, |cluster| cluster.texts(3 - lost).len() == 301);
}
