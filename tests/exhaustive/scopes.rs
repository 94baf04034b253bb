//! The scopes. Each is complete within its bounds, and shows that what it is about was reached.

use crate::{
    machine::Act,
    model::{Bounds, Scope},
    rooms::{founder_and_guest, impatient, room},
    story::Chapter,
};
use bevy_quorum::raft::Config;
use stateright::{Checker, Model};
use std::time::Instant;

/// Everything that costs nothing is allowed: crashes, slow disks, heartbeats.
pub const FREE: Bounds = Bounds {
    terms: 2,
    entries: 4,
    crashes: true,
    slow_disks: true,
    heartbeats: true,
    notices: false,
    loans: false,
    silences: 0,
    commands: 0,
    reads: 0,
    changes: 0,
    transfers: 0,
};
/// Every write is durable at once, no node crashes, and leaders speak only when they have something to say.
pub const CALM: Bounds = Bounds { crashes: false, slow_disks: false, heartbeats: false, ..FREE };

/// Takes every path, says how many states there are, and asserts that what is promised always holds, that what is
/// expected was `reached`, and that there are no fewer states than there once were, but for what a change of the core
/// may save.
fn explore(name: &str, scope: Scope, states_min: usize, reached: &[&str]) {
    let (bounds, start) = (scope.bounds, Instant::now());
    let checker = scope.checker().threads(2).spawn_dfs().join();
    let seconds = start.elapsed().as_secs_f64();
    let (states, steps, depth) = (checker.unique_state_count(), checker.state_count(), checker.max_depth());
    println!("{name}: {states} states, {steps} steps, at most {depth} after one another, {seconds:.0} s; {bounds:?}");
    let discoveries = checker.discoveries();
    for (property, path) in &discoveries {
        let holds = !checker.model().property(property).expectation.discovery_is_failure();
        assert!(holds, "not so: {property}\n{:#?}", path.clone().into_actions());
    }
    for property in reached {
        assert!(discoveries.contains_key(property), "never: {property}");
    }
    assert!(states >= states_min, "{states} states are too few");
}

#[test]
fn three_voters_elect_a_leader_whatever_gets_lost() {
    let scope = Scope::new(room(3, 0), impatient(), Vec::new(), FREE);
    let reached =
        ["a leader commits", "all know it committed", "a vote is split", "a follower knows it before its leader"];
    explore("three voters", scope, 200_000, &reached);
}

#[test]
fn three_voters_elect_twice() {
    let scope = Scope::new(room(3, 0), impatient(), Vec::new(), Bounds { terms: 3, ..CALM });
    let reached = ["two lead, in different terms", "a log is cut", "all know it committed"];
    explore("two elections", scope, 70_000, &reached);
}

/// Two leaders in a row have each written an entry of their own, and told nobody.
pub fn divergence() -> Vec<Chapter> {
    vec![Chapter::Elect(0, &[2]), Chapter::Elect(1, &[2])]
}

#[test]
fn logs_that_differ_are_repaired_whatever_gets_lost() {
    let bounds = Bounds { terms: 4, heartbeats: false, ..FREE };
    let scope = Scope::new(room(3, 0), impatient(), divergence(), bounds);
    explore("repair", scope, 500_000, &["a log is cut", "all know it committed", "two lead, in different terms"]);
}

#[test]
fn logs_that_differ_are_repaired_over_two_elections() {
    let scope = Scope::new(room(3, 0), impatient(), divergence(), Bounds { terms: 5, ..CALM });
    explore("repair twice", scope, 12_000, &["a log is cut", "all know it committed", "two lead, in different terms"]);
}

#[test]
fn a_candidate_borrows_what_its_log_lacks() {
    let scope = Scope::new(room(3, 0), impatient(), divergence(), Bounds { terms: 5, loans: true, ..CALM });
    explore("a loan", scope, 60_000, &["a log is borrowed", "a log is cut", "all know it committed"]);
}

#[test]
fn a_pair_becomes_one_when_its_leader_hears_nothing() {
    let scope = Scope::new(room(2, 0), impatient(), Vec::new(), Bounds { silences: 1, ..FREE });
    explore("two to one", scope, 80_000, &["a pair is reduced", "a pair is made", "a vote is split"]);
}

#[test]
fn one_becomes_a_pair_and_one_again() {
    let bounds = Bounds { entries: 5, silences: 1, ..FREE };
    let scope = Scope::new(founder_and_guest(), impatient(), Vec::new(), bounds);
    explore("one to two", scope, 400_000, &["a pair is made", "a pair is reduced", "all know it committed"]);
}

#[test]
fn a_learner_is_promoted_beside_an_election() {
    let scope = Scope::new(room(2, 1), impatient(), Vec::new(), Bounds { heartbeats: false, notices: true, ..FREE });
    explore("promotion", scope, 70_000, &["a change is committed", "a vote is split"]);
}

/// Node 1 leads, and has told everybody.
pub fn led() -> Vec<Chapter> {
    vec![Chapter::Elect(0, &[1, 2]), Chapter::Talk(&[0, 1, 2])]
}

/// Leaders give no votes by themselves, so that there is one change.
pub fn change(bounds: Bounds) -> Scope {
    let config = Config { voters_max: 2, ..impatient() };
    Scope::new(room(3, 0), config, led(), Bounds { terms: 3, changes: 1, ..bounds })
}

#[test]
fn one_change_beside_an_election() {
    let reached = ["a change is committed", "a configuration is rolled back", "two lead, in different terms"];
    explore("one change", change(CALM), 60_000, &reached);
}

#[test]
fn a_command_is_carried_out_once() {
    let bounds = Bounds { commands: 1, heartbeats: false, ..FREE };
    let scope = Scope::new(room(2, 0), impatient(), Vec::new(), bounds);
    explore("a command", scope, 10_000, &["a command is carried out by all", "a vote is split"]);
}

#[test]
fn an_office_is_handed_over_beside_an_election() {
    let scope = Scope::new(room(3, 0), impatient(), led(), Bounds { terms: 3, transfers: 1, ..CALM });
    explore("a hand-over", scope, 30_000, &["an office is taken over", "two lead, in different terms"]);
}

/// Two of three have agreed on a snapshot of a command, and cut their logs; the third has heard of nothing.
pub fn lag() -> Vec<Chapter> {
    let beat = [Chapter::Do(0, Act::Wake), Chapter::Talk(&[0, 1])];
    let start = [Chapter::Elect(0, &[1]), Chapter::Talk(&[0, 1]), Chapter::Do(0, Act::Propose), Chapter::Talk(&[0, 1])];
    start.into_iter().chain(beat.clone()).chain(beat).collect()
}

/// Snapshots are made soon, and nothing is kept of what they stand for.
pub fn brief() -> Config {
    Config { makes_snapshots: true, mark_entries: 3, tail_bytes: 0, ..impatient() }
}

#[test]
fn who_lags_behind_a_snapshot_gets_it_beside_an_election() {
    let scope = Scope::new(room(3, 0), brief(), lag(), Bounds { terms: 3, entries: 7, heartbeats: true, ..CALM });
    explore(
        "a lag",
        scope,
        100_000,
        &["a snapshot is installed", "two lead, in different terms", "all know it committed"],
    );
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn three_voters_elect_twice_and_crash() {
    let scope = Scope::new(room(3, 0), impatient(), Vec::new(), Bounds { terms: 3, crashes: true, ..CALM });
    explore("two elections and crashes", scope, 1, &["two lead, in different terms", "a log is cut"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn three_voters_elect_twice_on_slow_disks() {
    let scope = Scope::new(room(3, 0), impatient(), Vec::new(), Bounds { terms: 3, slow_disks: true, ..CALM });
    explore("two elections on slow disks", scope, 1, &["two lead, in different terms", "a log is cut"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn logs_that_differ_are_repaired_over_two_elections_and_crashes() {
    let scope = Scope::new(room(3, 0), impatient(), divergence(), Bounds { terms: 5, crashes: true, ..CALM });
    explore("repair twice and crashes", scope, 1, &["a log is cut", "all know it committed"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn a_pair_falls_apart_twice() {
    let bounds = Bounds { terms: 3, entries: 5, silences: 2, ..FREE };
    let scope = Scope::new(room(2, 0), impatient(), Vec::new(), bounds);
    explore("two to one, twice", scope, 1, &["a pair is reduced", "a pair is made"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn one_change_beside_an_election_and_crashes() {
    let scope = change(Bounds { crashes: true, ..CALM });
    explore("one change and crashes", scope, 1, &["a change is committed", "a configuration is rolled back"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn one_change_beside_an_election_on_slow_disks() {
    let scope = change(Bounds { slow_disks: true, ..CALM });
    explore("one change on slow disks", scope, 1, &["a change is committed", "a configuration is rolled back"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn who_lags_behind_a_snapshot_gets_it_whatever_gets_lost() {
    let scope = Scope::new(room(3, 0), brief(), lag(), Bounds { terms: 3, entries: 7, crashes: true, ..CALM });
    explore("a lag and crashes", scope, 1, &["a snapshot is installed", "two lead, in different terms"]);
}
