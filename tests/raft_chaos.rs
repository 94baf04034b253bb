//! Random faults, then peace: one leader, equal states, nothing lost that anybody was told.
//!
//! `RAFT_SEEDS=1000 cargo test --all-features --test raft_chaos` looks at more stories than usual.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Config, Permission},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn weather(cluster: &mut Cluster) -> Conditions {
    Conditions {
        delay: Duration::from_millis(1 + cluster.roll(80)),
        jitter: Duration::from_millis(cluster.roll(100)),
        loss_permille: cluster.roll(200),
        doubled_permille: cluster.roll(100),
    }
}

/// One fault, or the end of one, or somebody's work.
fn disturb(cluster: &mut Cluster, people: u64) {
    let nodes: Vec<u64> = cluster.numbers().collect();
    let node = nodes[cluster.roll(nodes.len() as u64) as usize];
    let other = nodes[cluster.roll(nodes.len() as u64) as usize];
    match cluster.roll(26) {
        0 => cluster.cut(node),
        1 => cluster.cut_between(node, other),
        2 => cluster.cut_one_way(node, other),
        3..=5 => cluster.heal(),
        6 if cluster.is_running(node) => cluster.kill(node),
        7..=9 if !cluster.is_running(node) => cluster.restart(node),
        10 => {
            let long = Duration::from_millis(cluster.roll(4_000));
            cluster.stall(node, long);
        }
        11 => {
            let conditions = weather(cluster);
            cluster.set_conditions(conditions);
        }
        12 if (nodes.len() as u64) < people => {
            cluster.join(Permission::Editor);
        }
        13 if cluster.is_running(node) => {
            cluster.leave(node);
            cluster.run_for(Duration::from_millis(300));
            cluster.kill(node);
        }
        _ if cluster.is_running(node) && !cluster.node(node).has_left() => {
            cluster.write_at(node, "work");
        }
        _ => {}
    }
}

/// So many seeds from `first` on, or as many as wished.
fn seeds(first: u64, count: u64) -> std::ops::Range<u64> {
    let wished = std::env::var("RAFT_SEEDS").ok().and_then(|count| count.parse().ok());
    first..first + wished.unwrap_or(count)
}

fn survive(mut cluster: Cluster, people: u64) {
    while cluster.elapsed() < SECOND * 120 {
        disturb(&mut cluster, people);
        let pause = 5 + cluster.roll(400);
        cluster.run_for(Duration::from_millis(pause));
    }
    cluster.heal();
    cluster.set_conditions(Conditions::default());
    for node in cluster.numbers() {
        if !cluster.is_running(node) {
            cluster.restart(node);
        }
    }
    cluster.run_until(SECOND * 60, Cluster::is_settled);
    cluster.run_for(SECOND * 5);
    let leader = cluster.leader();
    for node in cluster.numbers() {
        assert_eq!(cluster.applied(node), cluster.history());
        assert_eq!(cluster.node(node).leader().map(|id| id.0), leader);
    }
    // Nobody is forgotten: whoever lost a vote or waits at the door gets in again, as far as there is room.
    let seats = cluster.numbers().count().min(Config::default().voters_max);
    cluster.run_until(SECOND * 30, |cluster| cluster.node(1).membership().voters().count() == seats);
}

#[test]
fn three_voters_survive_two_minutes_of_chaos() {
    for seed in seeds(0, 25) {
        let latency = Duration::from_millis(seed % 4 * 7);
        survive(Cluster::of(3).seed(seed).disk_latency(latency), 3);
    }
}

#[test]
fn a_growing_room_survives_two_minutes_of_chaos() {
    for seed in seeds(100_000, 25) {
        survive(Cluster::open().seed(seed).disk_latency(Duration::from_millis(5)), 7);
    }
}

#[test]
fn a_pair_survives_two_minutes_of_chaos() {
    for seed in seeds(200_000, 20) {
        survive(Cluster::of(2).seed(seed).disk_latency(Duration::from_millis(seed % 3 * 5)), 2);
    }
}

#[test]
fn a_room_of_one_to_three_on_slow_disks_survives_two_minutes_of_chaos() {
    for seed in seeds(300_000, 25) {
        survive(Cluster::open().seed(seed).disk_latency(Duration::from_millis(seed % 5 * 40)), 2 + seed % 2);
    }
}

#[test]
fn a_room_whose_log_is_cut_all_the_time_survives_two_minutes_of_chaos() {
    for seed in seeds(400_000, 25) {
        let config =
            Config { makes_snapshots: true, mark_entries: 5 + seed % 20, tail_bytes: 100, ..Config::default() };
        let cluster = Cluster::open().seed(seed).config(config).ballast(seed as usize % 3 * 40_000);
        survive(cluster.disk_latency(Duration::from_millis(seed % 4 * 7)).game_latency(SECOND / 20), 3 + seed % 4);
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = || {
        let mut cluster = Cluster::of(3).seed(42).disk_latency(Duration::from_millis(3));
        while cluster.elapsed() < SECOND * 30 {
            disturb(&mut cluster, 5);
            cluster.run_for(Duration::from_millis(100));
        }
        cluster
    };
    let (one, other) = (story(), story());
    assert_eq!(one.messages(), other.messages());
    assert_eq!(one.committed(), other.committed());
    for number in one.numbers().filter(|number| one.is_running(*number)) {
        assert_eq!(one.node(number), other.node(number));
    }
}
