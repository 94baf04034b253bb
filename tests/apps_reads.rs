//! Reads of whole apps: what they see, and why they are given up, in virtual time.
#![cfg(feature = "playtest")]
#![allow(clippy::unwrap_used, missing_docs)]

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_quorum::{
    link::in_process::Conditions,
    playtest::{Guest, Party},
    prelude::*,
    raft::Holdup,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Add(u32);

impl Portable for Add {
    const NAME: &'static str = "add";
}

/// The total, and what it was whenever a read was done.
#[derive(Resource, Default)]
struct Seen {
    total: u32,
    read: Vec<(Read, Result<u32, ReadError>)>,
}

fn add(add: In<Committed<Add>>, mut seen: ResMut<Seen>) -> Result<(), Reject> {
    seen.total += add.0.0;
    Ok(())
}

fn game(app: &mut App) {
    app.init_resource::<Seen>().add_command(add).add_observer(|done: On<ReadDone>, mut seen: ResMut<Seen>| {
        let total = seen.total;
        seen.read.push((done.read, done.outcome.map(|_| total)));
    });
}

fn three(seed: u64) -> (Party, [Guest; 3]) {
    let delay = Duration::from_millis(20);
    let mut party = Party::new(seed, game).over(Conditions { delay, ..Conditions::default() });
    let guests = [party.open(), party.join(), party.join()];
    let all = |party: &mut Party| guests.iter().all(|guest| party.room(*guest).status().voters.len() == 3);
    assert!(party.run_until(Duration::from_secs(10), all));
    (party, guests)
}

fn seen(party: &mut Party, guest: Guest) -> &Seen {
    party.app(guest).world().resource::<Seen>()
}

#[test]
fn a_read_sees_what_was_decided_before_it_was_asked() {
    let (mut party, [host, guest, _]) = three(1);
    party.room(host).propose(&Add(3)).unwrap();
    let decided = |party: &mut Party| party.room(host).status().pending == 0;
    assert!(party.run_until(Duration::from_secs(1), decided));
    assert_eq!(seen(&mut party, guest).total, 0, "the guest doesn't know yet");
    let read = party.room(guest).read().unwrap();
    let done = |party: &mut Party| !seen(party, guest).read.is_empty();
    assert!(party.run_until(Duration::from_millis(150), done), "one round trip, and a few frames");
    assert_eq!(seen(&mut party, guest).read, [(read, Ok(3))]);
}

#[test]
fn a_stalled_app_reads_after_what_it_has_to_catch_up_on() {
    let (mut party, [host, guest, _]) = three(2);
    party.freeze(guest, Duration::from_secs(1));
    party.room(host).propose(&Add(3)).unwrap();
    party.run_for(Duration::from_millis(500));
    let read = party.room(guest).read().unwrap();
    party.run_for(Duration::from_secs(1));
    assert_eq!(seen(&mut party, guest).read, [(read, Ok(3))]);
}

#[test]
fn without_a_majority_a_read_is_given_up_with_the_reason() {
    let (mut party, guests) = three(3);
    let address = party.address(guests[2]);
    party.network().partition(&[address]);
    party.run_for(Duration::from_secs(2));
    let read = party.room(guests[2]).read().unwrap();
    let done = |party: &mut Party| !seen(party, guests[2]).read.is_empty();
    assert!(party.run_until(Duration::from_secs(30), done));
    assert_eq!(seen(&mut party, guests[2]).read, [(read, Err(ReadError::HeldUp(Holdup::NoLeader)))]);
    party.network().heal();
    party.run_for(Duration::from_secs(3));
    party.room(guests[2]).read().unwrap();
    party.run_for(Duration::from_secs(1));
    assert_eq!(seen(&mut party, guests[2]).read[1].1, Ok(0), "later it works again");
}

#[test]
fn reads_of_a_room_that_fails_are_done_with_that() {
    let (mut party, guests) = three(4);
    let address = party.address(guests[2]);
    party.network().partition(&[address]);
    let read = party.room(guests[2]).read().unwrap();
    party.disk(guests[2]).fail();
    party.room(guests[2]).propose(&Add(1)).unwrap();
    party.run_for(Duration::from_secs(1));
    assert_eq!(seen(&mut party, guests[2]).read, [(read, Err(ReadError::Closed))]);
    assert_eq!(party.room(guests[2]).read(), Err(ReadError::Closed));
}
