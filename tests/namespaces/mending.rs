//! A story in its namespaces: the signaling server is gone, the link between two of three peers is cut until both have
//! given it up, and it is mended through the third.

use crate::{
    party::Party,
    trial::{FOLDER, end_with_parent},
    world::{Losses, Place},
};
use std::{
    env,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// The first argument of such a process.
pub const MARK: &str = "--mending";
/// After so long without a packet WebRTC gives a connection up, and then some.
const GIVEN_UP: Duration = Duration::from_secs(40);

pub fn run() {
    thread::spawn(end_with_parent);
    let mut party = Party::gather(PathBuf::from(env::var_os(FOLDER).unwrap()), 3);
    party.until("all linked", |party| (0..3).all(|peer| linked(party, peer) == 2));
    party.kill_rendezvous();
    let (one, other) = (Place::Peer(0), Place::Peer(1));
    party.lose(Losses { cut: [(one, other), (other, one)].into(), percent: 0 });
    party.until("two that miss each other", |party| [0, 1].iter().all(|peer| linked(party, *peer) == 1));
    let given_up = Instant::now() + GIVEN_UP;
    party.until("the end of their connection", |_| Instant::now() >= given_up);
    assert_eq!(linked(&party, 0), 1, "nothing passes between them");
    party.lose(Losses::default());
    party.until("a link that is mended", |party| (0..3).all(|peer| linked(party, peer) == 2));
}

/// How many others a peer says to be linked to.
fn linked(party: &Party, peer: usize) -> usize {
    party.seats[peer].standing.as_ref().map_or(0, |standing| standing.linked)
}
