//! Who leads while others could: the better one, soon and without a fight, and anybody if there is nobody else.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Config, Input, NodeId, PRIORITY_DEFAULT},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn internet() -> Conditions {
    Conditions { loss_permille: 10, ..Conditions::round_trip(Duration::from_millis(50)) }
}

fn room(voters: u64, seed: u64) -> Cluster {
    Cluster::of(voters).seed(seed).conditions(internet())
}

fn prioritize(cluster: &mut Cluster, node: u64, priority: u8) {
    cluster.tell(node, Input::Priority(priority));
}

#[test]
fn a_leader_whose_priority_drops_hands_over_at_once_and_fails_nobody() {
    for seed in 0..20 {
        let mut cluster = room(3, seed);
        let leader = cluster.wait_for_leader();
        cluster.run_for(SECOND * 2);
        prioritize(&mut cluster, leader, 20);
        let author = 1 + leader % 3;
        cluster.write_at(author, "meanwhile");
        let took = cluster.run_until(SECOND, |cluster| cluster.leader().is_some_and(|new| new != leader));
        assert!(took <= Duration::from_millis(300), "{took:?}");
        cluster.run_for(SECOND * 20);
        assert_eq!((cluster.elections(), cluster.texts(author).len()), (2, 1));
        assert!(cluster.node(leader).membership().is_voter(NodeId(leader)), "it keeps its vote");
    }
}

#[test]
fn after_a_crash_the_better_one_leads() {
    for seed in 0..20 {
        let mut cluster = room(3, seed);
        let leader = cluster.wait_for_leader();
        let [worse, better] = [1 + leader % 3, 1 + (leader + 1) % 3];
        prioritize(&mut cluster, worse, 0);
        cluster.run_for(SECOND * 3);
        cluster.kill(leader);
        let new = cluster.wait_for_leader();
        cluster.run_for(SECOND * 20);
        assert_eq!((new, cluster.leader(), cluster.elections()), (better, Some(better), 2), "seed {seed}");
    }
}

#[test]
fn a_lone_low_priority_voter_leads_nevertheless() {
    let mut cluster = Cluster::open().seed(1);
    prioritize(&mut cluster, 1, 0);
    cluster.run_for(SECOND);
    cluster.write("alone");
    cluster.run_for(SECOND);
    assert_eq!((cluster.leader(), cluster.texts(1)), (Some(1), vec!["alone".to_owned()]));
}

#[test]
fn a_room_of_low_priorities_recovers_within_two_seconds() {
    let mut gaps = Vec::new();
    for seed in 0..100 {
        let mut cluster = room(3, seed);
        (1..=3).for_each(|node| prioritize(&mut cluster, node, 0));
        let leader = cluster.wait_for_leader();
        cluster.run_for(SECOND * 3);
        assert_eq!(cluster.elections(), 1, "nobody hands over to an equal");
        cluster.kill(leader);
        gaps.push(cluster.run_until(SECOND * 10, |cluster| cluster.leader().is_some()));
    }
    gaps.sort();
    assert!(gaps[95] <= SECOND * 2, "{:?}", gaps[95]);
}

#[test]
fn a_small_difference_moves_nobody() {
    let mut cluster = room(3, 2);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND * 2);
    prioritize(&mut cluster, leader, PRIORITY_DEFAULT - 9);
    cluster.run_for(SECOND * 60);
    assert_eq!((cluster.leader(), cluster.elections()), (Some(leader), 1));
    prioritize(&mut cluster, leader, PRIORITY_DEFAULT - 10);
    cluster.run_for(SECOND);
    assert_ne!(cluster.leader(), Some(leader));
}

#[test]
fn anything_is_better_than_a_leader_that_should_not_lead_at_all() {
    let mut cluster = room(3, 3);
    let leader = cluster.wait_for_leader();
    (1..=3).for_each(|node| prioritize(&mut cluster, node, 1));
    cluster.run_for(SECOND * 2);
    prioritize(&mut cluster, leader, 0);
    cluster.run_for(SECOND);
    assert_ne!(cluster.leader(), Some(leader));
}

#[test]
fn who_has_only_the_newest_log_leads_and_hands_over() {
    // One that should not lead holds a committed entry that the better one lacks.
    for seed in 0..20 {
        let mut cluster = room(3, seed);
        let leader = cluster.wait_for_leader();
        let [worse, better] = [1 + leader % 3, 1 + (leader + 1) % 3];
        prioritize(&mut cluster, worse, 0);
        cluster.run_for(SECOND * 3);
        cluster.cut(better);
        cluster.write_at(leader, "committed");
        cluster.run_until(SECOND, |cluster| cluster.texts(leader).len() == 1);
        cluster.kill(leader);
        cluster.heal();
        let new = cluster.wait_for_leader();
        assert_eq!(new, worse);
        cluster.run_for(SECOND * 3);
        assert_eq!((cluster.leader(), cluster.texts(better).len()), (Some(better), 1), "seed {seed}");
    }
}

#[test]
fn a_better_one_that_can_not_keep_the_office_is_not_given_it_again_and_again() {
    // It reaches the leader only: each hand-over ends with an election among the others, and they hand over to the leader.
    for seed in 0..5 {
        let nobody_loses_its_vote = Config { silence: SECOND * 100_000, ..Config::default() };
        let mut cluster = room(5, seed).config(nobody_loses_its_vote);
        let leader = cluster.wait_for_leader();
        let better = 1 + leader % 5;
        cluster.run_for(SECOND * 3);
        for other in cluster.numbers().filter(|other| *other != leader && *other != better) {
            cluster.cut_between(better, other);
        }
        for node in cluster.numbers().filter(|node| *node != better) {
            prioritize(&mut cluster, node, if node == leader { 80 } else { 50 });
        }
        cluster.run_for(SECOND * 300);
        assert!(cluster.elections() < 20, "seed {seed}: {} leaders within five minutes", cluster.elections());
        cluster.heal();
        cluster.run_for(SECOND * 300);
        assert_eq!(cluster.leader(), Some(better), "seed {seed}");
    }
}

#[test]
fn any_mix_of_priorities_elects_somebody_and_settles_on_the_best() {
    for seed in 0..100 {
        let voters = 2 + seed % 4;
        let mut cluster = room(voters, seed);
        let mut priorities = Vec::new();
        for node in 1..=voters {
            let priority = [0, 1, 50, 100, 255][cluster.roll(5) as usize];
            prioritize(&mut cluster, node, priority);
            priorities.push(priority);
        }
        cluster.run_until(SECOND * 10, |cluster| cluster.leader().is_some());
        cluster.run_for(SECOND * 60);
        let leader = cluster.leader().expect("all are there");
        let own = priorities[leader as usize - 1];
        let best = priorities.iter().max().copied().unwrap_or_default();
        assert!(best - own < 10, "seed {seed}: {leader} leads among {priorities:?}");
        let before = cluster.elections();
        cluster.write("still works");
        cluster.run_for(SECOND * 60);
        assert_eq!((cluster.elections(), cluster.history().len()), (before, 1), "seed {seed}");
    }
}

#[test]
fn priorities_that_change_all_the_time_stop_nobody() {
    for seed in 0..20 {
        let mut cluster = room(3, seed);
        cluster.wait_for_leader();
        let mut written = 0;
        while cluster.elapsed() < SECOND * 120 {
            let (node, priority) = (1 + cluster.roll(3), cluster.roll(256) as u8);
            prioritize(&mut cluster, node, priority);
            cluster.write_at(node, "on we go");
            written += 1;
            cluster.run_for(Duration::from_millis(300));
        }
        assert!(cluster.elections() < 40, "{} leaders", cluster.elections());
        cluster.run_until(SECOND * 10, Cluster::is_settled);
        assert_eq!(cluster.history().len(), written);
    }
}
