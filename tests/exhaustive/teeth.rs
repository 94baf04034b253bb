//! That the model can bite: each known mistake that a scope has room for breaks a promise in it.
//!
//! What is not in the list needs more than a scope has: time that passes bit by bit (`NoPreVote` and the like are about
//! liveness; `CommitUnverified` and `AcknowledgeUnverified` need an append that is sent again), longer logs, stores that
//! lie. Those are the simulator's.

use crate::{
    machine::Act,
    model::{Bounds, Known, Scope},
    rooms::{half_promoted, impatient, room},
    scopes::{CALM, FREE, brief, divergence, lag, led},
    story::Chapter,
};
use bevy_quorum::raft::{Config, Mutant, NodeId};
use stateright::{Checker, HasDiscoveries, Model};

const ONE_LEADER: &str = "one leader a term";
const COMPLETE: &str = "leaders hold all that was committed before";
const SAME: &str = "the same is committed everywhere";
const DURABLE: &str = "a majority holds durably what is committed";
const ONE_CHANGE: &str = "one change at a time";
const READ: &str = "a read sees all that was committed";
const ASSERTION: &str = "no assertion fails";

/// Each mistake, where it is seen, and by which promise.
fn list() -> Vec<(Mutant, Scope, &'static str)> {
    vec![
        (Mutant::VoteForAnyLog, three_voters_twice(), COMPLETE),
        (Mutant::VoteByTermAlone, two_changes(), COMPLETE),
        (Mutant::VoteBeforeDurable, three_voters(), ONE_LEADER),
        (Mutant::ForgetVoteWhenElected, pair(), ASSERTION),
        (Mutant::CountVotesTwice, five_voters(), ONE_LEADER),
        (Mutant::CountLateAnswers, three_voters_twice(), ONE_LEADER),
        (Mutant::CountLearners, pair_and_learner(), DURABLE),
        (Mutant::CountLeaderWithoutVote, two_changes(), DURABLE),
        (Mutant::HalfIsMajority, pair(), DURABLE),
        (Mutant::CommitOlderTerms, figure_8(), COMPLETE),
        (Mutant::TrustHeartbeatCommit, three_voters_twice(), SAME),
        (Mutant::TruncateAlways, command_in_pair(), DURABLE),
        (Mutant::AcknowledgeUnsynced, pair(), DURABLE),
        (Mutant::CountUnsyncedOwnCopy, pair(), DURABLE),
        (Mutant::ChangeWhilePending, two_changes(), ONE_CHANGE),
        (Mutant::ChangeBeforeOwnTerm, four_voters(), COMPLETE),
        (Mutant::DropPartnerOfThree, silence_of_three(), COMPLETE),
        (Mutant::DropPartnerBeforeOwnTerm, half_promotion(), COMPLETE),
        (Mutant::InstallBelowCommit, lagging(), ASSERTION),
        (Mutant::CutUnagreed, snapshots_in_pair(), SAME),
        (Mutant::ReadWithoutQuorum, reads_of_three(1), READ),
        (Mutant::ReadByOldRound, reads_of_three(2), READ),
        (Mutant::ReadBeforeOwnTerm, pair_that_forgot(), READ),
        (Mutant::ReadUnapplied, early_reads(), READ),
        (Mutant::ReadAtCommit, early_reads(), READ),
        (Mutant::EarlyOlderTerm, figure_8(), DURABLE),
        (Mutant::EarlyUnsynced, three_voters(), DURABLE),
        (Mutant::EarlyUntold, three_voters(), DURABLE),
        (Mutant::EarlyWithoutVote, three_voters_and_learner(), DURABLE),
        (Mutant::EarlyWithoutLeadersVote, leader_without_vote(), DURABLE),
    ]
}

fn three_voters() -> Scope {
    Scope::new(room(3, 0), impatient(), Vec::new(), FREE)
}

fn three_voters_twice() -> Scope {
    Scope::new(room(3, 0), impatient(), Vec::new(), Bounds { terms: 3, ..CALM })
}

fn pair() -> Scope {
    Scope::new(room(2, 0), impatient(), Vec::new(), Bounds { silences: 1, ..FREE })
}

fn five_voters() -> Scope {
    Scope::new(room(5, 0), impatient(), vec![Chapter::Elect(0, &[1, 2])], CALM)
}

fn pair_and_learner() -> Scope {
    Scope::new(room(2, 1), impatient(), Vec::new(), Bounds { heartbeats: false, ..FREE })
}

/// Two logs that differ, and messages of one entry, so that old ones come alone.
fn figure_8() -> Scope {
    let config = Config { append_bytes_max: 1, ..impatient() };
    Scope::new(room(3, 0), config, divergence(), Bounds { terms: 5, ..CALM })
}

fn command_in_pair() -> Scope {
    Scope::new(room(2, 0), impatient(), Vec::new(), Bounds { commands: 1, ..FREE })
}

/// Leaders give no votes by themselves beyond so many.
fn voters_max(voters_max: usize) -> Config {
    Config { voters_max, ..impatient() }
}

fn two_changes() -> Scope {
    Scope::new(room(3, 0), voters_max(2), led(), Bounds { terms: 3, changes: 2, ..CALM })
}

/// A leader took a vote, told nobody, and another was elected.
fn four_voters() -> Scope {
    let history = vec![Chapter::Elect(0, &[1, 2]), Chapter::Do(0, Act::Turn(NodeId(3))), Chapter::Elect(1, &[2, 3])];
    Scope::new(room(4, 0), voters_max(3), history, Bounds { terms: 4, changes: 1, ..CALM })
}

fn leader_without_vote() -> Scope {
    Scope::new(room(4, 0), voters_max(3), led(), Bounds { terms: 3, changes: 1, ..CALM })
}

fn silence_of_three() -> Scope {
    Scope::new(room(3, 0), voters_max(2), led(), Bounds { terms: 3, silences: 1, heartbeats: true, ..CALM })
}

fn half_promotion() -> Scope {
    Scope::new(half_promoted(), impatient(), Vec::new(), Bounds { terms: 4, silences: 1, heartbeats: true, ..CALM })
}

fn lagging() -> Scope {
    Scope::new(room(3, 0), brief(), lag(), Bounds { terms: 3, entries: 7, heartbeats: true, ..CALM })
}

fn snapshots_in_pair() -> Scope {
    let history = vec![Chapter::Elect(0, &[1]), Chapter::Talk(&[0, 1])];
    let bounds = Bounds { terms: 3, entries: 6, commands: 1, crashes: true, heartbeats: true, ..CALM };
    Scope::new(room(2, 0), brief(), history, bounds)
}

fn reads_of_three(reads: u8) -> Scope {
    Scope::new(room(3, 0), impatient(), led(), Bounds { terms: 3, reads, ..CALM })
}

/// A pair that knows only on one side what is committed, and may elect the other.
fn pair_that_forgot() -> Scope {
    let history = vec![Chapter::Elect(0, &[1]), Chapter::Talk(&[0, 1]), Chapter::Do(1, Act::Crash)];
    Scope::new(room(2, 0), impatient(), history, Bounds { terms: 3, reads: 1, ..CALM })
}

fn early_reads() -> Scope {
    Scope::new(room(3, 0), impatient(), led(), Bounds { commands: 1, reads: 1, ..CALM })
}

fn three_voters_and_learner() -> Scope {
    Scope::new(room(3, 1), voters_max(3), Vec::new(), Bounds { commands: 1, ..CALM })
}

/// The shortest way to a broken promise. One thread looks, so that it is always the same.
#[test]
fn each_mistake_is_seen() {
    let mut unseen = Vec::new();
    for (mutant, scope, promise) in list() {
        let config = Config { mutant: Some(mutant), ..scope.config };
        let scope = Scope { config, known: Known::default(), ..scope };
        let checker = scope.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        let states = checker.unique_state_count();
        match checker.discovery(promise) {
            Some(path) => println!("{mutant:?}: {} steps, {states} states: {promise}", path.into_actions().len()),
            None => unseen.push((mutant, states, checker.discoveries().into_keys().collect::<Vec<_>>())),
        }
    }
    assert!(unseen.is_empty(), "{unseen:?}");
}
