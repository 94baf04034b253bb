//! Peers in processes and networks of their own, over real WebRTC and real disks, while leaders are killed with
//! SIGKILL, processes stopped, links cut and packets lost. What the peers answered is checked for linearizability.
//!
//! Everything happens in a network, mount and process namespace that ends with the test. Where the system doesn't
//! grant one, the tests are ignored and say why; with `BEVY_QUORUM_NAMESPACES=required` they fail instead.
//!
//! Run: `cargo test --all-features --test namespaces`; one seed again with `BEVY_QUORUM_SEED=7` before it; other
//! seeds for as long as wished with `BEVY_QUORUM_TRIALS=100` before it and `-- --ignored` after it. With a known mistake
//! in every peer, `BEVY_QUORUM_MUTANT=AcknowledgeUnsynced`, they ought to fail.

#![allow(clippy::unwrap_used, missing_docs)]

mod clients;
mod faults;
mod linearizability;
mod mending;
mod outside;
mod party;
mod peer;
mod process;
mod register;
mod rendezvous;
mod trial;
mod verdict;
mod world;

use libtest_mimic::{Arguments, Failed, Trial};
use std::{env, process::ExitCode};
use trial::Plan;

const TWO: Plan = Plan { peers: 2, seed: 2, rounds: 1 };
const THREE: Plan = Plan { peers: 3, seed: 3, rounds: 1 };
const FIVE: Plan = Plan { peers: 5, seed: 5, rounds: 1 };

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        Some((mark, rest)) if mark == peer::MARK => peer::run(rest),
        Some((mark, rest)) if mark == rendezvous::MARK => rendezvous::run(rest),
        Some((mark, rest)) if mark == trial::MARK => trial::run(rest),
        Some((mark, [])) if mark == mending::MARK => mending::run(),
        _ => return test(),
    }
    ExitCode::SUCCESS
}

fn test() -> ExitCode {
    let missing = outside::missing();
    if let Some(reason) = &missing {
        eprintln!("no peers in namespaces of their own: {reason}");
    }
    let skip = missing.is_some() && !outside::required();
    let trial = |name, run: fn() -> Result<(), Failed>| {
        let missing = missing.clone();
        Trial::test(name, move || missing.map_or_else(run, |reason| Err(reason.into()))).with_ignored_flag(skip)
    };
    let mut arguments = Arguments::from_args();
    // One after the other: they are about time, and there are few cores.
    arguments.test_threads = Some(1);
    let checker = |name, run: fn()| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    let trials = vec![
        checker("no_order_explains_a_late_look", linearizability::no_order_explains_a_late_look),
        checker("no_order_explains_a_lost_answer", linearizability::no_order_explains_a_lost_answer),
        trial("two_peers_answer_linearizably_through_faults", || outside::hold(TWO)),
        trial("three_peers_answer_linearizably_through_faults", || outside::hold(THREE)),
        trial("a_link_is_mended_through_a_third_peer_without_a_signaling_server", outside::hold_mending),
        trial("five_peers_answer_linearizably_through_faults", || outside::hold(FIVE)),
        trial("many_seeds_answer_linearizably_through_faults", outside::hold_many).with_ignored_flag(true),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}
