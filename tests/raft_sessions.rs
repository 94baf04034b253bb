//! Sessions: a membership is one, it is forgotten by log time, and every proposal comes to an end once (§6.3).
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::Cluster,
    raft::{Config, Input, LogIndex, NodeId, Permission, RECENT_MAX, Refusal, Serial},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// Five vote; whoever comes then only learns.
const LEARNER: u64 = 6;

fn forgetful() -> Config {
    Config { session_idle: SECOND * 10, ..Config::default() }
}

/// Five voters, and a learner that has written once.
fn with_learner(seed: u64) -> Cluster {
    let mut cluster = Cluster::of(5).seed(seed).config(forgetful());
    cluster.wait_for_leader();
    assert_eq!(cluster.join(Permission::Editor), LEARNER);
    cluster.run_for(SECOND);
    cluster.write_at(LEARNER, "hello");
    cluster.run_for(SECOND);
    assert_eq!(cluster.texts(LEARNER), ["hello"]);
    cluster
}

/// The session of a node, as another knows it.
fn session(cluster: &Cluster, node: u64) -> Option<LogIndex> {
    let observer = cluster.leader().expect("somebody leads");
    cluster.node(observer).membership().members.get(&NodeId(node)).map(|member| member.session)
}

/// Cuts the learner off, all its links too, until the room has forgotten it.
fn lose_learner(cluster: &mut Cluster) {
    cluster.cut(LEARNER);
    (1..=5).for_each(|voter| cluster.disconnect(LEARNER, voter));
    cluster.run_until(SECOND * 20, |cluster| session(cluster, LEARNER).is_none());
    cluster.run_for(SECOND);
}

fn find_learner(cluster: &mut Cluster) {
    cluster.heal();
    (1..=5).for_each(|voter| cluster.reconnect(LEARNER, voter));
    cluster.run_for(SECOND * 3);
}

#[test]
fn a_session_is_named_by_the_entry_that_let_its_member_in() {
    let mut cluster = Cluster::open();
    cluster.run_for(SECOND);
    assert_eq!(session(&cluster, 1), Some(LogIndex(1)));
    for _ in 0..3 {
        let newcomer = cluster.join(Permission::Editor);
        cluster.run_for(SECOND * 2);
        let session = session(&cluster, newcomer).expect("it was let in");
        let before = cluster.node(1).membership_at(LogIndex(session.0 - 1));
        assert!(!before.members.contains_key(&NodeId(newcomer)));
        assert!(cluster.node(1).membership_at(session).members.contains_key(&NodeId(newcomer)));
        assert_eq!(cluster.disk(newcomer).session, Some(session));
    }
}

#[test]
fn what_was_proposed_before_a_node_is_let_in_is_not_lost() {
    for latency in [0, 3, 60] {
        let mut cluster = Cluster::of(3).seed(1).disk_latency(Duration::from_millis(latency));
        cluster.wait_for_leader();
        let newcomer = cluster.join(Permission::Editor);
        for place in 0..3 {
            cluster.write_at(newcomer, &place.to_string());
        }
        cluster.run_for(SECOND * 5);
        assert_eq!(cluster.texts(1), ["0", "1", "2"]);
        assert!(cluster.settled(newcomer).is_empty());
    }
}

#[test]
fn who_was_forgotten_goes_on_with_all_that_waits() {
    for seed in 0..10 {
        let mut cluster = with_learner(seed);
        let before = session(&cluster, LEARNER);
        // As far as its author can tell the leader may have this one, but never the other.
        cluster.cut(LEARNER);
        cluster.write_at(LEARNER, "told");
        lose_learner(&mut cluster);
        cluster.write_at(LEARNER, "offline");
        find_learner(&mut cluster);
        assert!(session(&cluster, LEARNER) > before);
        assert!(cluster.settled(LEARNER).is_empty());
        let serial = cluster.write_at(LEARNER, "again");
        cluster.run_for(SECOND);
        assert_eq!((serial, cluster.node(LEARNER).waiting()), (Serial(4), 0));
        for node in [1, LEARNER] {
            assert_eq!(cluster.texts(node), ["hello", "told", "offline", "again"]);
        }
    }
}

#[test]
fn what_was_decided_before_its_author_was_forgotten_is_not_done_again() {
    for seed in 0..10 {
        let mut cluster = with_learner(seed);
        // It gets there, but no word of it comes back.
        (1..=5).for_each(|voter| cluster.cut_one_way(voter, LEARNER));
        cluster.write_at(LEARNER, "told");
        cluster.run_for(SECOND);
        assert_eq!((cluster.texts(1).len(), cluster.node(LEARNER).waiting()), (2, 1));
        lose_learner(&mut cluster);
        find_learner(&mut cluster);
        assert_eq!((cluster.texts(1).len(), cluster.node(LEARNER).waiting()), (2, 0));
        assert!(cluster.settled(LEARNER).is_empty());
    }
}

#[test]
fn a_restart_in_the_next_session_does_nothing_anew() {
    for forgotten_while_it_runs in [true, false] {
        let mut cluster = with_learner(2);
        cluster.cut(LEARNER);
        cluster.write_at(LEARNER, "waits");
        if forgotten_while_it_runs {
            lose_learner(&mut cluster);
            find_learner(&mut cluster);
            cluster.kill(LEARNER);
        } else {
            cluster.kill(LEARNER);
            lose_learner(&mut cluster);
        }
        cluster.restart(LEARNER);
        find_learner(&mut cluster);
        let serial = cluster.write_at(LEARNER, "again");
        cluster.run_for(SECOND * 2);
        assert_eq!(cluster.texts(LEARNER), ["hello", "waits", "again"]);
        assert_eq!((serial, cluster.node(LEARNER).waiting()), (Serial(3), 0));
        assert_eq!(cluster.disk(LEARNER).session, session(&cluster, LEARNER));
    }
}

/// The same, in a room that cuts its logs all the time.
fn with_learner_and_snapshots(seed: u64) -> Cluster {
    let config = Config { makes_snapshots: true, mark_entries: 20, tail_bytes: 300, ..forgetful() };
    let mut cluster = Cluster::of(5).seed(seed).config(config);
    cluster.wait_for_leader();
    cluster.join(Permission::Editor);
    cluster.run_for(SECOND);
    cluster.write_at(LEARNER, "hello");
    cluster.run_for(SECOND);
    cluster
}

/// Writes until what went before is cut off.
fn cut_logs(cluster: &mut Cluster) {
    for _ in 0..100 {
        cluster.write("on and on");
        cluster.run_for(Duration::from_millis(5));
    }
    cluster.run_for(SECOND);
}

#[test]
fn what_a_snapshot_decided_its_author_still_learns() {
    for seed in 0..10 {
        let mut cluster = with_learner_and_snapshots(seed);
        (1..=5).for_each(|voter| cluster.cut_one_way(voter, LEARNER));
        let serials: Vec<_> = (0..RECENT_MAX + 3).map(|place| cluster.write_at(LEARNER, &place.to_string())).collect();
        cluster.run_for(SECOND);
        assert_eq!(cluster.node(LEARNER).waiting(), serials.len());
        // A snapshot that was begun to be sent to it is given up after a while.
        cluster.kill(LEARNER);
        cluster.run_for(SECOND * 4);
        cut_logs(&mut cluster);
        cluster.heal();
        cluster.restart(LEARNER);
        let later = cluster.write_at(LEARNER, "later");
        cluster.run_until(SECOND * 5, Cluster::is_settled);
        assert!(cluster.restores() > 0, "it got a snapshot");
        // The cluster checks that what is said of each is true. Of the oldest nobody remembers where they are.
        let settled = cluster.settled(LEARNER);
        assert_eq!(settled.keys().copied().collect::<Vec<_>>(), serials);
        assert_eq!(
            settled.values().map(Option::is_some).collect::<Vec<_>>(),
            [vec![false; 3], vec![true; RECENT_MAX]].concat()
        );
        let last = cluster.history().last().map(|applied| applied.command.serial);
        assert_eq!((last, cluster.node(LEARNER).waiting()), (Some(later), 0));
    }
}

#[test]
fn a_refusal_that_a_snapshot_decided_its_author_still_learns() {
    let mut cluster = with_learner_and_snapshots(1);
    let viewer = cluster.join(Permission::Viewer);
    cluster.run_for(SECOND);
    (1..=LEARNER).for_each(|other| cluster.cut_one_way(other, viewer));
    let serial = cluster.write_at(viewer, "let me");
    cluster.run_for(SECOND);
    cluster.cut(viewer);
    cut_logs(&mut cluster);
    cluster.heal();
    cluster.run_until(SECOND * 5, Cluster::is_settled);
    let refusal = cluster.settled(viewer).get(&serial).copied().flatten().and_then(|decision| decision.refusal);
    assert_eq!(refusal, Some(Refusal::NotPermitted));
}

#[test]
fn who_was_forgotten_and_missed_the_end_of_its_session_hears_that_nobody_knows() {
    for seed in 0..10 {
        let mut cluster = with_learner_and_snapshots(seed);
        // One is decided, but no word of it comes back; the other never gets there.
        (1..=5).for_each(|voter| cluster.cut_one_way(voter, LEARNER));
        let decided = cluster.write_at(LEARNER, "decided");
        cluster.run_for(SECOND);
        cluster.cut(LEARNER);
        let lost = cluster.write_at(LEARNER, "lost");
        lose_learner(&mut cluster);
        cut_logs(&mut cluster);
        let restart = seed % 2 == 0;
        if restart {
            cluster.kill(LEARNER);
            cluster.restart(LEARNER);
        }
        find_learner(&mut cluster);
        assert!(cluster.restores() > 0, "it got a snapshot");
        assert_eq!(cluster.settled(LEARNER), &[(decided, None), (lost, None)].into());
        assert_eq!(cluster.disk(LEARNER).outbox.len(), 0);
        let next = cluster.write_at(LEARNER, "again");
        cluster.run_until(SECOND * 5, Cluster::is_settled);
        let own = cluster.history().iter().filter(|applied| applied.command.author == NodeId(LEARNER));
        assert_eq!(own.map(|applied| applied.command.serial).collect::<Vec<_>>(), [Serial(1), decided, next]);
        // It is not told again.
        cluster.kill(LEARNER);
        cluster.restart(LEARNER);
        cluster.run_until(SECOND * 5, Cluster::is_settled);
        assert!(cluster.settled(LEARNER).is_empty());
    }
}

#[test]
fn who_is_there_votes_or_owns_is_never_forgotten() {
    let mut cluster = Cluster::open().config(forgetful());
    cluster.run_for(SECOND);
    for _ in 0..6 {
        cluster.join(Permission::Editor);
        cluster.run_for(SECOND * 3);
    }
    assert!(!cluster.node(1).membership().is_voter(NodeId(7)));
    let owner = cluster.join(Permission::Owner);
    cluster.run_for(SECOND * 2);
    let sessions = |cluster: &Cluster| (1..=owner).map(|node| session(cluster, node)).collect::<Vec<_>>();
    let before = sessions(&cluster);
    for node in [1, owner] {
        cluster.kill(node);
        (1..=owner).filter(|other| *other != node).for_each(|other| cluster.disconnect(node, other));
    }
    // The owners are away, everybody else watches and says nothing.
    cluster.run_for(SECOND * 60);
    assert_eq!(sessions(&cluster), before);
    // An editor that is away is one learner among others, whether it voted before or not.
    let voter = (2..=5).find(|node| cluster.leader() != Some(*node)).expect("one follows");
    cluster.kill(voter);
    (1..=owner).filter(|other| *other != voter).for_each(|other| cluster.disconnect(voter, other));
    cluster.run_for(SECOND * 30);
    assert_eq!(session(&cluster, voter), None);
}

#[test]
fn who_is_away_for_a_short_time_is_not_forgotten() {
    let mut cluster = with_learner(7);
    let before = session(&cluster, LEARNER);
    cluster.cut(LEARNER);
    (1..=5).for_each(|voter| cluster.disconnect(LEARNER, voter));
    cluster.run_for(Config::default().silence + SECOND * 3);
    assert_eq!(session(&cluster, LEARNER), before);
}

#[test]
fn time_without_a_leader_forgets_nobody() {
    let mut cluster = with_learner(5);
    let before = session(&cluster, LEARNER);
    cluster.cut(LEARNER);
    (1..=5).for_each(|node| cluster.cut(node));
    cluster.run_for(SECOND * 600);
    find_learner(&mut cluster);
    assert_eq!(session(&cluster, LEARNER), before);
}

#[test]
fn log_time_goes_on_from_one_leader_to_the_next() {
    let mut cluster = with_learner(6);
    cluster.cut(LEARNER);
    (1..=5).for_each(|voter| cluster.disconnect(LEARNER, voter));
    // No leader lives for as long as it takes to forget somebody.
    for _ in 0..4 {
        cluster.run_for(SECOND * 4);
        let leader = cluster.wait_for_leader();
        cluster.write("tick");
        cluster.run_for(SECOND / 10);
        cluster.kill(leader);
        cluster.run_for(SECOND * 3);
        cluster.restart(leader);
        cluster.tell(leader, Input::Unlinked(NodeId(LEARNER)));
    }
    cluster.wait_for_leader();
    cluster.run_for(SECOND * 6);
    assert_eq!(session(&cluster, LEARNER), None);
}

#[test]
fn a_removal_that_never_commits_costs_nothing() {
    for seed in 0..20 {
        let mut cluster = with_learner(seed);
        let before = session(&cluster, LEARNER);
        let former = cluster.leader().expect("it has one");
        for voter in (1..=5).filter(|voter| *voter != former) {
            cluster.cut_between(former, voter);
            cluster.cut_between(LEARNER, voter);
        }
        // Only the learner hears of its removal, and that its session is unknown.
        assert!(cluster.change(former, |membership| {
            membership.members.remove(&NodeId(LEARNER));
        }));
        cluster.write_at(LEARNER, "mine");
        cluster.run_for(SECOND * 3);
        cluster.heal();
        cluster.run_for(SECOND * 5);
        assert_eq!(session(&cluster, LEARNER), before);
        assert!(cluster.settled(LEARNER).is_empty());
        assert_eq!(cluster.texts(LEARNER), ["hello", "mine"]);
    }
}
