//! The scopes. Each is complete within its bounds, and shows that what it is about was reached.

use crate::{
    model::{Bounds, Known, Scope},
    rooms::{founder_and_guest, impatient, room},
    story::Chapter,
};
use bevy_quorum::raft::Config;
use stateright::{Checker, Model};
use std::time::Instant;

/// Everything is allowed but silences, commands and changes.
pub const FREE: Bounds = Bounds {
    terms: 2,
    entries: 4,
    crashes: true,
    slow_disks: true,
    heartbeats: true,
    loans: false,
    silences: 0,
    commands: 0,
    reads: 0,
    changes: 0,
    transfers: 0,
};
/// Every write is durable at once, no node crashes, and leaders speak only when they have something to say.
pub const CALM: Bounds = Bounds { crashes: false, slow_disks: false, heartbeats: false, ..FREE };

/// Takes every path, says how many states there are, and asserts that what is promised always holds and that what is
/// expected was `reached`.
fn explore(name: &str, scope: Scope, reached: &[&str]) {
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
}

#[test]
fn three_voters_elect_a_leader_whatever_gets_lost() {
    let scope =
        Scope { nodes: room(3, 0), config: impatient(), history: Vec::new(), bounds: FREE, known: Known::default() };
    explore("three voters", scope, &["somebody leads", "a leader commits", "all know it committed", "a vote is split"]);
}

#[test]
fn three_voters_elect_twice() {
    let bounds = Bounds { terms: 3, ..CALM };
    let scope = Scope { nodes: room(3, 0), config: impatient(), history: Vec::new(), bounds, known: Known::default() };
    explore("two elections", scope, &["two lead, in different terms", "a log is cut", "all know it committed"]);
}

/// Two leaders in a row have each written an entry of their own, and told nobody.
pub fn divergence() -> Vec<Chapter> {
    vec![Chapter::Elect(0, &[2]), Chapter::Elect(1, &[2])]
}

#[test]
fn logs_that_differ_are_repaired_whatever_gets_lost() {
    let bounds = Bounds { terms: 4, heartbeats: false, ..FREE };
    let scope =
        Scope { nodes: room(3, 0), config: impatient(), history: divergence(), bounds, known: Known::default() };
    explore("repair", scope, &["a log is cut", "all know it committed", "two lead, in different terms"]);
}

#[test]
fn logs_that_differ_are_repaired_over_two_elections() {
    let bounds = Bounds { terms: 5, ..CALM };
    let scope =
        Scope { nodes: room(3, 0), config: impatient(), history: divergence(), bounds, known: Known::default() };
    explore("repair twice", scope, &["a log is cut", "all know it committed", "two lead, in different terms"]);
}

#[test]
fn a_pair_becomes_one_when_its_leader_hears_nothing() {
    let bounds = Bounds { silences: 1, ..FREE };
    let scope = Scope { nodes: room(2, 0), config: impatient(), history: Vec::new(), bounds, known: Known::default() };
    explore("two to one", scope, &["a pair is reduced", "a pair is made", "a vote is split"]);
}

#[test]
fn one_becomes_a_pair_and_one_again() {
    let bounds = Bounds { entries: 5, silences: 1, ..FREE };
    let scope =
        Scope { nodes: founder_and_guest(), config: impatient(), history: Vec::new(), bounds, known: Known::default() };
    explore("one to two", scope, &["a pair is made", "a pair is reduced", "all know it committed"]);
}

#[test]
fn a_learner_is_promoted_beside_an_election() {
    let bounds = Bounds { heartbeats: false, ..FREE };
    let scope = Scope { nodes: room(2, 1), config: impatient(), history: Vec::new(), bounds, known: Known::default() };
    explore("promotion", scope, &["a change is committed", "a vote is split"]);
}

/// A room that node 1 leads. Leaders give no votes by themselves, so that there is one change.
fn change(bounds: Bounds) -> Scope {
    let history = vec![Chapter::Elect(0, &[1, 2]), Chapter::Talk(&[0, 1, 2])];
    let bounds = Bounds { terms: 3, changes: 1, ..bounds };
    Scope {
        nodes: room(3, 0),
        config: Config { voters_max: 2, ..impatient() },
        history,
        bounds,
        known: Known::default(),
    }
}

#[test]
fn one_change_beside_an_election() {
    let reached = ["a change is committed", "a configuration is rolled back", "two lead, in different terms"];
    explore("one change", change(CALM), &reached);
}

#[test]
fn a_command_is_carried_out_once() {
    let bounds = Bounds { commands: 1, heartbeats: false, ..FREE };
    let scope = Scope { nodes: room(2, 0), config: impatient(), history: Vec::new(), bounds, known: Known::default() };
    explore("a command", scope, &["a command is carried out by all", "a vote is split"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn three_voters_elect_twice_and_crash() {
    let bounds = Bounds { terms: 3, crashes: true, ..CALM };
    let scope = Scope { nodes: room(3, 0), config: impatient(), history: Vec::new(), bounds, known: Known::default() };
    explore("two elections and crashes", scope, &["two lead, in different terms", "a log is cut"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn three_voters_elect_twice_on_slow_disks() {
    let bounds = Bounds { terms: 3, slow_disks: true, ..CALM };
    let scope = Scope { nodes: room(3, 0), config: impatient(), history: Vec::new(), bounds, known: Known::default() };
    explore("two elections on slow disks", scope, &["two lead, in different terms", "a log is cut"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn logs_that_differ_are_repaired_over_two_elections_and_crashes() {
    let bounds = Bounds { terms: 5, crashes: true, ..CALM };
    let scope =
        Scope { nodes: room(3, 0), config: impatient(), history: divergence(), bounds, known: Known::default() };
    explore("repair twice and crashes", scope, &["a log is cut", "all know it committed"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn a_pair_falls_apart_twice() {
    let bounds = Bounds { terms: 3, entries: 5, silences: 2, ..FREE };
    let scope = Scope { nodes: room(2, 0), config: impatient(), history: Vec::new(), bounds, known: Known::default() };
    explore("two to one, twice", scope, &["a pair is reduced", "a pair is made"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn one_change_beside_an_election_and_crashes() {
    let bounds = Bounds { crashes: true, ..CALM };
    explore("one change and crashes", change(bounds), &["a change is committed", "a configuration is rolled back"]);
}

#[test]
#[ignore = "takes minutes; run it optimised"]
fn one_change_beside_an_election_on_slow_disks() {
    let bounds = Bounds { slow_disks: true, ..CALM };
    explore("one change on slow disks", change(bounds), &["a change is committed", "a configuration is rolled back"]);
}
