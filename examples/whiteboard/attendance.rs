//! What every whiteboard does in its room, window or not: it enters, says how the board stands, draws what it
//! was told to, and ends with a reason when it can't go on.

use crate::{
    board::Stroke,
    continuation::{Continuation, ContinuationPlugin, ContinuationSystems, Successor},
    drawing::{Drawing, draw_on},
    entry::Entry,
    errors::Failure,
    folder::Folder,
    output::Output,
    signaling::Signaling,
    status::{StatusNews, StatusPlugin, StatusSystems},
};
use bevy::prelude::*;
use bevy_quorum::{prelude::*, wire::ClusterId};
use std::time::{Duration, Instant};

/// How long a first visit waits for the signaling server to let it in.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);

/// The signaling server that has to let us in, and since when we wait.
#[derive(Resource)]
struct Needed {
    url: String,
    since: Instant,
}

/// Our own signaling server.
#[derive(Resource)]
struct Host(Signaling);

/// Takes part in the board of `entry`, with `strokes` to draw, and with status lines if they are wanted.
pub fn attend(app: &mut App, entry: Entry, strokes: Vec<Stroke>, tell: Telling) {
    let Entry { room, signaling, continuation, needed } = entry;
    if let Some(signaling) = signaling {
        app.insert_resource(Host(signaling));
    }
    if let Some(url) = needed {
        app.insert_resource(Needed { url, since: Instant::now() });
    }
    let mut room = Some(room);
    app.add_plugins(ContinuationPlugin(continuation))
        .init_resource::<Output>()
        .insert_resource(Drawing(strokes.into()))
        .add_systems(Startup, move |mut commands: Commands| {
            if let Some(room) = room.take() {
                commands.spawn(room);
            }
        })
        .add_systems(
            Update,
            (remember_address, announce, draw_on, end_if_failed, end_if_unreachable).after(ContinuationSystems),
        );
    if tell == Telling::Status {
        app.add_plugins(StatusPlugin).add_systems(PostUpdate, tell_status.after(StatusSystems));
    }
}

/// What is said on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// The invitation.
    Invitation,
    /// The invitation, and how the board stands whenever that changes.
    Status,
}

/// Remembers where our signaling server listens, once the folder is ours.
fn remember_address(
    rooms: Query<&Room>,
    host: Option<Res<Host>>,
    continuation: Res<Continuation>,
    mut done: Local<Option<Folder>>,
) -> Result {
    let (Some(host), Ok(room)) = (host, rooms.single()) else { return Ok(()) };
    let folder = &continuation.folder;
    if room.status().node.is_none() || done.as_ref() == Some(folder) {
        return Ok(());
    }
    *done = Some(folder.clone());
    let (address, before) = (host.0.address(), folder.listened_at());
    if let Some(before) = before.filter(|before| *before != address) {
        eprintln!("whiteboard: this board was found at {before} and is at {address} now; newcomers need the new link");
    }
    Ok(folder.remember(address, &host.0.url())?)
}

/// Prints the link, once others can come in by it; and another one, when the board is continued as a new one.
fn announce(rooms: Query<(&Room, &RoomState)>, output: Res<Output>, mut done: Local<Option<ClusterId>>) {
    for (room, state) in &rooms {
        let ready = matches!(state, RoomState::Open) && room.status().rendezvous == RendezvousState::Connected;
        let news = room.invitation().filter(|invitation| ready && *done != Some(invitation.cluster));
        if let Some(invitation) = news {
            output.line(format!("invite: {invitation}"));
            *done = Some(invitation.cluster);
        }
    }
}

/// Ends with the room's own words when the room can't go on; a window that was open already shows them instead.
fn end_if_failed(
    rooms: Query<&RoomState, (Changed<RoomState>, Without<Successor>)>,
    windows: Query<&Window>,
    mut was_open: Local<bool>,
    mut exit: MessageWriter<AppExit>,
) {
    for state in &rooms {
        match state {
            RoomState::Open => *was_open = true,
            RoomState::Failed(error) if *was_open && !windows.is_empty() => {
                Failure::Room(error.to_string()).report();
            }
            RoomState::Failed(error) => end(&Failure::Room(error.to_string()), &mut exit),
            _ => {}
        }
    }
}

/// Ends a first visit when the signaling server has not let us in for too long.
fn end_if_unreachable(
    rooms: Query<&Room>,
    needed: Option<Res<Needed>>,
    mut commands: Commands,
    mut exit: MessageWriter<AppExit>,
) {
    let (Some(needed), Ok(room)) = (needed, rooms.single()) else { return };
    let unreachable = |reason: &str| Failure::Unreachable { url: needed.url.clone(), reason: reason.to_owned() };
    let failure = match &room.status().rendezvous {
        RendezvousState::Connected => return commands.remove_resource::<Needed>(),
        RendezvousState::Connecting => unreachable("it does not answer"),
        RendezvousState::Lost(reason) | RendezvousState::Blocked(reason) => unreachable(reason),
        RendezvousState::Full(reason) => Failure::TakesNobodyIn { reason: reason.clone() },
    };
    if needed.since.elapsed() > SERVER_PATIENCE {
        end(&failure, &mut exit);
    }
}

fn end(failure: &Failure, exit: &mut MessageWriter<AppExit>) {
    failure.report();
    exit.write(AppExit::from_code(failure.code()));
}

/// Prints how the board stands, when that has changed.
fn tell_status(news: Res<StatusNews>, output: Res<Output>) {
    if let Some(line) = news.line() {
        output.state(line.json());
    }
}
