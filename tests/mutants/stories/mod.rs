//! Small stories, told with and without a mistake. Each says whether it ends as it should.

// Each test file tells some of them.
#![allow(dead_code)]

pub mod install;
#[path = "../../lab/mod.rs"]
mod lab;
pub mod published;
pub mod reads;
pub mod rooms;
pub mod rules;
pub mod sessions;
mod table;

use bevy_quorum::raft::{Config, Entry, Membership, Moment, Mutant};
use lab::{A, B, Lab, ME, entry, membership, stored};

/// A node among three voters, with entries of these terms after the first; it may err.
fn of_three(mutant: Option<Mutant>, terms: &[u64], term: u64) -> Lab {
    let rest = terms.iter().zip(2..).map(|(term, index)| entry(*term, index));
    among(membership(&[ME, A, B], &[]), mutant, rest, term)
}

/// A node among these members, with these entries after the first; it may err.
fn among(membership: Membership, mutant: Option<Mutant>, rest: impl IntoIterator<Item = Entry>, term: u64) -> Lab {
    let config = Config { makes_snapshots: true, mutant, ..Config::default() };
    Lab::on(config, stored(membership, rest, term), Moment::ZERO)
}
