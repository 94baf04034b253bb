//! How many round trips a commit takes.
#![cfg(feature = "playtest")]

use bevy_quorum::playtest::{Cluster, Conditions};
use std::time::Duration;

const ROUND_TRIP: Duration = Duration::from_millis(100);

fn settled(seed: u64) -> (Cluster, u64) {
    settled_among(3, seed)
}

fn settled_among(voters: u64, seed: u64) -> (Cluster, u64) {
    let mut cluster = Cluster::of(voters).seed(seed).conditions(Conditions::round_trip(ROUND_TRIP));
    let leader = cluster.wait_for_leader();
    cluster.run_for(Duration::from_secs(2));
    (cluster, leader)
}

fn is_within_one_percent(took: Duration, of: Duration) -> bool {
    took.abs_diff(of) <= of / 100
}

#[test]
fn a_proposal_at_the_leader_is_committed_there_after_one_round_trip() {
    for seed in 0..20 {
        let (mut cluster, leader) = settled(seed);
        cluster.write_at(leader, "x");
        let took = cluster.run_until(ROUND_TRIP * 5, |cluster| cluster.texts(leader) == ["x"]);
        assert!(is_within_one_percent(took, ROUND_TRIP), "{took:?}");
    }
}

/// How long a node takes to know its own proposal committed, and another follower, in round trips.
fn known_after(voters: u64, disk_latency: Duration, seed: u64) -> [f64; 2] {
    let (mut cluster, leader) = settled_among(voters, seed);
    (1..=voters).for_each(|node| cluster.set_disk_latency(node, disk_latency, Duration::ZERO));
    let (author, other) = (1 + leader % voters, 1 + (leader + 1) % voters);
    let start = cluster.elapsed();
    cluster.write_at(author, "x");
    [author, other].map(|node| {
        cluster.run_until(ROUND_TRIP * 5, |cluster| cluster.texts(node) == ["x"]);
        (cluster.elapsed() - start).as_secs_f64() / ROUND_TRIP.as_secs_f64()
    })
}

fn are_about(took: [f64; 2], expected: [f64; 2]) -> bool {
    took.iter().zip(expected).all(|(took, expected)| (took - expected).abs() < 0.02)
}

#[test]
fn a_proposal_at_a_follower_of_three_is_known_committed_there_after_one_round_trip() {
    for seed in 0..20 {
        let took = known_after(3, Duration::ZERO, seed);
        assert!(are_about(took, [1.0, 1.0]), "{took:?}");
    }
}

#[test]
fn a_proposal_at_a_follower_of_more_is_known_committed_there_after_two_round_trips() {
    for (voters, seed) in [(4, 1), (5, 2), (5, 3)] {
        let took = known_after(voters, Duration::ZERO, seed);
        assert!(are_about(took, [2.0, 2.0]), "{took:?} among {voters}");
    }
}

#[test]
fn disks_delay_what_is_known_by_two_writes_each_after_the_other() {
    // The author's own, then those of leader and follower at the same time.
    for seed in 0..5 {
        let took = known_after(3, ROUND_TRIP / 10, seed);
        assert!(are_about(took, [1.2, 1.2]), "{took:?}");
    }
}

#[test]
fn proposals_do_not_wait_for_one_another() {
    let (mut cluster, leader) = settled(3);
    for place in 0..50 {
        cluster.write_at(leader, &place.to_string());
        cluster.run_for(Duration::from_millis(2));
    }
    let took = cluster.run_until(ROUND_TRIP * 5, |cluster| cluster.texts(leader).len() == 50);
    assert!(is_within_one_percent(took, ROUND_TRIP - Duration::from_millis(2)), "{took:?}");
}

#[test]
fn a_lost_append_is_sent_again_within_two_round_trips() {
    let (mut cluster, leader) = settled(5);
    for follower in (1..=3).filter(|node| *node != leader) {
        cluster.cut_one_way(leader, follower);
    }
    cluster.write_at(leader, "x");
    cluster.heal();
    let took = cluster.run_until(ROUND_TRIP * 5, |cluster| cluster.texts(leader) == ["x"]);
    // One round trip of patience and some, one for the second attempt.
    assert!(took < ROUND_TRIP * 3, "{took:?}");
}
