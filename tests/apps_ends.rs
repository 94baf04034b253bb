//! How rooms end and begin again in an app, and what the app is shown of it.
#![cfg(feature = "playtest")]
#![allow(clippy::unwrap_used, missing_docs)]

use bevy_app::App;
use bevy_ecs::prelude::*;
use bevy_quorum::{
    playtest::{Guest, Party},
    prelude::*,
};
use bevy_reflect::TypeRegistry;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A note; one that says "leave" despawns the room in its handler.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Note(String);

impl Portable for Note {
    const NAME: &'static str = "note";
}

/// Needs a resource that is nowhere.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct Lost;

impl Portable for Lost {
    const NAME: &'static str = "lost";
}

/// Nobody handles it.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct Unheard;

impl Portable for Unheard {
    const NAME: &'static str = "unheard";
}

#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
struct Point(u32);

impl Portable for Point {
    const NAME: &'static str = "point";
}

#[derive(Resource)]
struct Nowhere;

#[derive(Resource, Default)]
struct Seen {
    notes: Vec<(Entity, String)>,
    settled: Vec<(Entity, Proposal, Outcome)>,
    restored: usize,
    points: Vec<u32>,
    changes: usize,
}

fn note(note: In<Committed<Note>>, mut seen: ResMut<Seen>, mut commands: Commands) -> Result<(), Reject> {
    seen.notes.push((note.room, note.value.0.clone()));
    if note.value.0 == "leave" {
        commands.entity(note.room).despawn();
    }
    Ok(())
}

fn lost(_: In<Committed<Lost>>, _: Res<Nowhere>) -> Result<(), Reject> {
    Ok(())
}

fn game(app: &mut App) {
    app.init_resource::<Seen>()
        .add_command(note)
        .add_command(lost)
        .add_whisper::<Point>()
        .add_observer(|settled: On<Settled>, mut seen: ResMut<Seen>| {
            seen.settled.push((settled.room, settled.proposal, settled.outcome.clone()));
        })
        .add_observer(|_: On<Restored<Note>>, mut seen: ResMut<Seen>| seen.restored += 1)
        .add_observer(|point: On<Whispered<Point>>, mut seen: ResMut<Seen>| seen.points.push(point.value.0))
        .add_systems(bevy_app::Update, |rooms: Query<(), Changed<Room>>, mut seen: ResMut<Seen>| {
            seen.changes += rooms.iter().count();
        });
}

fn words(words: &str) -> Note {
    Note(words.to_owned())
}

fn pair(seed: u64) -> (Party, [Guest; 2]) {
    let mut party = Party::new(seed, game);
    let guests = [party.open(), party.join()];
    let both = |party: &mut Party| guests.iter().all(|guest| party.room(*guest).status().voters.len() == 2);
    assert!(party.run_until(Duration::from_secs(10), both));
    (party, guests)
}

fn seen(party: &mut Party, guest: Guest) -> &mut Seen {
    party.app(guest).world_mut().resource_mut::<Seen>().into_inner()
}

fn outcomes(party: &mut Party, guest: Guest) -> Vec<(Proposal, Outcome)> {
    seen(party, guest).settled.iter().map(|(_, proposal, outcome)| (*proposal, outcome.clone())).collect()
}

#[test]
fn when_a_room_fails_what_was_not_decided_is_settled_as_that_once() {
    let (mut party, [host, guest]) = pair(1);
    let address = party.address(guest);
    party.network().partition(&[address]);
    let first = party.room(guest).propose(&words("waits")).unwrap();
    party.run_for(Duration::from_millis(100));
    party.disk(guest).fail();
    let second = party.room(guest).propose(&words("comes too late")).unwrap();
    party.run_for(Duration::from_secs(1));
    assert_eq!(outcomes(&mut party, guest), [(first, Outcome::Undecided), (second, Outcome::Undecided)]);
    assert_eq!(party.room(guest).status().pending, 2, "they are not decided");
    assert_eq!(party.room(guest).propose(&words("refused")), Err(bevy_quorum::room::ProposeError::Closed));
    assert_eq!(party.room(host).status().pending, 0);
}

#[test]
fn what_was_committed_before_a_room_failed_settles_as_committed() {
    let (mut party, [host, _]) = pair(2);
    party.freeze(host, Duration::from_secs(1));
    let proposal = party.room(host).propose(&words("in time")).unwrap();
    party.run_for(Duration::from_millis(500));
    party.disk(host).fail();
    party.run_for(Duration::from_secs(1));
    let settled = outcomes(&mut party, host);
    assert!(matches!(settled[..], [(it, Outcome::Committed(_))] if it == proposal), "{settled:?}");
}

#[test]
fn a_handler_may_despawn_its_room() {
    let (mut party, [host, guest]) = pair(3);
    for text in ["one", "leave", "never"] {
        party.room(host).propose(&words(text)).unwrap();
    }
    party.run_for(Duration::from_secs(2));
    let world = party.app(guest).world_mut();
    assert_eq!(world.query::<&Room>().iter(world).count(), 0);
    assert_eq!(world.query::<&Peer>().iter(world).count(), 0, "its peers went with it");
    let notes: Vec<_> = seen(&mut party, guest).notes.iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(notes, ["one", "leave"], "who left carries nothing more out");
}

#[test]
fn commands_that_nobody_can_carry_out_are_rejected_and_the_room_goes_on() {
    let (mut party, [host, guest]) = pair(4);
    party.room(guest).propose(&Unheard).unwrap();
    party.room(guest).propose(&Lost).unwrap();
    party.room(guest).propose(&words("goes on")).unwrap();
    party.run_for(Duration::from_secs(1));
    let settled: Vec<_> = outcomes(&mut party, guest).into_iter().map(|(_, outcome)| outcome).collect();
    let [Outcome::Rejected { reason: a, .. }, Outcome::Rejected { reason: b, .. }, Outcome::Committed(_)] =
        &settled[..]
    else {
        panic!("{settled:?}")
    };
    assert!(a.to_string().contains("no handler") && b.to_string().contains("could not run"), "{a}; {b}");
    assert_eq!(seen(&mut party, host).notes.len(), 1);
}

#[test]
fn a_restored_command_whose_type_is_gone_is_settled_all_the_same() {
    let (mut party, [_, guest]) = pair(5);
    let address = party.address(guest);
    party.network().partition(&[address]);
    party.room(guest).propose(&Unheard).unwrap();
    party.room(guest).propose(&words("known")).unwrap();
    party.run_for(Duration::from_millis(200));
    party.kill(guest);
    party.network().heal();
    party.restart(guest);
    party.run_for(Duration::from_millis(50));
    assert_eq!(seen(&mut party, guest).restored, 1);
    party.run_for(Duration::from_secs(5));
    assert_eq!((outcomes(&mut party, guest).len(), party.room(guest).status().pending), (2, 0));
}

#[test]
fn a_stalled_app_keeps_the_newest_whispers_and_no_more_than_its_limit() {
    let (mut party, [host, guest]) = pair(6);
    party.freeze(guest, Duration::from_secs(4));
    for x in 0..3_000 {
        party.room(host).whisper(&Point(x)).unwrap();
        party.run_for(Duration::from_millis(1));
    }
    party.run_for(Duration::from_secs(2));
    let points = &seen(&mut party, guest).points;
    assert_eq!((points.len(), points.last()), (1_024, Some(&2_999)));
}

#[test]
fn the_rooms_own_entity_shows_its_nodes_part_and_a_quiet_room_does_not_change() {
    let (mut party, [host, guest]) = pair(7);
    party.run_for(Duration::from_secs(2));
    for (who, leads) in [(host, true), (guest, false)] {
        let world = party.app(who).world_mut();
        let mut rooms = world.query_filtered::<(Has<Voter>, Has<Learner>, Has<Leader>), With<Room>>();
        assert_eq!(rooms.single(world).unwrap(), (true, false, leads));
        world.resource_mut::<Seen>().changes = 0;
    }
    party.run_for(Duration::from_secs(5));
    assert_eq!(seen(&mut party, guest).changes, 0, "nothing happened but heartbeats");
}

#[test]
fn a_killed_peer_loses_its_link_and_its_vote_in_the_mirror() {
    let (mut party, [host, guest]) = pair(8);
    party.kill(guest);
    party.run_for(Duration::from_secs(8));
    let world = party.app(host).world_mut();
    let mut peers = world.query::<(&Peer, Has<Voter>, Has<Learner>, Has<LinkStats>)>();
    let (_, votes, learns, linked) = peers.single(world).unwrap();
    assert_eq!((votes, learns, linked), (false, true, false));
    assert!(party.room(host).status().peers.is_empty());
}

#[test]
fn a_newcomer_after_a_restart_is_let_in() {
    let (mut party, [host, guest]) = pair(9);
    party.kill(guest);
    party.restart(guest);
    party.run_for(Duration::from_secs(5));
    let third = party.join();
    let three = |party: &mut Party| party.room(third).status().voters.len() == 3;
    assert!(party.run_until(Duration::from_secs(10), three), "{:?}", party.room(host).status());
    assert_eq!(party.room(host).status().refused_frames, 0);
}

#[test]
fn everything_that_an_inspector_shows_is_registered() {
    let mut app = App::new();
    app.add_plugins(QuorumPlugins);
    let registry = app.world().resource::<AppTypeRegistry>().read();
    let registry: &TypeRegistry = &registry;
    for name in [
        "Room",
        "RoomState",
        "RoomStatus",
        "Role",
        "RendezvousState",
        "Peer",
        "PeerOf",
        "Peers",
        "Voter",
        "Learner",
        "Leader",
        "LinkStats",
        "Permitted",
        "ApplyBudget",
        "NodeId",
        "Term",
        "LogIndex",
        "Permission",
    ] {
        assert!(registry.get_with_short_type_path(name).is_some(), "{name}");
    }
}
