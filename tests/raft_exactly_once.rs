//! Each command once and in its author's order, whatever happens in between.
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Permission, Refusal},
};
use std::{collections::BTreeMap, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

fn rough() -> Conditions {
    Conditions {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(30),
        loss_permille: 100,
        doubled_permille: 50,
    }
}

/// The texts each node proposed, as far as its disk took them in, must be the texts it has in the history.
#[test]
fn every_command_counts_once_through_crashes_and_new_leaders() {
    for seed in 0..100 {
        let mut cluster = Cluster::of(3).seed(seed).conditions(rough()).disk_latency(Duration::from_millis(3));
        cluster.wait_for_leader();
        let mut proposed: BTreeMap<(u64, u64), String> = BTreeMap::new();
        for round in 0..120 {
            let node = 1 + cluster.roll(3);
            if cluster.is_running(node) {
                let text = format!("{node}: {round}");
                let serial = cluster.write_at(node, &text);
                // A number may come again only if a crash took the command before anybody heard of it.
                proposed.insert((node, serial.0), text);
            }
            if round % 30 == 20 {
                let victim = if seed % 2 == 0 { cluster.leader().unwrap_or(1) } else { 1 + cluster.roll(3) };
                if cluster.is_running(victim) {
                    cluster.kill(victim);
                }
            }
            if round % 30 == 28 {
                for node in cluster.numbers().filter(|node| !cluster.is_running(*node)).collect::<Vec<_>>() {
                    cluster.restart(node);
                }
            }
            let pause = 10 + cluster.roll(80);
            cluster.run_for(Duration::from_millis(pause));
        }
        cluster.run_until(SECOND * 60, Cluster::is_settled);
        for applied in cluster.history() {
            let key = (applied.command.author.0, applied.command.serial.0);
            assert_eq!(proposed[&key].as_bytes(), &applied.command.body[..]);
        }
        for node in 1..=3 {
            let own = cluster.history().iter().filter(|applied| applied.command.author.0 == node).count() as u64;
            assert_eq!(own, cluster.disk(node).last_serial.0, "all that node {node} took in is there");
        }
    }
}

#[test]
fn a_command_waits_through_a_restart_and_settles_once() {
    let mut cluster = Cluster::of(3).seed(1);
    let leader = cluster.wait_for_leader();
    cluster.run_for(SECOND);
    let author = 1 + leader % 3;
    cluster.cut(author);
    cluster.write_at(author, "offline");
    cluster.run_for(SECOND);
    cluster.kill(author);
    cluster.heal();
    cluster.restart(author);
    assert_eq!(cluster.node(author).waiting(), 1);
    cluster.run_for(SECOND * 3);
    assert_eq!(cluster.texts(leader), ["offline"]);
    assert_eq!(cluster.node(author).waiting(), 0);
    cluster.run_for(SECOND);
    cluster.kill(author);
    cluster.restart(author);
    cluster.run_for(SECOND * 3);
    assert_eq!(cluster.texts(leader), ["offline"]);
}

#[test]
fn a_viewer_s_command_is_refused_in_its_turn() {
    let mut cluster = Cluster::open();
    cluster.run_for(SECOND);
    let viewer = cluster.join(Permission::Viewer);
    cluster.run_for(SECOND * 2);
    cluster.write_at(viewer, "let me");
    cluster.write_at(1, "mine");
    cluster.run_for(SECOND);
    let refusals: BTreeMap<String, Option<Refusal>> = cluster
        .history()
        .iter()
        .map(|applied| (String::from_utf8_lossy(&applied.command.body).into_owned(), applied.refusal))
        .collect();
    assert_eq!(refusals["let me"], Some(Refusal::NotPermitted));
    assert_eq!(refusals["mine"], None);
    assert_eq!(cluster.node(viewer).waiting(), 0);
}

#[test]
fn a_thousand_commands_of_each_arrive_in_order() {
    let mut cluster = Cluster::of(3).seed(5).conditions(rough()).disk_latency(Duration::from_millis(2));
    cluster.wait_for_leader();
    for place in 0..1_000 {
        for node in 1..=3 {
            cluster.write_at(node, &format!("{place}"));
        }
        if place % 50 == 0 {
            cluster.run_for(Duration::from_millis(20));
        }
    }
    let took = cluster.run_until(SECOND * 60, Cluster::is_settled);
    println!("3,000 commands at 10 % loss in {took:?}");
    assert_eq!(cluster.history().len(), 3_000);
}
