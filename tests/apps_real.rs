//! Rooms with their own threads and disks in one app: left and entered again, side by side, and at exit.
#![cfg(all(feature = "webrtc", feature = "disk", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, missing_docs)]

use bevy_app::{App, AppExit};
use bevy_ecs::prelude::*;
use bevy_quorum::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    task::{Wake, Waker},
    time::{Duration, Instant},
};

/// Far more than anything here takes; only a failure waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Note(u32);

impl Portable for Note {
    const NAME: &'static str = "note";
}

#[derive(Resource, Default)]
struct Seen {
    notes: Vec<(Entity, u32)>,
    settled: Vec<(Entity, Outcome)>,
}

/// Rings into a channel.
struct Ring(Sender<()>);

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        let _nobody_listens = self.0.send(());
    }
}

fn note(note: In<Committed<Note>>, mut seen: ResMut<Seen>) -> Result<(), Reject> {
    seen.notes.push((note.room, note.value.0));
    Ok(())
}

fn app() -> (App, Receiver<()>) {
    let (ring, rings) = channel();
    let mut app = App::new();
    app.add_plugins(QuorumPlugins)
        .insert_resource(AppBell::new(Waker::from(Arc::new(Ring(ring)))))
        .init_resource::<Seen>()
        .add_command(note)
        .add_observer(|settled: On<Settled>, mut seen: ResMut<Seen>| {
            seen.settled.push((settled.room, settled.outcome.clone()));
        });
    (app, rings)
}

/// Nobody listens at this address: these rooms have one member.
fn open(folder: &Path) -> Room {
    Room::open("ws://127.0.0.1:9").store(folder)
}

/// Updates whenever the rooms ring, until `condition` holds.
fn run_until(app: &mut App, rings: &Receiver<()>, mut condition: impl FnMut(&mut World) -> bool) {
    let start = Instant::now();
    loop {
        app.update();
        if condition(app.world_mut()) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "it never came to hold");
        match rings.recv_timeout(Duration::from_secs(1)) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("the app holds its bell"),
        }
    }
}

fn state(world: &World, room: Entity) -> &RoomState {
    world.get::<RoomState>(room).unwrap()
}

fn is_open(world: &World, room: Entity) -> bool {
    assert!(!matches!(state(world, room), RoomState::Failed(_)), "{:?}", state(world, room));
    matches!(state(world, room), RoomState::Open)
}

fn propose(app: &App, room: Entity, number: u32) {
    app.world().get::<Room>(room).unwrap().propose(&Note(number)).unwrap();
}

#[test]
fn what_is_proposed_while_the_store_opens_is_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let (mut app, rings) = app();
    let room = app.world_mut().spawn(open(folder.path())).id();
    propose(&app, room, 1);
    propose(&app, room, 2);
    run_until(&mut app, &rings, |world| world.resource::<Seen>().settled.len() == 2);
    assert_eq!(app.world().resource::<Seen>().notes, [(room, 1), (room, 2)]);
}

#[test]
fn what_is_proposed_to_a_store_that_does_not_open_is_settled_as_undecided() {
    let folder = tempfile::tempdir().unwrap();
    let (mut app, rings) = app();
    let room = app.world_mut().spawn(Room::resume(folder.path().join("nothing"))).id();
    let _closed_already = app.world().get::<Room>(room).unwrap().propose(&Note(1));
    run_until(&mut app, &rings, |world| matches!(state(world, room), RoomState::Failed(_)));
    let settled = &app.world().resource::<Seen>().settled;
    assert!(settled.iter().all(|it| *it == (room, Outcome::Undecided)), "{settled:?}");
    assert_eq!(settled.len(), app.world().get::<Room>(room).unwrap().status().pending);
}

#[test]
fn a_room_that_was_just_left_can_be_entered_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut app, rings) = app();
    for number in 0..3 {
        let room = if number == 0 { open(folder.path()) } else { Room::resume(folder.path()) };
        let room = app.world_mut().spawn(room).id();
        propose(&app, room, number);
        run_until(&mut app, &rings, |world| {
            is_open(world, room) && world.resource::<Seen>().settled.iter().any(|(it, _)| *it == room)
        });
        app.world_mut().despawn(room);
    }
    let last: Vec<_> = app.world().resource::<Seen>().notes.iter().rev().take(3).map(|(_, number)| *number).collect();
    assert_eq!(last, [2, 1, 0], "each came back to what was committed before");
}

#[test]
fn a_room_that_takes_anothers_place_on_its_entity_comes_up() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut app, rings) = app();
    let room = app.world_mut().spawn(Room::join("no invitation")).id();
    assert!(matches!(state(app.world(), room), RoomState::Failed(_)));
    for folder in [&folder, &other] {
        app.world_mut().entity_mut(room).insert(open(folder.path()));
        propose(&app, room, 7);
        let settled = app.world().resource::<Seen>().settled.len() + 1;
        run_until(&mut app, &rings, |world| is_open(world, room) && world.resource::<Seen>().settled.len() == settled);
    }
}

#[test]
fn rooms_side_by_side_keep_their_commands_apart() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut app, rings) = app();
    let rooms = [&one, &two].map(|folder| app.world_mut().spawn(open(folder.path())).id());
    for number in 0..20 {
        propose(&app, rooms[number as usize % 2], number);
    }
    run_until(&mut app, &rings, |world| world.resource::<Seen>().settled.len() == 20);
    for (parity, room) in rooms.into_iter().enumerate() {
        let notes = app.world().resource::<Seen>().notes.iter().filter(|(it, _)| *it == room);
        let numbers: Vec<_> = notes.map(|(_, number)| *number as usize).collect();
        assert_eq!(numbers, (0..20).filter(|number| number % 2 == parity).collect::<Vec<_>>());
    }
}

#[test]
fn at_exit_the_store_is_flushed_before_the_app_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (mut app, rings) = app();
    let room = app.world_mut().spawn(open(folder.path())).id();
    run_until(&mut app, &rings, |world| is_open(world, room));
    propose(&app, room, 5);
    app.world_mut().write_message(AppExit::Success);
    app.update();
    let opened = bevy_quorum::storage::DiskStorage::open(folder.path()).unwrap();
    assert!(opened.durable.last_serial == Serial(1), "the proposal is kept: {:?}", opened.durable);
}

#[test]
fn an_invitation_with_another_address_is_kept_by_who_comes_back_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut app, rings) = app();
    let room = app.world_mut().spawn(open(folder.path())).id();
    run_until(&mut app, &rings, |world| is_open(world, room));
    let invitation = app.world().get::<Room>(room).unwrap().invitation().unwrap().clone();
    app.world_mut().despawn(room);
    let moved = invitation.with_rendezvous(["ws://127.0.0.1:10"]).unwrap();
    let viewing = moved.clone().with_permission(Permission::Viewer).unwrap();
    for entrance in [Room::join(viewing.to_string()).store(folder.path()), Room::resume(folder.path())] {
        let room = app.world_mut().spawn(entrance).id();
        run_until(&mut app, &rings, |world| is_open(world, room));
        assert_eq!(app.world().get::<Room>(room).unwrap().invitation(), Some(&moved), "and it goes on editing");
        app.world_mut().despawn(room);
    }
}
