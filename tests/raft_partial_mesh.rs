//! Peers that can't all reach one another: a leader that reaches a majority is found and kept, and nobody who reaches less
//! disturbs it.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Config, Input, NodeId, RoleKind},
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const SEEDS: u64 = 2;

fn internet() -> Conditions {
    Conditions { loss_permille: 10, ..Conditions::round_trip(Duration::from_millis(50)) }
}

/// Nobody loses its vote; with the settings as shipped who is silent does after a few seconds.
fn patient() -> Config {
    Config { silence: SECOND * 100_000, ..Config::default() }
}

/// A room of so many in which this node leads, and everybody reaches everybody.
fn led_by(leader: u64, voters: u64, seed: u64, config: Config) -> Cluster {
    let mut cluster = Cluster::of(voters).seed(seed).config(config).conditions(internet());
    let first = cluster.wait_for_leader();
    cluster.run_for(SECOND * 2);
    if first != leader {
        cluster.tell(first, Input::Transfer { to: Some(NodeId(leader)) });
        cluster.run_for(SECOND * 2);
    }
    assert_eq!(cluster.leader(), Some(leader));
    cluster
}

/// Leaves only these links.
fn leave_only(cluster: &mut Cluster, links: &[(u64, u64)]) {
    for a in cluster.numbers() {
        for b in cluster.numbers().filter(|b| *b > a) {
            if !links.contains(&(a, b)) && !links.contains(&(b, a)) {
                cluster.cut_between(a, b);
            }
        }
    }
}

/// What is committed anew, by anybody's leave, within so long.
fn is_served(cluster: &mut Cluster, within: Duration) -> bool {
    let end = cluster.elapsed() + within;
    let before = cluster.history().len();
    while cluster.elapsed() < end {
        if let Some(leader) = cluster.leader() {
            cluster.write_at(leader, "on we go");
        }
        cluster.run_for(Duration::from_millis(100));
        if cluster.history().len() > before {
            return true;
        }
    }
    false
}

/// With only these links: somebody serves soon, the office changes hands `changes` times at most within minutes, and
/// everybody is in again after the links are mended.
fn serves_and_is_kept(voters: u64, links: &[(u64, u64)], changes: usize) {
    for leader in 1..=voters {
        for seed in 0..SEEDS {
            for config in [Config::default(), patient()] {
                let mut cluster = led_by(leader, voters, seed, config);
                let before = cluster.elections();
                leave_only(&mut cluster, links);
                assert!(is_served(&mut cluster, SECOND * 5), "led by {leader}, seed {seed}");
                for _ in 0..12 {
                    cluster.run_for(SECOND * 15);
                    assert!(is_served(&mut cluster, SECOND), "led by {leader}, seed {seed}");
                }
                let new = cluster.elections() - before;
                assert!(new <= changes, "led by {leader}, seed {seed}: {new} changes");
                cluster.heal();
                cluster.run_until(SECOND * 20, Cluster::is_settled);
                let all_vote = |cluster: &Cluster| cluster.node(1).membership().voters().count() as u64 == voters;
                cluster.run_until(SECOND * 20, all_vote);
                assert!(cluster.elections() - before <= changes, "nor does anybody who comes back change it");
            }
        }
    }
}

/// The chained scenario of OmniPaxos, in which each end takes the other's leader for dead.
#[test]
fn a_chain_of_three() {
    serves_and_is_kept(3, &[(1, 2), (2, 3)], 0);
}

#[test]
fn a_chain_of_five() {
    serves_and_is_kept(5, &[(1, 2), (2, 3), (3, 4), (4, 5)], 1);
}

#[test]
fn a_ring_of_five() {
    serves_and_is_kept(5, &[(1, 2), (2, 3), (3, 4), (4, 5), (5, 1)], 0);
}

#[test]
fn a_star_of_five() {
    serves_and_is_kept(5, &[(1, 2), (1, 3), (1, 4), (1, 5)], 1);
}

#[test]
fn two_groups_and_a_bridge_between_them() {
    serves_and_is_kept(5, &[(1, 2), (1, 3), (2, 3), (3, 4), (3, 5), (4, 5)], 0);
}

/// openraft #2080: the leader reaches only one node of a group that is whole without it.
#[test]
fn a_leader_behind_a_bridge() {
    serves_and_is_kept(4, &[(1, 2), (2, 3), (2, 4), (3, 4)], 1);
    serves_and_is_kept(5, &[(1, 2), (2, 3), (2, 4), (2, 5), (3, 4), (3, 5), (4, 5)], 1);
}

/// The quorum-loss scenario of OmniPaxos: all lose all but one, which the leader is not.
#[test]
fn only_one_is_left_that_reaches_a_majority() {
    for seed in 0..SEEDS {
        for (leader, hub) in [(1, 2), (3, 5)] {
            let mut cluster = led_by(leader, 5, seed, patient());
            let links: Vec<_> = (1..=5).filter(|node| *node != hub).map(|node| (hub, node)).collect();
            leave_only(&mut cluster, &links);
            let took = cluster.run_until(SECOND * 10, |cluster| cluster.node(hub).role_kind() == RoleKind::Leader);
            assert!(took < SECOND * 4, "{took:?}");
            assert!(is_served(&mut cluster, SECOND));
        }
    }
}

/// Its heartbeats arrive, so that nobody asks for another leader; but it hears no answer.
#[test]
fn a_leader_that_hears_nobody_is_replaced_and_disturbs_nobody() {
    for seed in 0..SEEDS {
        let mut cluster = led_by(1, 3, seed, patient());
        let before = cluster.elections();
        cluster.cut_one_way(2, 1);
        cluster.cut_one_way(3, 1);
        assert!(is_served(&mut cluster, SECOND * 5), "seed {seed}");
        let (leader, elections) = (cluster.leader(), cluster.elections());
        assert_eq!(elections, before + 1);
        cluster.run_for(SECOND * 300);
        assert_eq!((cluster.leader(), cluster.elections()), (leader, elections));
        assert!(is_served(&mut cluster, SECOND));
    }
}

/// It hears everybody, but nobody hears it.
#[test]
fn a_leader_that_nobody_hears_is_replaced_and_finds_out() {
    for seed in 0..SEEDS {
        let mut cluster = led_by(1, 3, seed, patient());
        cluster.cut_one_way(1, 2);
        cluster.cut_one_way(1, 3);
        assert!(is_served(&mut cluster, SECOND * 5), "seed {seed}");
        let elections = cluster.elections();
        cluster.run_for(SECOND * 300);
        assert_eq!(cluster.elections(), elections);
        assert_eq!(cluster.node(1).leader().map(|id| id.0), cluster.leader(), "it follows, unheard");
    }
}

/// Every link works in one direction only: round and round.
#[test]
fn a_room_in_which_nobody_is_answered_directly_waits_and_recovers() {
    for seed in 0..SEEDS {
        let mut cluster = led_by(1, 3, seed, patient());
        for (from, to) in [(2, 1), (3, 2), (1, 3)] {
            cluster.cut_one_way(from, to);
        }
        cluster.run_for(SECOND * 60);
        assert_eq!(cluster.leader(), None, "no majority can answer anybody");
        let term = cluster.numbers().map(|node| cluster.node(node).term()).max();
        cluster.run_for(SECOND * 60);
        assert_eq!(cluster.numbers().map(|node| cluster.node(node).term()).max(), term, "and no term is wasted");
        cluster.heal();
        assert!(is_served(&mut cluster, SECOND * 5), "seed {seed}");
    }
}

#[test]
fn a_follower_that_hears_everybody_but_the_leader_waits_and_disturbs_nobody() {
    for seed in 0..SEEDS {
        let mut cluster = led_by(1, 5, seed, patient());
        cluster.cut_one_way(1, 5);
        let elections = cluster.elections();
        cluster.run_for(SECOND * 300);
        assert_eq!((cluster.leader(), cluster.elections()), (Some(1), elections));
        assert_eq!(cluster.node(5).term(), cluster.node(1).term());
    }
}

/// Links that come and go at random, but so that somebody always reaches a majority: the hub, or everybody.
#[test]
fn shaky_links_around_a_hub_cost_few_elections() {
    for seed in 0..SEEDS {
        let mut cluster = led_by(1, 5, seed, patient());
        let before = cluster.elections();
        for _ in 0..300 {
            let (a, b) = (2 + cluster.roll(4), 2 + cluster.roll(4));
            if cluster.roll(3) == 0 {
                cluster.heal();
            } else if a != b {
                cluster.cut_between(a, b);
            }
            cluster.run_for(SECOND);
            assert!(is_served(&mut cluster, SECOND));
        }
        assert_eq!((cluster.leader(), cluster.elections() - before), (Some(1), 0), "seed {seed}");
    }
}

/// A room of five in which 1 has missed what the others committed under 3. Then only 1 is reached by all, and 3 by nobody.
fn constrained(seed: u64, missed: usize, config: Config) -> Cluster {
    let mut cluster = led_by(3, 5, seed, config);
    cluster.cut(1);
    for place in 0..missed {
        cluster.write_at(3, &place.to_string());
        cluster.run_for(Duration::from_millis(1));
    }
    cluster.run_until(SECOND * 5, |cluster| [2, 4, 5].iter().all(|node| cluster.texts(*node).len() == missed));
    cluster.heal();
    leave_only(&mut cluster, &[(1, 2), (1, 4), (1, 5)]);
    cluster
}

/// The constrained election of OmniPaxos: whoever could be elected reaches too few, and the only one that reaches a majority
/// has an old log. It takes what it lacks from a voter before it asks for its vote.
#[test]
fn the_only_one_that_reaches_a_majority_catches_up_with_its_voters_and_leads() {
    for seed in 0..SEEDS {
        for missed in [1, 500] {
            let mut cluster = constrained(seed, missed, patient());
            let took = cluster.run_until(SECOND * 20, |cluster| cluster.node(1).role_kind() == RoleKind::Leader);
            assert!(took < SECOND * 6, "{took:?}");
            assert!(is_served(&mut cluster, SECOND * 2));
            assert_eq!(cluster.texts(1)[..missed], cluster.texts(2)[..missed]);
            let elections = cluster.elections();
            cluster.run_for(SECOND * 300);
            assert_eq!((cluster.leader(), cluster.elections()), (Some(1), elections));
            cluster.heal();
            cluster.run_until(SECOND * 20, Cluster::is_settled);
        }
    }
}

/// Its own log has a tail that nobody else knows of, and gives way.
#[test]
fn what_nobody_else_has_gives_way_to_what_a_majority_may_have() {
    for seed in 0..SEEDS {
        let mut cluster = led_by(1, 5, seed, patient());
        cluster.cut(1);
        for _ in 0..20 {
            cluster.write_at(1, "of 1 alone");
        }
        cluster.run_for(SECOND * 5);
        let new = cluster.leader().expect("four are a majority");
        assert_ne!(new, 1);
        cluster.write_at(new, "committed");
        cluster.run_for(SECOND);
        cluster.heal();
        let others: Vec<_> = (2..=5).filter(|node| *node != new).map(|node| (1, node)).collect();
        leave_only(&mut cluster, &others);
        cluster.run_until(SECOND * 20, |cluster| cluster.node(1).role_kind() == RoleKind::Leader);
        cluster.heal();
        cluster.run_until(SECOND * 20, Cluster::is_settled);
        assert_eq!(cluster.texts(1)[0], "committed");
        assert_eq!(cluster.texts(1).len(), 21, "and is proposed again");
    }
}

/// Every few seconds other links, and now and then a crash: nothing committed is lost, and a whole room works again.
#[test]
fn meshes_that_change_at_random_lose_nothing() {
    let wished = std::env::var("RAFT_SEEDS").ok().and_then(|count| count.parse().ok());
    for seed in 0..wished.unwrap_or(16) {
        let latency = Duration::from_millis(seed % 3 * 5);
        // Every second room cuts its logs, so that not everything can be lent.
        let config = Config { makes_snapshots: seed % 2 == 1, mark_entries: 20, tail_bytes: 300, ..Config::default() };
        let mut cluster = Cluster::of(5).seed(seed).config(config).conditions(internet()).disk_latency(latency);
        let mut written = 0;
        while cluster.elapsed() < SECOND * 180 {
            cluster.heal();
            for a in 1..=5 {
                for b in a + 1..=5 {
                    match cluster.roll(8) {
                        0..=3 => cluster.cut_between(a, b),
                        4 => cluster.cut_one_way(a, b),
                        _ => {}
                    }
                }
            }
            for _ in 0..cluster.roll(12) {
                let node = 1 + cluster.roll(5);
                match cluster.roll(12) {
                    0 if cluster.is_running(node) => cluster.kill(node),
                    _ if !cluster.is_running(node) => cluster.restart(node),
                    _ => {
                        cluster.write_at(node, "work");
                        written += 1;
                    }
                }
                let pause = cluster.roll(800);
                cluster.run_for(Duration::from_millis(pause));
            }
        }
        cluster.heal();
        for node in 1..=5 {
            if !cluster.is_running(node) {
                cluster.restart(node);
            }
        }
        cluster.run_until(SECOND * 60, Cluster::is_settled);
        assert!(cluster.history().len() <= written);
    }
}
