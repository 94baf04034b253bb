//! How the log gets from the leader to everybody.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Config, Effect, Input, MessageBody, Moment, NodeId, Rejected},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn written(cluster: &mut Cluster, node: u64, count: usize) -> Vec<String> {
    let texts: Vec<String> = (0..count).map(|place| format!("{node}-{place}")).collect();
    for text in &texts {
        cluster.write_at(node, text);
    }
    texts
}

#[test]
fn everybody_applies_the_same_in_the_same_order() {
    let mut cluster = Cluster::of(3).seed(1);
    cluster.wait_for_leader();
    for node in 1..=3 {
        written(&mut cluster, node, 100);
    }
    cluster.run_for(SECOND * 3);
    assert_eq!(cluster.texts(1).len(), 300);
    assert!((2..=3).all(|node| cluster.texts(node) == cluster.texts(1)));
}

#[test]
fn a_follower_far_behind_catches_up() {
    let mut cluster = Cluster::of(3).seed(2).conditions(Conditions::round_trip(Duration::from_millis(50)));
    let leader = cluster.wait_for_leader();
    let late = 1 + leader % 3;
    cluster.kill(late);
    let texts = written(&mut cluster, leader, 5_000);
    cluster.run_for(SECOND * 3);
    cluster.restart(late);
    let took = cluster.run_until(SECOND * 10, |cluster| cluster.texts(late).len() == 5_000);
    assert_eq!(cluster.texts(late), texts);
    println!("5,000 commands in {took:?}");
    assert!(took < SECOND * 3, "{took:?}");
}

#[test]
fn a_divergent_tail_is_replaced() {
    let mut cluster = Cluster::of(3).seed(3);
    let old = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    cluster.cut(old);
    let lost = written(&mut cluster, old, 50);
    cluster.run_for(SECOND * 5);
    let new = cluster.leader().expect("two are a majority");
    let kept = written(&mut cluster, new, 30);
    cluster.run_for(SECOND);
    assert!(cluster.texts(old).is_empty());
    cluster.heal();
    cluster.run_for(SECOND * 5);
    // The tail went, the commands did not: their author sent them again.
    assert_eq!(cluster.texts(new), [kept, lost].concat());
    assert_eq!(cluster.texts(old), cluster.texts(new));
}

#[test]
fn loss_doubling_and_overtaking_change_nothing() {
    let rough = Conditions {
        delay: Duration::from_millis(40),
        jitter: Duration::from_millis(60),
        loss_permille: 100,
        doubled_permille: 100,
    };
    for seed in 0..10 {
        let mut cluster = Cluster::of(3).seed(seed).conditions(rough.clone()).disk_latency(Duration::from_millis(4));
        cluster.wait_for_leader();
        for round in 0..40 {
            cluster.write_at(1 + round % 3, &round.to_string());
            cluster.run_for(Duration::from_millis(20));
        }
        cluster.run_until(SECOND * 20, Cluster::is_settled);
        assert_eq!(cluster.history().len(), 40);
    }
}

#[test]
fn a_slow_disk_gathers_writes() {
    let mut cluster = Cluster::of(3).seed(4).disk_latency(Duration::from_millis(50));
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let texts = written(&mut cluster, leader, 1_000);
    let took = cluster.run_until(SECOND * 5, |cluster| cluster.texts(leader).len() == 1_000);
    assert_eq!(cluster.texts(leader), texts);
    assert!(took < Duration::from_millis(400), "{took:?}");
}

#[test]
fn a_single_entry_crosses_a_quiet_room_in_few_messages() {
    let mut cluster = Cluster::of(3).seed(5);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let before = cluster.messages();
    cluster.write_at(leader, "x");
    cluster.run_until(SECOND, |cluster| (1..=3).all(|node| cluster.texts(node) == ["x"]));
    assert!(cluster.messages() - before <= 12, "{}", cluster.messages() - before);
}

#[test]
fn a_burst_is_one_write_and_one_message() {
    let mut cluster = Cluster::of(3).seed(6);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let now = Moment(cluster.elapsed().as_nanos() as u64);
    let mut node = cluster.node(1 + leader % 3).clone();
    for _ in 0..100 {
        node.propose(now, "x".into()).expect("the outbox has room");
    }
    let Some(Effect::Persist { id, write }) = node.poll() else { panic!("the outbox is written first") };
    assert_eq!((write.outbox_put.len(), node.poll()), (100, None));
    node.handle(now, Input::Persisted(id));
    let Some(Effect::Send { to, message }) = node.poll() else { panic!("then the leader is told") };
    assert_eq!(to, NodeId(leader));
    assert!(matches!(message.body, MessageBody::Forward { commands, .. } if commands.len() == 100));
    assert_eq!(node.poll(), None);
}

#[test]
fn proposals_without_a_majority_wait_and_are_bounded() {
    let config = Config { outbox_commands_max: 10, ..Config::default() };
    let mut cluster = Cluster::of(3).seed(7).config(config);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let alone = 1 + leader % 3;
    cluster.cut(alone);
    written(&mut cluster, alone, 10);
    let now = Moment(cluster.elapsed().as_nanos() as u64);
    let refused = cluster.node(alone).clone().propose(now, "one more".into());
    assert_eq!(refused, Err(Rejected::OutboxFull { waiting: 10, holdup: None }));
    cluster.run_for(SECOND * 10);
    cluster.heal();
    cluster.run_for(SECOND * 3);
    assert_eq!(cluster.history().len(), 10);
    assert_eq!(cluster.node(alone).waiting(), 0);
}

#[test]
fn log_time_passes_with_the_leader_and_never_back() {
    let mut cluster = Cluster::of(3).seed(8);
    for round in 0..5 {
        let leader = cluster.wait_for_leader();
        cluster.write_at(leader, &round.to_string());
        cluster.run_for(SECOND * 2);
        let leader = cluster.wait_for_leader();
        cluster.kill(leader);
        cluster.run_for(SECOND * 3);
        cluster.restart(leader);
    }
    let times: Vec<u64> = cluster.committed().iter().map(|entry| entry.time.0).collect();
    assert!(times.is_sorted());
    assert!(times.last().is_some_and(|last| *last > 5_000));
}

#[test]
fn the_commit_index_is_written_soon_though_nothing_follows() {
    let mut cluster = Cluster::of(3).seed(9);
    let leader = cluster.wait_for_leader();
    cluster.write_at(leader, "x");
    cluster.run_for(SECOND * 2);
    for node in 1..=3 {
        assert_eq!(cluster.disk(node).commit, cluster.node(node).commit());
        assert!(cluster.disk(node).outbox.is_empty());
    }
    (1..=3).for_each(|node| cluster.kill(node));
    cluster.restart(leader);
    assert_eq!(cluster.texts(leader), ["x"]);
}

#[test]
fn a_disk_slower_than_the_network_is_not_taken_for_loss() {
    let conditions = Conditions::round_trip(Duration::from_millis(20));
    let mut cluster = Cluster::of(3).seed(10).conditions(conditions).disk_latency(Duration::from_millis(100));
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let before = cluster.messages();
    for place in 0..1_000 {
        cluster.write_at(leader, &place.to_string());
        cluster.run_for(Duration::from_millis(5));
    }
    // Heartbeats and their answers are 200 of them.
    assert!(cluster.messages() - before < 800, "{}", cluster.messages() - before);
}
