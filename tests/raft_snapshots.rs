//! Where snapshots are made, what they hold, and what is cut off.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Config, LogIndex},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Marks every 20 entries, and keeps next to no tail.
fn often() -> Config {
    Config { makes_snapshots: true, mark_entries: 20, tail_bytes: 300, ..Config::default() }
}

fn written(cluster: &mut Cluster, count: usize) {
    for place in 0..count {
        cluster.write(&place.to_string());
        cluster.run_for(Duration::from_millis(5));
    }
    cluster.run_for(SECOND);
}

#[test]
fn logs_are_cut_where_a_majority_agrees() {
    let mut cluster = Cluster::of(3).seed(1).config(often());
    cluster.wait_for_leader();
    written(&mut cluster, 200);
    for node in 1..=3 {
        assert!(cluster.log_start(node) > LogIndex(150), "{:?}", cluster.log_start(node));
        assert_eq!(cluster.snapshot(node), cluster.snapshot(1));
        assert_eq!(cluster.texts(node).len(), 200);
    }
}

#[test]
fn a_follower_far_behind_installs_a_snapshot() {
    let mut cluster = Cluster::of(3).seed(2).config(often()).ballast(200_000);
    let leader = cluster.wait_for_leader();
    let late = 1 + leader % 3;
    cluster.kill(late);
    written(&mut cluster, 200);
    cluster.restart(late);
    let took = cluster.run_until(SECOND * 10, Cluster::is_settled);
    assert_eq!(cluster.texts(late).len(), 200);
    assert_eq!(cluster.restores(), 1);
    println!("200 kB in {took:?}");
}

#[test]
fn loss_doubling_and_overtaking_stop_no_snapshot() {
    for seed in 0..10 {
        let rough = Conditions {
            delay: Duration::from_millis(40),
            jitter: Duration::from_millis(60),
            loss_permille: 100,
            doubled_permille: 100,
        };
        let mut cluster = Cluster::of(3).seed(seed).config(often()).ballast(1_000_000);
        let leader = cluster.wait_for_leader();
        let late = 1 + leader % 3;
        cluster.kill(late);
        written(&mut cluster, 100);
        cluster.set_conditions(rough);
        cluster.restart(late);
        let took = cluster.run_until(SECOND * 60, Cluster::is_settled);
        assert_eq!(cluster.texts(late).len(), 100);
        assert!(cluster.restores() >= 1);
        println!("1 MB in {took:?}");
    }
}
