//! Rooms that are kept: this program is a witness in each, stores what the others commit, and has no code of any game.
//!
//! All are entities of one app without a window, on a thread of its own that sleeps until a room rings. Each room's
//! consensus, links and disk have threads of their own beside it.

use crate::{Failure, settings::Keep};
use bevy_app::{App, AppExit};
use bevy_ecs::prelude::*;
use bevy_quorum::{
    prelude::{AppBell, QuorumPlugins, Role, Room, RoomState},
    room::RoomError,
};
use serde::Serialize;
use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    task::{Wake, Waker},
    thread::{self, JoinHandle},
};

/// How a kept room stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeptRoom {
    /// Its cluster, which also names its folder.
    pub name: String,
    /// Where it is on its way in.
    pub state: State,
    /// Whether this program leads it, which it does only while no player can.
    pub leads: bool,
    /// How many members vote.
    pub voters: usize,
    /// The last entry known committed.
    pub commit: u64,
    /// The last entry that its snapshot stands for.
    pub snapshot: u64,
    /// Bytes of its log since then.
    pub log_bytes: usize,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Where a kept room is on its way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Its store is being opened.
    Opening,
    /// It waits to be let in.
    Joining,
    /// It is a member.
    Open,
    /// It can't go on.
    Failed,
    /// It was left.
    Closed,
}

impl KeptRoom {
    /// What this program does in it.
    pub fn role(&self) -> String {
        let role = match (self.state, self.leads) {
            (State::Failed, _) => "failed",
            (State::Open, true) => "leader",
            (State::Open, false) => "follower",
            _ => "waiting",
        };
        role.to_owned()
    }
}

/// The rooms that are kept, until they are left.
pub struct Kept {
    shown: Arc<Mutex<Vec<KeptRoom>>>,
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

/// Which room an entity keeps.
#[derive(Component)]
struct Place {
    name: String,
    folder: PathBuf,
}

/// Whether the stores of all rooms are open, or why one isn't.
type Entered = Result<(), Failure>;

impl Kept {
    /// Enters all of them. Returns once their stores are open; the members of a room may come much later.
    ///
    /// # Errors
    /// If a store can't be opened.
    pub fn enter(rooms: Vec<Keep>, stun: &[String]) -> Result<Self, Failure> {
        let (ring, rings) = sync_channel(1);
        let bell = Arc::new(Bell { ring, stop: Mutex::new(false) });
        let shown = Arc::<Mutex<Vec<KeptRoom>>>::default();
        let (tell_entered, entered) = sync_channel(1);
        let (listener, showing, stun) = (bell.clone(), shown.clone(), stun.to_vec());
        let live = move || live(rooms, &stun, &listener, &rings, &showing, &tell_entered);
        let thread = thread::Builder::new().name("kept rooms".into()).spawn(live).map_err(Failure::Runtime)?;
        let kept = Self { shown, bell, thread: Some(thread) };
        entered.recv().map_err(|_| Failure::Runtime(io::Error::other("the thread of kept rooms ended")))??;
        Ok(kept)
    }

    /// How they stand.
    pub fn shown(&self) -> Vec<KeptRoom> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Kept {
    /// Leaves them in good order: the office is handed over, what was submitted is durable.
    fn drop(&mut self) {
        self.bell.stop();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Wakes the app. That it rang is remembered once.
struct Bell {
    ring: SyncSender<()>,
    stop: Mutex<bool>,
}

impl Bell {
    fn stop(&self) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.rings();
    }

    fn is_stopping(&self) -> bool {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rings(&self) {
        let _rung_already = self.ring.try_send(());
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rings();
    }
}

fn live(
    rooms: Vec<Keep>,
    stun: &[String],
    bell: &Arc<Bell>,
    rings: &Receiver<()>,
    shown: &Mutex<Vec<KeptRoom>>,
    entered: &SyncSender<Entered>,
) {
    let mut app = App::new();
    app.add_plugins(QuorumPlugins).insert_resource(AppBell::new(Waker::from(bell.clone())));
    for Keep { invitation, folder } in rooms {
        let room = Room::join(invitation.to_string()).store(&folder).ice_servers(stun).witness();
        app.world_mut().spawn((room, Place { name: invitation.cluster.to_string(), folder }));
    }
    let mut told = false;
    loop {
        app.update();
        if !told && let Some(result) = judge(app.world_mut()) {
            told = true;
            let _nobody_waits = entered.send(result);
        }
        show(app.world_mut(), shown);
        if bell.is_stopping() {
            break;
        }
        let _ = rings.recv();
    }
    app.world_mut().write_message(AppExit::Success);
    app.update();
    show(app.world_mut(), shown);
}

/// Nothing, as long as a store is being opened.
fn judge(world: &mut World) -> Option<Entered> {
    let mut rooms = world.query::<(&Room, &RoomState, &Place)>();
    let failed = rooms.iter(world).find_map(|(_, state, place)| match state {
        RoomState::Failed(error) => Some(Failure::Keep { folder: place.folder.clone(), error: error.clone() }),
        _ => None,
    });
    if let Some(failure) = failed {
        return Some(Err(failure));
    }
    rooms.iter(world).all(|(room, ..)| room.status().node.is_some()).then_some(Ok(()))
}

/// Lays open how the rooms stand, and says so in the log when one has failed.
fn show(world: &mut World, shown: &Mutex<Vec<KeptRoom>>) {
    let mut rooms = world.query::<(&Room, &RoomState, &Place)>();
    let now: Vec<_> = rooms.iter(world).map(|(room, state, place)| describe(room, state, place)).collect();
    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    for room in &now {
        let known = shown.iter().any(|before| before.name == room.name && before.failure == room.failure);
        if let (Some(failure), false) = (&room.failure, known) {
            tracing::error!("the room {} is not kept any more: {failure}", room.name);
        }
    }
    *shown = now;
}

fn describe(room: &Room, state: &RoomState, place: &Place) -> KeptRoom {
    let status = room.status();
    let failure = |error: &RoomError| Some(error.to_string());
    let (state, failure) = match state {
        RoomState::Opening => (State::Opening, None),
        RoomState::Joining => (State::Joining, None),
        RoomState::Open => (State::Open, None),
        RoomState::Failed(error) => (State::Failed, failure(error)),
        RoomState::Closed => (State::Closed, None),
    };
    KeptRoom {
        name: place.name.clone(),
        state,
        leads: status.role == Role::Leader,
        voters: status.voters.len(),
        commit: status.commit.0,
        snapshot: status.snapshot.0,
        log_bytes: status.log_bytes,
        failure,
    }
}
