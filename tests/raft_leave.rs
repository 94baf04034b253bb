//! Leaving: the office and the vote are handed over, the membership stays.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Input, NodeId, Permission, Rejected},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// How long whoever closes waits.
const PATIENCE: Duration = Duration::from_millis(300);

fn near() -> Conditions {
    Conditions::round_trip(Duration::from_millis(40))
}

/// Leaves, waits until that is done or patience is over, and closes.
fn close(cluster: &mut Cluster, node: u64) -> bool {
    cluster.leave(node);
    let end = cluster.elapsed() + PATIENCE;
    while !cluster.node(node).has_left() && cluster.elapsed() < end {
        cluster.run_for(Duration::from_millis(1));
    }
    let left = cluster.node(node).has_left();
    cluster.kill(node);
    left
}

#[test]
fn a_leader_hands_over_and_the_room_goes_on_at_once() {
    for seed in 0..20 {
        let mut cluster = Cluster::of(3).seed(seed).conditions(near());
        let leader = cluster.wait_for_leader();
        cluster.run_for(SECOND);
        assert!(close(&mut cluster, leader), "seed {seed}");
        let new = cluster.leader().expect("the office was handed over");
        let author = (1..=3).find(|node| *node != leader && *node != new).expect("one is left");
        cluster.write_at(author, "on we go");
        let took = cluster.run_until(SECOND, |cluster| cluster.texts(author) == ["on we go"]);
        assert!(took <= Duration::from_millis(100), "{took:?}");
        assert!(!cluster.node(new).membership().is_voter(NodeId(leader)));
        assert!(cluster.node(new).membership().members.contains_key(&NodeId(leader)));
    }
}

#[test]
fn a_follower_gives_up_its_vote() {
    let mut cluster = Cluster::of(3).seed(1).conditions(near());
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    assert!(close(&mut cluster, 1 + leader % 3));
    assert_eq!(cluster.node(leader).membership().voters().count(), 2);
}

#[test]
fn giving_up_a_vote_takes_one_round_trip() {
    for seed in 0..20 {
        let mut cluster = Cluster::of(3).seed(seed).conditions(near());
        let leader = cluster.wait_for_leader();
        let leaver = 1 + leader % 3;
        let pause = cluster.roll(100);
        cluster.run_for(SECOND + Duration::from_millis(pause));
        cluster.leave(leaver);
        let took = cluster.run_until(SECOND, |cluster| cluster.node(leaver).has_left());
        assert!(took <= Duration::from_millis(40), "{took:?}");
    }
}

#[test]
fn of_two_the_one_that_stays_goes_on_alone() {
    for first in [true, false] {
        let mut cluster = Cluster::of(2).seed(2).conditions(near());
        let leader = cluster.wait_for_leader();
        cluster.run_for(SECOND);
        let leaver = if first { leader } else { 3 - leader };
        assert!(close(&mut cluster, leaver));
        let stays = 3 - leaver;
        cluster.write_at(stays, "alone");
        cluster.run_until(PATIENCE, |cluster| cluster.texts(stays) == ["alone"]);
    }
}

#[test]
fn a_sole_voter_makes_its_learner_the_heir() {
    let mut cluster = Cluster::open().seed(3).conditions(near());
    cluster.run_for(SECOND);
    let heir = cluster.join(Permission::Editor);
    cluster.run_for(Duration::from_millis(350));
    assert_eq!(cluster.node(1).membership().voters().count(), 1);
    assert!(close(&mut cluster, 1));
    cluster.write_at(heir, "mine now");
    cluster.run_until(SECOND, |cluster| cluster.texts(heir) == ["mine now"]);
}

#[test]
fn who_is_alone_leaves_at_once() {
    let mut cluster = Cluster::open();
    cluster.run_for(SECOND);
    cluster.leave(1);
    assert!(cluster.node(1).has_left());
    let now = bevy_quorum::raft::Moment(cluster.elapsed().as_nanos() as u64);
    assert_eq!(cluster.node(1).clone().propose(now, "late".into()), Err(Rejected::Leaving));
}

#[test]
fn who_reaches_nobody_gives_up() {
    let mut cluster = Cluster::of(3).seed(4);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    cluster.cut(leader);
    assert!(!close(&mut cluster, leader));
    cluster.heal();
    cluster.run_for(SECOND * 3);
    assert!(cluster.leader().is_some_and(|new| new != leader));
}

#[test]
fn who_left_returns_and_votes_again() {
    let mut cluster = Cluster::of(3).seed(5).conditions(near());
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    assert!(close(&mut cluster, leader));
    cluster.run_for(SECOND * 10);
    cluster.restart(leader);
    cluster.run_for(SECOND * 5);
    let voters = cluster.node(leader).membership().voters().count();
    assert_eq!((voters, cluster.node(leader).role_kind()), (3, bevy_quorum::raft::RoleKind::Follower));
}

#[test]
fn all_leave_one_after_another_and_the_last_has_everything() {
    for seed in 0..20 {
        let mut cluster = Cluster::of(4).seed(seed).conditions(near());
        cluster.wait_for_leader();
        cluster.run_for(SECOND);
        for node in 1..=3 {
            cluster.write_at(node, &node.to_string());
            cluster.run_for(Duration::from_millis(200));
            assert!(close(&mut cluster, node), "seed {seed}, node {node}");
        }
        cluster.write_at(4, "4");
        cluster.run_for(SECOND);
        assert_eq!(cluster.texts(4), ["1", "2", "3", "4"]);
    }
}

#[test]
fn a_transfer_that_is_not_taken_up_ends() {
    let mut cluster = Cluster::of(3).seed(6).conditions(near());
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    for other in (1..=3).filter(|node| *node != leader) {
        cluster.write_at(other, "waits");
        cluster.cut_one_way(leader, other);
    }
    cluster.tell(leader, Input::Leave);
    cluster.run_for(SECOND);
    cluster.heal();
    cluster.run_until(SECOND * 5, |cluster| cluster.history().len() == 2);
}
