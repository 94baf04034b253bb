//! How many round trips a commit takes.
#![cfg(feature = "playtest")]

use bevy_quorum::playtest::{Cluster, Conditions};
use std::time::Duration;

const ROUND_TRIP: Duration = Duration::from_millis(100);

fn settled(seed: u64) -> (Cluster, u64) {
    let mut cluster = Cluster::of(3).seed(seed).conditions(Conditions::round_trip(ROUND_TRIP));
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

#[test]
fn a_proposal_at_a_follower_is_known_committed_there_after_two_round_trips() {
    for seed in 0..20 {
        let (mut cluster, leader) = settled(seed);
        let follower = 1 + leader % 3;
        cluster.write_at(follower, "x");
        let took = cluster.run_until(ROUND_TRIP * 5, |cluster| cluster.texts(follower) == ["x"]);
        assert!(is_within_one_percent(took, ROUND_TRIP * 2), "{took:?}");
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
