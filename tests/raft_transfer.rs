//! Handing over the office: at once, with nothing lost or refused, and given up if nobody takes it.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Input, NodeId, Permission, RoleKind},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const ROUND_TRIP: Duration = Duration::from_millis(50);

fn others(leader: u64) -> [u64; 2] {
    [1 + leader % 3, 1 + (leader + 1) % 3]
}

fn settled(voters: u64, seed: u64) -> (Cluster, u64) {
    let mut cluster = Cluster::of(voters).seed(seed).conditions(Conditions::round_trip(ROUND_TRIP));
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND * 2);
    (cluster, leader)
}

fn transfer(cluster: &mut Cluster, leader: u64, to: u64) {
    cluster.tell(leader, Input::Transfer { to: Some(NodeId(to)) });
}

#[test]
fn a_hand_over_takes_a_round_trip_and_a_half() {
    for voters in [2, 3, 5] {
        for seed in 0..20 {
            let (mut cluster, leader) = settled(voters, seed);
            let heir = 1 + leader % voters;
            transfer(&mut cluster, leader, heir);
            let took = cluster.run_until(SECOND, |cluster| cluster.node(heir).role_kind() == RoleKind::Leader);
            assert!(took <= ROUND_TRIP * 3 / 2, "{took:?}");
            cluster.run_for(SECOND * 5);
            assert_eq!((cluster.leader(), cluster.elections()), (Some(heir), 2));
        }
    }
}

/// The longest time that a command of a steady stream of `author`'s takes to be known committed there.
fn slowest(cluster: &mut Cluster, author: u64, duration: Duration, act: impl FnOnce(&mut Cluster)) -> Duration {
    let pace = Duration::from_millis(2);
    let start = cluster.elapsed();
    let mut proposed = Vec::new();
    let mut slowest = Duration::ZERO;
    let before = cluster.applied(author).len();
    let mut act = Some(act);
    while cluster.applied(author).len() - before < proposed.len() || cluster.elapsed() < start + duration {
        if cluster.elapsed() < start + duration {
            proposed.push(cluster.elapsed());
            cluster.write_at(author, "on and on");
        }
        if cluster.elapsed() >= start + duration / 2 {
            act.take().into_iter().for_each(|act| act(cluster));
        }
        let known = cluster.applied(author).len() - before;
        cluster.run_for(pace);
        let now = cluster.applied(author).len() - before;
        for written in &proposed[known..now] {
            slowest = slowest.max(cluster.elapsed() - *written);
        }
    }
    slowest
}

#[test]
fn a_steady_stream_is_delayed_by_about_one_round_trip() {
    for seed in 0..5 {
        for author in 1..=3 {
            let (mut cluster, leader) = settled(3, seed);
            let [heir, _] = others(leader);
            let steady = slowest(&mut cluster, author, SECOND, |_| {});
            let slow = slowest(&mut cluster, author, SECOND, |cluster| transfer(cluster, leader, heir));
            assert_eq!((cluster.leader(), cluster.elections()), (Some(heir), 2));
            // Afterwards its commands take another way, which is longer for the former leader.
            let after = slowest(&mut cluster, author, SECOND, |_| {});
            let delay = slow - steady.max(after);
            // A follower that is about to lead loses what it gained by learning early, too.
            let most = match author {
                _ if author == leader => ROUND_TRIP,
                _ if author == heir => ROUND_TRIP * 2,
                _ => ROUND_TRIP * 3 / 2,
            };
            assert!(delay <= most, "{delay:?} at node {author}");
        }
    }
}

#[test]
fn hand_overs_amid_loss_and_jitter_lose_nothing() {
    for seed in 0..20 {
        let rough = Conditions {
            jitter: Duration::from_millis(60),
            loss_permille: 100,
            doubled_permille: 50,
            ..Conditions::round_trip(ROUND_TRIP)
        };
        let mut cluster = Cluster::of(5).seed(seed).conditions(rough).disk_latency(Duration::from_millis(5));
        cluster.wait_for_leader();
        let mut written = 0;
        for _ in 0..20 {
            for author in 1..=5 {
                cluster.write_at(author, "kept");
                written += 1;
            }
            if let Some(leader) = cluster.leader() {
                let heir = 1 + cluster.roll(5);
                transfer(&mut cluster, leader, heir);
            }
            cluster.run_for(Duration::from_millis(700));
        }
        cluster.run_until(SECOND * 30, Cluster::is_settled);
        assert_eq!(cluster.history().len(), written);
    }
}

#[test]
fn a_successor_that_vanishes_holds_the_room_up_for_no_longer_than_its_patience() {
    for seed in 0..20 {
        let (mut cluster, leader) = settled(3, seed);
        let [heir, other] = others(leader);
        cluster.kill(heir);
        transfer(&mut cluster, leader, heir);
        cluster.write_at(other, "waits");
        let took = cluster.run_until(SECOND * 5, |cluster| cluster.texts(other) == ["waits"]);
        assert!(took <= cluster.node(leader).patience() * 2 + ROUND_TRIP * 2, "{took:?}");
        assert_eq!((cluster.leader(), cluster.elections()), (Some(leader), 1));
        // The next one is asked to take over.
        cluster.tell(leader, Input::Transfer { to: None });
        cluster.run_for(SECOND);
        assert_eq!(cluster.leader(), Some(other));
    }
}

#[test]
fn a_successor_that_hears_nothing_does_not_stop_the_room() {
    let (mut cluster, leader) = settled(3, 1);
    let [heir, other] = others(leader);
    cluster.cut_one_way(leader, heir);
    transfer(&mut cluster, leader, heir);
    cluster.write_at(other, "goes on");
    cluster.run_until(SECOND * 3, |cluster| cluster.texts(other) == ["goes on"]);
    assert_eq!(cluster.elections(), 1);
}

#[test]
fn a_successor_first_takes_in_what_the_leader_had() {
    for seed in 0..10 {
        let (mut cluster, leader) = settled(3, seed);
        let [heir, _] = others(leader);
        // A few hundred kilobytes are on their way when it is called.
        for _ in 0..200 {
            cluster.write_at(leader, &"x".repeat(2_000));
        }
        transfer(&mut cluster, leader, heir);
        cluster.run_for(SECOND * 2);
        assert_eq!((cluster.leader(), cluster.elections()), (Some(heir), 2), "seed {seed}");
        assert_eq!(cluster.texts(heir).len(), 200);
    }
}

#[test]
fn only_voters_that_are_heard_are_asked() {
    let mut cluster = Cluster::open().seed(1);
    cluster.run_for(SECOND);
    let learner = cluster.join(Permission::Viewer);
    cluster.run_for(Duration::from_millis(300));
    for to in [1, learner, 77] {
        transfer(&mut cluster, 1, to);
    }
    cluster.write_at(1, "not held up");
    cluster.run_until(Duration::from_millis(1), |cluster| cluster.texts(1) == ["not held up"]);
}

#[test]
fn nobody_waits_for_a_voter_that_is_silent_already() {
    let (mut cluster, leader) = settled(3, 3);
    let [dead, author] = others(leader);
    cluster.kill(dead);
    cluster.run_for(SECOND * 2);
    transfer(&mut cluster, leader, dead);
    cluster.write_at(author, "not held up");
    cluster.run_until(ROUND_TRIP * 3, |cluster| cluster.texts(author) == ["not held up"]);
}

#[test]
fn who_does_not_lead_hands_over_nothing() {
    let (mut cluster, leader) = settled(3, 2);
    let [follower, _] = others(leader);
    cluster.tell(follower, Input::Transfer { to: None });
    cluster.run_for(SECOND);
    assert_eq!((cluster.leader(), cluster.elections()), (Some(leader), 1));
}
