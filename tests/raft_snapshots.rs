//! Where snapshots are made, what they hold, what is cut off, and who gets one.
#![cfg(feature = "playtest")]

#[path = "mutants/stories/mod.rs"]
mod stories;

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{
        Config, Durable, Effect, Input, LogIndex, Moment, Node, NodeId, Payload, Permission, Rejected,
        SNAPSHOT_BYTES_MAX, Trouble,
    },
};
use std::time::Duration;
use stories::rooms;

const SECOND: Duration = Duration::from_secs(1);

/// Marks every 20 entries, and keeps next to no tail.
fn often() -> Config {
    Config { makes_snapshots: true, mark_entries: 20, tail_bytes: 300, ..Config::default() }
}

fn rough() -> Conditions {
    Conditions {
        delay: Duration::from_millis(40),
        jitter: Duration::from_millis(60),
        loss_permille: 100,
        doubled_permille: 100,
    }
}

fn written(cluster: &mut Cluster, count: usize) {
    for place in 0..count {
        cluster.write(&place.to_string());
        cluster.run_for(Duration::from_millis(5));
    }
    cluster.run_for(SECOND);
}

/// Where the marks are in what is committed.
fn marks(cluster: &Cluster) -> Vec<LogIndex> {
    let marks = cluster.committed().iter().filter(|entry| entry.payload == Payload::Mark);
    marks.map(|entry| entry.index).collect()
}

/// A room of three in which one was down while the logs of the others were cut; which one.
fn one_behind(seed: u64, ballast: usize) -> (Cluster, u64) {
    let mut cluster = Cluster::of(3).seed(seed).config(often()).ballast(ballast);
    let leader = cluster.wait_for_leader();
    let late = 1 + leader % 3;
    cluster.kill(late);
    written(&mut cluster, 100);
    (cluster, late)
}

#[test]
fn a_snapshot_is_taken_exactly_between_two_commands() {
    let config = Config { makes_snapshots: true, mark_entries: 3, ..Config::default() };
    let mut node = Node::new(NodeId(1), config, 7, Durable::founding(NodeId(1), [0; 32]), Moment::ZERO);
    node.handle(Moment::ZERO, Input::Wake);
    let mut indexes = Vec::new();
    let mut snapshots = 0;
    for _ in 0..30 {
        node.propose(Moment::ZERO, "x".into()).expect("the outbox has room");
        while let Some(effect) = node.poll() {
            match effect {
                Effect::Persist { id, .. } => node.handle(Moment::ZERO, Input::Persisted(id)),
                Effect::Apply(batch) => indexes.extend(batch.applied().map(|applied| applied.index)),
                Effect::Snapshot { position } => {
                    assert_eq!(node.entry(position.index).map(|entry| &entry.payload), Some(&Payload::Mark));
                    indexes.push(position.index);
                    snapshots += 1;
                    node.handle(Moment::ZERO, Input::Snapshotted { index: position.index, state: "state".into() });
                }
                other => panic!("{other:?} is of no use here"),
            }
        }
    }
    assert!(indexes.is_sorted() && snapshots >= 5, "{indexes:?}");
}

#[test]
fn logs_are_cut_where_a_majority_agrees() {
    let mut cluster = Cluster::of(3).seed(1).config(often());
    cluster.wait_for_leader();
    written(&mut cluster, 200);
    for node in 1..=3 {
        assert!(cluster.log_start(node) > LogIndex(150), "{:?}", cluster.log_start(node));
        // The bytes are the same everywhere, and so is the rest.
        assert_eq!(cluster.snapshot(node), cluster.snapshot(1));
        assert_eq!(cluster.texts(node).len(), 200);
    }
}

#[test]
fn of_a_cut_log_a_tail_is_kept() {
    for (tail_bytes, kept) in [(0, 0..=0), (1_000, 5..=15)] {
        let (cluster, mark) = cut_with_a_tail(tail_bytes);
        let tail = mark.0 + 1 - cluster.log_start(1).0;
        assert!(kept.contains(&tail), "{tail} entries of at most {tail_bytes} bytes");
    }
    let (cluster, _) = cut_with_a_tail(1_000_000);
    assert_eq!(cluster.log_start(1), LogIndex(1), "all of it is less than that");
}

/// A room whose log was cut at a mark, but for a tail of so many bytes.
fn cut_with_a_tail(tail_bytes: usize) -> (Cluster, LogIndex) {
    let mut cluster = Cluster::of(3).seed(2).config(Config { tail_bytes, ..often() });
    cluster.wait_for_leader();
    written(&mut cluster, 150);
    let mark = cluster.snapshot(1).map_or(LogIndex(0), |snapshot| snapshot.position.index);
    assert!(mark > LogIndex(100), "a mark was agreed on: {mark}");
    (cluster, mark)
}

#[test]
fn a_mark_follows_only_when_the_last_one_is_agreed_on() {
    let mut cluster = Cluster::of(3).seed(3).config(often());
    cluster.wait_for_leader();
    (1..=3).for_each(|node| cluster.doze(node));
    written(&mut cluster, 200);
    assert_eq!(marks(&cluster).len(), 1);
    (1..=3).for_each(|node| cluster.rouse(node));
    cluster.run_for(SECOND);
    assert!(marks(&cluster).len() > 1);
}

#[test]
fn the_configuration_at_its_index_is_inside() {
    assert!(rooms::the_configuration_at_its_index_is_inside(None));
}

#[test]
fn a_configuration_survives_the_cut_and_a_restart() {
    let config = Config { tail_bytes: 0, ..often() };
    let mut cluster = Cluster::of(3).seed(4).config(config);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let learner = 1 + leader % 3;
    cluster.kill(learner);
    cluster.run_for(SECOND * 8);
    written(&mut cluster, 60);
    let membership = cluster.node(leader).membership().clone();
    assert_eq!(membership.learners().collect::<Vec<_>>(), [NodeId(learner)]);
    let others: Vec<u64> = cluster.numbers().filter(|node| *node != learner).collect();
    others.iter().for_each(|node| cluster.kill(*node));
    for node in &others {
        assert!(cluster.disk(*node).log.iter().all(|entry| !matches!(entry.payload, Payload::Membership(_))));
    }
    others.iter().for_each(|node| cluster.restart(*node));
    assert!(others.iter().all(|node| *cluster.node(*node).membership() == membership));
    cluster.wait_for_leader();
}

#[test]
fn a_restarted_node_begins_with_its_snapshot() {
    let mut cluster = Cluster::of(3).seed(5).config(often());
    let leader = cluster.wait_for_leader();
    written(&mut cluster, 150);
    cluster.kill(leader);
    cluster.restart(leader);
    assert_eq!(cluster.restores(), 1);
    let replayed = cluster.node(leader).commit().0 - cluster.log_start(leader).0;
    assert!(replayed < 50, "{replayed} entries");
    assert_eq!(cluster.texts(leader).len(), 150);
}

#[test]
fn a_follower_far_behind_installs_a_snapshot() {
    let (mut cluster, late) = one_behind(6, 200_000);
    cluster.restart(late);
    let took = cluster.run_until(SECOND * 10, Cluster::is_settled);
    assert_eq!((cluster.texts(late).len(), cluster.restores()), (100, 1));
    println!("200 kB in {took:?}");
    assert!(took < SECOND, "{took:?}");
}

#[test]
fn a_newcomer_gets_the_snapshot_and_then_a_vote() {
    let mut cluster = Cluster::open().seed(7).config(often()).ballast(100_000);
    cluster.wait_for_leader();
    written(&mut cluster, 100);
    let newcomer = cluster.join(Permission::Editor);
    cluster.run_until(SECOND * 10, |cluster| cluster.node(1).membership().is_voter(NodeId(newcomer)));
    cluster.run_until(SECOND * 5, Cluster::is_settled);
    assert_eq!((cluster.texts(newcomer).len(), cluster.restores()), (100, 1));
}

#[test]
fn loss_doubling_and_overtaking_stop_no_snapshot() {
    for seed in 0..10 {
        let (mut cluster, late) = one_behind(seed, 1_000_000);
        cluster.set_conditions(rough());
        cluster.restart(late);
        let took = cluster.run_until(SECOND * 60, Cluster::is_settled);
        assert_eq!((cluster.texts(late).len(), cluster.restores()), (100, 1));
        println!("1 MB in {took:?}");
        assert!(took < SECOND * 8, "{took:?}");
    }
}

#[test]
fn a_connection_that_breaks_again_and_again_delays_a_snapshot_and_no_more() {
    let (mut cluster, late) = one_behind(8, 20_000_000);
    let leader = cluster.wait_for_leader();
    cluster.set_conditions(Conditions::round_trip(Duration::from_millis(100)));
    cluster.restart(late);
    for _ in 0..3 {
        cluster.run_for(Duration::from_millis(500));
        assert_eq!(cluster.restores(), 0);
        cluster.cut_between(leader, late);
        cluster.run_for(Duration::from_millis(150));
        cluster.heal();
    }
    // What had come before the breaks had not to come again.
    let took = cluster.run_until(SECOND * 10, Cluster::is_settled);
    assert!(took < Duration::from_millis(3_700), "{took:?}");
}

#[test]
fn the_next_leader_goes_on_where_the_last_one_stopped() {
    for seed in 0..5 {
        let (mut cluster, late) = one_behind(seed, 6_000_000);
        let leader = cluster.wait_for_leader();
        cluster.set_conditions(Conditions::round_trip(Duration::from_millis(100)));
        cluster.restart(late);
        cluster.run_for(Duration::from_millis(1_200));
        assert_eq!(cluster.restores(), 0);
        cluster.kill(leader);
        cluster.run_until(SECOND * 30, |cluster| cluster.leader().is_some_and(|new| new != leader));
        let took = cluster.run_until(SECOND * 10, |cluster| cluster.restores() == 1);
        // From the beginning it takes more than a second.
        assert!(took < Duration::from_millis(900), "{took:?}");
    }
}

#[test]
fn a_transfer_that_takes_longer_than_the_next_marks_ends_all_the_same() {
    let (mut cluster, late) = one_behind(9, 8_000_000);
    cluster.set_conditions(Conditions::round_trip(Duration::from_millis(100)));
    cluster.restart(late);
    let before = marks(&cluster).len();
    let mut rounds = 0;
    while cluster.restores() == 0 {
        cluster.write("more");
        cluster.run_for(Duration::from_millis(10));
        rounds += 1;
        assert!(rounds < 1_000, "a newer snapshot takes the place of the old one for ever");
    }
    assert!(marks(&cluster).len() > before + 3, "{} marks", marks(&cluster).len() - before);
    cluster.run_until(SECOND * 5, Cluster::is_settled);
    // The log behind the snapshot was kept for it: it needed no second one.
    assert_eq!(cluster.restores(), 1);
}

#[test]
fn a_log_that_can_be_kept_no_longer_supersedes_a_transfer() {
    let config = Config { log_bytes_max: 20_000, mark_bytes: 5_000, ..often() };
    let mut cluster = Cluster::of(3).seed(10).config(config).ballast(3_000_000);
    let leader = cluster.wait_for_leader();
    let late = 1 + leader % 3;
    cluster.kill(late);
    written(&mut cluster, 100);
    cluster.set_conditions_between(leader, late, Conditions::round_trip(Duration::from_millis(800)));
    cluster.restart(late);
    let mut longest = 0;
    for _ in 0..300 {
        cluster.write(&"more".repeat(20));
        cluster.run_for(Duration::from_millis(10));
        longest = longest.max(cluster.disk(leader).log.len());
    }
    assert!(longest * 100 < 3 * 20_000, "{longest} entries");
    cluster.run_until(SECOND * 20, Cluster::is_settled);
}

#[test]
fn a_crash_at_any_moment_leaves_the_old_snapshot_or_the_new_one() {
    for moment in 0..120 {
        let mut cluster = Cluster::of(3).seed(moment).config(often()).disk_latency(Duration::from_millis(3));
        let leader = cluster.wait_for_leader();
        let late = 1 + leader % 3;
        for place in 0..18 {
            cluster.write(&place.to_string());
        }
        // Marks, agreements and cuts, and the disk of one node is torn out amidst them.
        cluster.write("and the mark");
        cluster.run_for(Duration::from_millis(moment));
        cluster.kill(late);
        written(&mut cluster, 40);
        cluster.restart(late);
        // The same while it installs.
        cluster.run_for(Duration::from_millis(moment % 60));
        cluster.kill(late);
        cluster.restart(late);
        cluster.run_until(SECOND * 10, Cluster::is_settled);
        assert_eq!(cluster.texts(late), cluster.texts(leader));
    }
}

#[test]
fn when_nobody_is_awake_to_make_a_snapshot_commands_are_refused_with_the_reason() {
    let config = Config { log_bytes_max: 10_000, mark_bytes: 2_000, ..often() };
    let mut cluster = Cluster::of(3).seed(11).config(config);
    let leader = cluster.wait_for_leader();
    // One who is awake is no majority.
    (1..=3).filter(|node| *node != leader).for_each(|node| cluster.doze(node));
    let now = |cluster: &Cluster| Moment(cluster.elapsed().as_nanos() as u64);
    let refused = (0..1_000).find_map(|_| {
        cluster.run_for(Duration::from_millis(20));
        let refused = cluster.node(leader).clone().propose(now(&cluster), "x".into()).err();
        if refused.is_none() {
            cluster.write_at(leader, "x");
        }
        refused
    });
    let Some(Rejected::LogFull { bytes }) = refused else { panic!("{refused:?}") };
    assert!((10_000..11_000).contains(&bytes), "{bytes}");
    cluster.run_for(SECOND);
    for node in 1..=3 {
        let said = cluster.node(node).clone().propose(now(&cluster), "x".into()).map_err(|refused| refused.to_string());
        assert!(said.as_ref().is_err_and(|said| said.contains("nobody is awake to make a snapshot")), "{said:?}");
        assert_eq!(cluster.node(node).status().trouble, Some(Trouble::Unmade));
    }
    // A second one wakes up: that is enough.
    cluster.rouse(1 + leader % 3);
    cluster.run_for(SECOND);
    assert_eq!(cluster.node(leader).status().trouble, None);
    cluster.write_at(leader, "y");
    cluster.run_until(SECOND * 5, Cluster::is_settled);
}

#[test]
fn what_was_forwarded_before_the_log_was_full_waits_and_is_not_lost() {
    let config = Config { log_bytes_max: 10_000, mark_bytes: 2_000, ..often() };
    let mut cluster = Cluster::of(3).seed(12).config(config);
    let leader = cluster.wait_for_leader();
    (1..=3).for_each(|node| cluster.doze(node));
    let author = 1 + leader % 3;
    for place in 0..300 {
        cluster.write_at(author, &place.to_string());
    }
    cluster.run_for(SECOND * 2);
    assert!(cluster.history().len() < 200 && cluster.node(author).waiting() > 100);
    (1..=3).for_each(|node| cluster.rouse(node));
    cluster.run_until(SECOND * 20, Cluster::is_settled);
    assert_eq!(cluster.history().len(), 300);
}

#[test]
fn a_state_that_is_too_large_is_refused_by_name() {
    let mut node = Node::new(
        NodeId(1),
        Config { makes_snapshots: true, mark_entries: 3, ..Config::default() },
        7,
        Durable::founding(NodeId(1), [0; 32]),
        Moment::ZERO,
    );
    node.handle(Moment::ZERO, Input::Wake);
    for _ in 0..5 {
        node.propose(Moment::ZERO, "x".into()).expect("the outbox has room");
        while let Some(effect) = node.poll() {
            match effect {
                Effect::Persist { id, write } => {
                    assert_eq!(write.snapshot, None);
                    node.handle(Moment::ZERO, Input::Persisted(id));
                }
                Effect::Snapshot { position } => {
                    let state = vec![0; SNAPSHOT_BYTES_MAX + 1].into();
                    node.handle(Moment::ZERO, Input::Snapshotted { index: position.index, state });
                }
                _ => {}
            }
        }
    }
    let trouble = node.status().trouble;
    assert_eq!(trouble, Some(Trouble::TooLarge { bytes: SNAPSHOT_BYTES_MAX + 1 }));
}

#[test]
fn a_diverged_follower_notices_says_so_and_is_repaired() {
    let mut cluster = Cluster::of(3).seed(13).config(often());
    let leader = cluster.wait_for_leader();
    let wrong = 1 + leader % 3;
    cluster.run_for(SECOND);
    cluster.corrupt(wrong);
    let mut said = false;
    for place in 0..100 {
        cluster.write(&place.to_string());
        cluster.run_for(Duration::from_millis(5));
        said |= cluster.node(wrong).status().trouble == Some(Trouble::Diverged);
    }
    assert!(said);
    cluster.run_until(SECOND * 5, Cluster::is_settled);
    assert_eq!(cluster.node(wrong).status().trouble, None);
    // Its state is the one of the others again, or the next mark would say otherwise.
    written(&mut cluster, 30);
    assert_eq!((cluster.restores(), cluster.node(wrong).status().trouble), (1, None));
    assert_eq!(cluster.snapshot(wrong), cluster.snapshot(leader));
}

#[test]
fn a_diverged_leader_hands_over() {
    let mut cluster = Cluster::of(3).seed(14).config(often());
    let wrong = cluster.wait_for_leader();
    cluster.run_for(SECOND * 6);
    cluster.corrupt(wrong);
    written(&mut cluster, 60);
    assert_ne!(cluster.leader(), Some(wrong));
    written(&mut cluster, 60);
    cluster.run_until(SECOND * 5, Cluster::is_settled);
    assert!((1..=3).all(|node| cluster.node(node).status().trouble.is_none()));
    assert_eq!(cluster.restores(), 1);
}

#[test]
fn where_no_snapshot_is_that_of_a_majority_the_leader_says_so() {
    let mut cluster = Cluster::of(2).seed(15).config(often());
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    cluster.corrupt(leader);
    written(&mut cluster, 60);
    assert_eq!(cluster.node(leader).status().trouble, Some(Trouble::Split));
    assert!((1..=2).all(|node| cluster.snapshot(node).is_none() && cluster.log_start(node) == LogIndex(1)));
}

#[test]
fn a_log_that_its_own_game_does_not_cut_is_cut_by_the_snapshot_of_others() {
    let config = Config { log_bytes_max: 10_000, mark_bytes: 2_000, ..often() };
    let mut cluster = Cluster::of(3).seed(16).config(config);
    let leader = cluster.wait_for_leader();
    let asleep = 1 + leader % 3;
    cluster.doze(asleep);
    written(&mut cluster, 400);
    assert!(cluster.log_start(asleep) > LogIndex(200), "{:?}", cluster.log_start(asleep));
    assert!(cluster.disk(asleep).log.len() < 250);
    // Its game goes on where it was: nothing was missed.
    assert_eq!((cluster.restores(), cluster.texts(asleep).len()), (0, 400));
}

#[test]
fn whoever_makes_no_snapshots_cuts_nothing_and_refuses_nothing() {
    let config = Config { makes_snapshots: false, log_bytes_max: 5_000, ..often() };
    let mut cluster = Cluster::of(3).seed(17).config(config);
    cluster.wait_for_leader();
    written(&mut cluster, 200);
    assert_eq!((cluster.snapshots(), marks(&cluster).len(), cluster.history().len()), (0, 0, 200));
    assert!((1..=3).all(|node| cluster.log_start(node) == LogIndex(1)));
}

#[test]
fn a_room_that_is_cut_goes_from_two_to_one_and_back() {
    let mut cluster = Cluster::open().seed(18).config(often());
    let other = cluster.join(Permission::Editor);
    cluster.run_until(SECOND * 10, |cluster| cluster.node(1).membership().is_voter(NodeId(other)));
    written(&mut cluster, 50);
    cluster.kill(other);
    cluster.run_for(SECOND * 5);
    written(&mut cluster, 100);
    assert_eq!(cluster.history().len(), 150);
    cluster.restart(other);
    cluster.run_until(SECOND * 10, |cluster| cluster.node(1).membership().is_voter(NodeId(other)));
    cluster.run_until(SECOND * 5, Cluster::is_settled);
}
