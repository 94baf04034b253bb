//! What an app is told of commands that were decided before it came, in virtual time.
#![cfg(feature = "playtest")]
#![allow(clippy::unwrap_used, missing_docs)]

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_quorum::{
    playtest::{Guest, Party},
    prelude::*,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Note(String);

impl Portable for Note {
    const NAME: &'static str = "note";
}

/// The notes, and whether each was replayed.
#[derive(Resource, Default)]
struct Heard(Vec<(String, bool)>);

fn note(_: In<Committed<Note>>) -> Result<(), Reject> {
    Ok(())
}

fn game(app: &mut App) {
    app.init_resource::<Heard>().add_command(note).add_observer(
        |note: On<Committed<Note>>, mut heard: ResMut<Heard>| {
            heard.0.push((note.value.0.clone(), note.replayed));
        },
    );
}

fn say(party: &mut Party, who: Guest, text: &str) {
    party.room(who).propose(&Note(text.to_owned())).unwrap();
    party.run_for(Duration::from_millis(200));
}

fn heard(party: &mut Party, who: Guest) -> Vec<(String, bool)> {
    party.app(who).world().resource::<Heard>().0.clone()
}

fn lines<const N: usize>(lines: [(&str, bool); N]) -> Vec<(String, bool)> {
    lines.map(|(text, replayed)| (text.to_owned(), replayed)).to_vec()
}

#[test]
fn a_newcomer_replays_what_was_decided_before_it_came() {
    let mut party = Party::new(1, game);
    let host = party.open();
    party.run_for(Duration::from_secs(1));
    say(&mut party, host, "before");
    let guest = party.join();
    party.run_for(Duration::from_secs(3));
    say(&mut party, host, "since");
    assert_eq!(heard(&mut party, guest), lines([("before", true), ("since", false)]));
    assert_eq!(heard(&mut party, host), lines([("before", false), ("since", false)]));
}

#[test]
fn a_restart_replays_what_it_knew_and_what_the_others_decided_meanwhile() {
    let mut party = Party::new(2, game);
    let guests = [party.open(), party.join(), party.join()];
    let three = |party: &mut Party| guests.iter().all(|guest| party.room(*guest).status().voters.len() == 3);
    assert!(party.run_until(Duration::from_secs(10), three));
    say(&mut party, guests[0], "known");
    party.kill(guests[2]);
    say(&mut party, guests[0], "missed");
    party.restart(guests[2]);
    party.run_for(Duration::from_secs(3));
    say(&mut party, guests[0], "live");
    assert_eq!(heard(&mut party, guests[2]), lines([("known", true), ("missed", true), ("live", false)]));
}

#[test]
fn who_leads_after_a_restart_replays_what_its_store_held_though_it_did_not_know_it_decided() {
    let mut party = Party::new(3, game);
    let host = party.open();
    party.run_for(Duration::from_secs(1));
    party.room(host).propose(&Note("just now".to_owned())).unwrap();
    party.run_for(Duration::from_millis(50));
    party.kill(host);
    party.restart(host);
    party.run_for(Duration::from_secs(1));
    say(&mut party, host, "live");
    assert_eq!(heard(&mut party, host), lines([("just now", true), ("live", false)]));
}

#[test]
fn what_is_decided_while_an_app_stalls_is_late_and_not_replayed() {
    let mut party = Party::new(4, game);
    let (host, guest) = (party.open(), party.join());
    party.run_for(Duration::from_secs(3));
    party.freeze(guest, Duration::from_secs(2));
    say(&mut party, host, "late");
    party.run_for(Duration::from_secs(2));
    assert_eq!(heard(&mut party, guest), lines([("late", false)]));
}
