//! Learners that are forgotten again and again: each of their commands counts once, or nobody knows (§6.3).
#![cfg(feature = "playtest")]

use bevy_quorum::{
    playtest::{Cluster, Conditions},
    raft::{Config, Mutant, Permission, Serial},
};
use std::{collections::BTreeSet, panic::catch_unwind, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

/// Learners come and go for longer than they are remembered, and messages come twice and late. Everything that was
/// ever proposed is in the history, once, unless its author was told that nobody knows. Says how often somebody was
/// forgotten, and of how many proposals nobody knew.
fn coming_and_going(seed: u64, mark_entries: u64, mutant: Option<Mutant>) -> (usize, usize) {
    let rough = Conditions {
        delay: Duration::from_millis(5),
        jitter: Duration::from_millis(60),
        loss_permille: 100,
        doubled_permille: 400,
    };
    let config = Config { session_idle: Duration::from_millis(200), silence: SECOND, mutant, ..Config::default() };
    let config = Config { makes_snapshots: true, mark_entries, tail_bytes: 300, ..config };
    let cluster = Cluster::of(3).seed(seed).conditions(rough).disk_latency(Duration::from_millis(3));
    let mut cluster = cluster.config(Config { voters_max: 3, ..config });
    cluster.wait_for_leader();
    let guests = [cluster.join(Permission::Editor), cluster.join(Permission::Editor)];
    let (mut sessions, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..400 {
        let node = 1 + cluster.roll(5);
        let guest = guests[cluster.roll(2) as usize];
        match cluster.roll(30) {
            0 | 1 => {
                cluster.cut(guest);
                (1..=3).for_each(|voter| cluster.disconnect(guest, voter));
            }
            2..=4 => come_back(&mut cluster, guests),
            5 if cluster.is_running(node) => cluster.kill(node),
            6..=9 if !cluster.is_running(node) => cluster.restart(node),
            10..=25 if cluster.is_running(guest) => drop(cluster.write_at(guest, &round.to_string())),
            26.. if cluster.is_running(node) => drop(cluster.write_at(node, &round.to_string())),
            _ => {}
        }
        let pause = cluster.roll(200);
        cluster.run_for(Duration::from_millis(pause));
        sessions.extend(guests.map(|guest| cluster.disk(guest).session));
        note_unknown(&cluster, &mut unknown);
    }
    cluster.set_conditions(Conditions::default());
    come_back(&mut cluster, guests);
    for node in (1..=5).filter(|node| !cluster.is_running(*node)).collect::<Vec<_>>() {
        cluster.restart(node);
    }
    cluster.run_until(SECOND * 60, Cluster::is_settled);
    note_unknown(&cluster, &mut unknown);
    let history: BTreeSet<_> = cluster.history().iter().map(|it| (it.command.author.0, it.command.serial)).collect();
    for node in 1..=5 {
        let mut serials = (1..=cluster.disk(node).last_serial.0).map(|serial| (node, Serial(serial)));
        let lost = serials.find(|it| !history.contains(it) && !unknown.contains(it));
        assert_eq!(lost, None, "each command once: it is lost");
    }
    (sessions.len() - guests.len(), unknown.len())
}

fn note_unknown(cluster: &Cluster, unknown: &mut BTreeSet<(u64, Serial)>) {
    for node in 1..=5 {
        let settled = cluster.settled(node).iter().filter(|(_, decision)| decision.is_none());
        unknown.extend(settled.map(|(serial, _)| (node, *serial)));
    }
}

fn come_back(cluster: &mut Cluster, guests: [u64; 2]) {
    cluster.heal();
    guests.iter().for_each(|guest| (1..=3).for_each(|voter| cluster.reconnect(*guest, voter)));
}

#[test]
fn every_command_counts_once_though_its_author_is_forgotten_again_and_again() {
    let stories: Vec<_> = (0..40).map(|seed| coming_and_going(seed, u64::MAX, None)).collect();
    let forgotten: usize = stories.iter().map(|(forgotten, _)| forgotten).sum();
    println!("forgotten {forgotten} times");
    assert!(forgotten > 200, "forgotten only {forgotten} times");
    assert!(stories.iter().all(|(_, unknown)| *unknown == 0), "with the whole log nothing is unknown");
}

#[test]
fn with_snapshots_every_command_counts_once_or_nobody_knows() {
    let stories: Vec<_> = (0..60).map(|seed| coming_and_going(seed, 20, None)).collect();
    let forgotten: usize = stories.iter().map(|(forgotten, _)| forgotten).sum();
    let unknown: usize = stories.iter().map(|(_, unknown)| unknown).sum();
    println!("forgotten {forgotten} times, {unknown} proposals unknown");
    assert!(forgotten > 200 && unknown > 50, "forgotten {forgotten} times, {unknown} proposals unknown");
}

#[test]
fn every_mistake_about_sessions_is_noticed() {
    for mutant in [Mutant::AcceptForgotten, Mutant::FirstComesFirst, Mutant::ForwardUnbound] {
        let noticed = (0..100).position(|seed| catch_unwind(|| coming_and_going(seed, 20, Some(mutant))).is_err());
        println!("{mutant:?} is noticed in story {noticed:?}");
        assert!(noticed.is_some(), "{mutant:?} lives");
    }
}
