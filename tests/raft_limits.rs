//! What has a limit says so, and why: what waits, waits durably, and everybody can see what for.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{COMMAND_BYTES_MAX, Config, Holdup, Input, Moment, NodeId, Permission, Rejected},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const ROUND_TRIP: Duration = Duration::from_millis(100);

fn settled(config: Config, seed: u64) -> (Cluster, u64, u64) {
    let cluster = Cluster::of(3).seed(seed).config(config);
    let mut cluster = cluster.conditions(Conditions::round_trip(ROUND_TRIP));
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND * 2);
    (cluster, leader, 1 + leader % 3)
}

fn holdup(cluster: &Cluster, node: u64) -> Option<Holdup> {
    cluster.node(node).status().holdup
}

/// Writes until no more is taken, and says why.
fn fill(cluster: &mut Cluster, node: u64) -> Rejected {
    loop {
        let now = Moment(cluster.elapsed().as_nanos() as u64);
        match cluster.node(node).clone().propose(now, "full".into()) {
            Ok(_) => drop(cluster.write_at(node, "full")),
            Err(rejected) => return rejected,
        }
    }
}

#[test]
fn who_has_nothing_to_do_is_not_held_up() {
    let (mut cluster, leader, follower) = settled(Config::default(), 1);
    cluster.cut(follower);
    cluster.run_for(SECOND * 2);
    assert_eq!([holdup(&cluster, leader), holdup(&cluster, follower)], [None, None]);
    cluster.write_at(leader, "x");
    cluster.run_for(ROUND_TRIP / 2);
    assert_eq!((cluster.node(leader).waiting(), holdup(&cluster, leader)), (1, None), "it only waits for its turn");
}

#[test]
fn without_a_leader_commands_wait_through_a_restart() {
    let (mut cluster, _, follower) = settled(Config { outbox_commands_max: 10, ..Config::default() }, 1);
    cluster.cut(follower);
    cluster.run_for(SECOND * 2);
    let refused = fill(&mut cluster, follower);
    assert_eq!(refused, Rejected::OutboxFull { waiting: 10, holdup: Some(Holdup::NoLeader) });
    assert_eq!(refused.to_string(), "10 commands wait already: no leader is known");
    cluster.kill(follower);
    cluster.restart(follower);
    assert_eq!(holdup(&cluster, follower), Some(Holdup::NoLeader));
    cluster.heal();
    cluster.run_for(SECOND * 3);
    assert_eq!((cluster.history().len(), holdup(&cluster, follower)), (10, None));
}

#[test]
fn a_leader_alone_says_so_until_it_leads_no_more() {
    let (mut cluster, leader, _) = settled(Config::default(), 2);
    cluster.cut(leader);
    cluster.write_at(leader, "x");
    cluster.run_until(SECOND, |cluster| holdup(cluster, leader) == Some(Holdup::NoMajority));
    cluster.run_until(SECOND * 2, |cluster| holdup(cluster, leader) == Some(Holdup::NoLeader));
    cluster.heal();
    cluster.run_until(SECOND * 5, |cluster| cluster.texts(leader) == ["x"]);
}

#[test]
fn a_leader_that_hears_its_author_but_no_majority_tells_it() {
    let mut cluster = Cluster::of(5).seed(3).conditions(Conditions::round_trip(ROUND_TRIP));
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND * 2);
    let author = 1 + leader % 5;
    for other in (1..=5).filter(|node| ![leader, author].contains(node)) {
        cluster.cut_between(leader, other);
    }
    cluster.run_for(Config::default().election_timeout_min + ROUND_TRIP);
    cluster.write_at(author, "x");
    cluster.run_until(SECOND, |cluster| holdup(cluster, author) == Some(Holdup::NoMajority));
}

#[test]
fn a_leader_that_is_heard_but_not_reached_does_not_answer() {
    let (mut cluster, leader, follower) = settled(Config::default(), 4);
    cluster.cut_one_way(follower, leader);
    cluster.write_at(follower, "x");
    cluster.run_until(SECOND * 2, |cluster| holdup(cluster, follower) == Some(Holdup::NoAnswer));
    cluster.heal();
    cluster.run_until(SECOND * 2, |cluster| cluster.texts(follower) == ["x"]);
}

#[test]
fn more_than_a_room_can_commit_waits_at_its_authors() {
    let (mut cluster, leader, follower) = settled(Config { uncommitted_bytes_max: 2_000, ..Config::default() }, 5);
    for place in 0..200 {
        cluster.write_at(leader, &format!("{place}"));
        cluster.write_at(follower, &format!("{place}"));
    }
    assert_eq!(holdup(&cluster, leader), Some(Holdup::Full));
    cluster.run_until(SECOND, |cluster| holdup(cluster, follower) == Some(Holdup::Full));
    cluster.run_until(SECOND * 60, Cluster::is_settled);
    assert_eq!(cluster.history().len(), 400);
    assert_eq!([holdup(&cluster, leader), holdup(&cluster, follower)], [None, None]);
}

#[test]
fn a_leader_that_hands_over_says_so_and_nothing_fails() {
    let (mut cluster, leader, follower) = settled(Config::default(), 6);
    // Its successor doesn't come: the hand-over lasts.
    cluster.cut_one_way(leader, follower);
    cluster.tell(leader, Input::Transfer { to: Some(NodeId(follower)) });
    cluster.write_at(leader, "x");
    assert_eq!(holdup(&cluster, leader), Some(Holdup::Transferring));
    let third = (1..=3).find(|node| ![leader, follower].contains(node)).expect("there are three");
    cluster.write_at(third, "y");
    cluster.run_until(SECOND, |cluster| holdup(cluster, third) == Some(Holdup::Transferring));
    cluster.heal();
    cluster.run_until(SECOND * 10, Cluster::is_settled);
    assert_eq!(cluster.history().len(), 2);
}

#[test]
fn who_is_no_member_any_more_is_told() {
    let mut cluster = Cluster::of(3).seed(7).config(Config { voters_max: 3, ..Config::default() });
    let leader = cluster.wait_for_leader();
    let guest = cluster.join(Permission::Editor);
    cluster.run_for(SECOND);
    // The removal is not committed, and the guest hears nothing of it.
    let others: Vec<u64> = (1..=3).filter(|node| *node != leader).collect();
    cluster.cut_one_way(others[0], leader);
    cluster.cut_one_way(others[1], leader);
    cluster.clog(leader, guest, ROUND_TRIP * 2);
    assert!(cluster.change(leader, |membership| {
        membership.members.remove(&NodeId(guest));
    }));
    cluster.write_at(guest, "x");
    let said = |cluster: &Cluster| matches!(holdup(cluster, guest), Some(Holdup::Forgotten | Holdup::NotMember));
    cluster.run_until(SECOND, said);
    cluster.heal();
    // Whoever was let go is let in again once it is linked anew.
    for voter in 1..=3 {
        cluster.disconnect(guest, voter);
        cluster.reconnect(guest, voter);
    }
    cluster.run_until(SECOND * 10, |cluster| cluster.texts(guest) == ["x"]);
}

#[test]
fn where_nobody_makes_snapshots_commands_wait_in_the_end() {
    let config = Config { makes_snapshots: true, mark_entries: 20, log_bytes_max: 20_000, ..Config::default() };
    let mut cluster = Cluster::of(3).seed(10).config(config);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    (1..=3).for_each(|node| cluster.doze(node));
    let author = 1 + leader % 3;
    for _ in 0..400 {
        cluster.write_at(author, "sleep");
    }
    cluster.run_for(SECOND);
    assert_eq!(holdup(&cluster, author), Some(Holdup::SnapshotMissing));
    assert!((1..=3).all(|node| matches!(fill(&mut cluster, node), Rejected::LogFull { .. })));
    (1..=3).for_each(|node| cluster.rouse(node));
    cluster.run_until(SECOND * 10, Cluster::is_settled);
    assert_eq!(cluster.history().len(), 400);
}

#[test]
fn a_command_too_large_is_refused_at_once() {
    let (cluster, leader, _) = settled(Config::default(), 8);
    let bytes = COMMAND_BYTES_MAX + 1;
    let refused = cluster.node(leader).clone().propose(Moment::ZERO, vec![0; bytes].into());
    assert_eq!(refused, Err(Rejected::TooLarge { bytes, limit: COMMAND_BYTES_MAX }));
}

#[test]
fn no_flood_fills_a_queue_beyond_its_limit() {
    // The cluster itself looks at every queue after every event.
    let config = Config {
        window_bytes: 20_000,
        forward_window_bytes: 20_000,
        uncommitted_bytes_max: 30_000,
        outbox_bytes_max: 200_000,
        ..Config::default()
    };
    let (mut cluster, _, _) = settled(config, 9);
    cluster.set_conditions(Conditions { loss_permille: 50, ..Conditions::round_trip(ROUND_TRIP) });
    for _ in 0..100 {
        for node in 1..=3 {
            cluster.write_at(node, &"x".repeat(1_000));
            cluster.read_at(node);
        }
        cluster.run_for(Duration::from_millis(5));
    }
    cluster.run_until(SECOND * 60, Cluster::is_settled);
    assert_eq!(cluster.history().len(), 300);
}
