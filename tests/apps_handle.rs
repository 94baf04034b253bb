//! What is proposed from outside an app's frames, in virtual time.
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

/// The notes of all, and what became of one's own.
#[derive(Resource, Default)]
struct Heard {
    notes: Vec<String>,
    settled: Vec<(Proposal, Outcome)>,
}

fn note(note: In<Committed<Note>>, mut heard: ResMut<Heard>) -> Result<(), Reject> {
    heard.notes.push(note.value.0.clone());
    Ok(())
}

fn game(app: &mut App) {
    app.init_resource::<Heard>().add_command(note).add_observer(|settled: On<Settled>, mut heard: ResMut<Heard>| {
        heard.settled.push((settled.proposal, settled.outcome.clone()));
    });
}

fn pair(seed: u64) -> (Party, [Guest; 2]) {
    let mut party = Party::new(seed, game);
    let guests = [party.open(), party.join()];
    let both = |party: &mut Party| guests.iter().all(|guest| party.room(*guest).status().voters.len() == 2);
    assert!(party.run_until(Duration::from_secs(10), both));
    (party, guests)
}

fn heard(party: &mut Party, who: Guest) -> &Heard {
    party.app(who).world().resource::<Heard>()
}

#[test]
fn what_a_handle_proposes_is_decided_while_its_own_app_draws_no_frame() {
    let (mut party, [author, other]) = pair(1);
    let handle = party.room(author).handle().unwrap();
    let before = handle.status().commit;
    party.freeze(author, Duration::from_secs(3));
    let proposal = handle.propose(&Note("from a script".into())).unwrap();
    party.run_for(Duration::from_secs(1));
    assert_eq!(heard(&mut party, other).notes, ["from a script"]);
    assert_eq!(heard(&mut party, author).notes.len(), 0, "its own frames stand still");
    assert!(handle.status().commit > before, "and yet it knows");
    assert_eq!(handle.status().pending, 1, "its app has not heard of it");
    party.run_for(Duration::from_secs(3));
    assert_eq!(heard(&mut party, author).notes, ["from a script"]);
    let settled = &heard(&mut party, author).settled;
    assert!(matches!(settled[..], [(known, Outcome::Committed(_))] if known == proposal), "{settled:?}");
    assert_eq!(handle.status().pending, 0);
}

#[test]
fn proposals_of_a_room_and_its_handles_have_names_of_their_own() {
    let (mut party, [author, _]) = pair(2);
    let handle = party.room(author).handle().unwrap();
    let proposals: Vec<_> = (0..6)
        .map(|number| {
            let note = Note(number.to_string());
            if number % 2 == 0 { handle.propose(&note).unwrap() } else { party.room(author).propose(&note).unwrap() }
        })
        .collect();
    party.run_for(Duration::from_secs(1));
    let heard = heard(&mut party, author);
    assert_eq!(heard.notes, ["0", "1", "2", "3", "4", "5"], "in the order in which they were made");
    assert_eq!(heard.settled.iter().map(|(proposal, _)| *proposal).collect::<Vec<_>>(), proposals);
}

#[test]
fn a_handle_says_so_once_its_room_is_left() {
    let (mut party, [author, _]) = pair(3);
    let handle = party.room(author).handle().unwrap();
    let app = party.app(author);
    let room = app.world_mut().query_filtered::<Entity, With<Room>>().single(app.world()).unwrap();
    app.world_mut().despawn(room);
    assert!(matches!(handle.propose(&Note("too late".into())), Err(ProposeError::Closed)));
    assert_eq!(handle.status().pending, 0);
}
