//! Carries snapshots between a room's state and its driver: between two turns, and in slices, so that no frame is long.

use super::{
    Parent, Room, StateRestored,
    chore::Chore,
    game_state::{GameState, Part, PartHashes},
    rejections::Rejections,
    state::{Install, StateKinds},
};
use crate::{
    raft::{LogIndex, Snapshot},
    room::StateError,
};
use bevy_ecs::prelude::*;
use bytes::Bytes;
use std::{collections::VecDeque, sync::Arc};

/// Of how many marks it is remembered what this app came to there.
const MARKS_MAX: usize = 4;

/// What a room's state is made of beside the app's resources, and what is being done with it; on the room's entity.
#[derive(Component, Default)]
pub(super) struct Keeper {
    /// Which of the latest commands were refused.
    pub rejections: Rejections,
    work: Option<Work>,
    /// The state at a mark, on its way to the driver.
    sealing: Option<(LogIndex, Chore<Result<Sealed, StateError>>)>,
    /// What this app came to at the latest marks.
    marks: VecDeque<(LogIndex, PartHashes)>,
}

/// What turns wait for.
enum Work {
    /// A state is written, one type after the other.
    Write { index: LogIndex, state: GameState, left: Vec<&'static str> },
    /// A snapshot is read, beside the frame.
    Read { snapshot: Arc<Snapshot>, reading: Chore<Result<Reading, StateError>> },
}

/// A state in bytes.
struct Sealed {
    bytes: Bytes,
    parts: PartHashes,
}

/// What a snapshot holds, ready to take its place in the world.
struct Reading {
    state: GameState,
    parts: PartHashes,
    installs: Vec<Install>,
}

/// How soon the next turn can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Now.
    Free,
    /// After more work of this kind.
    Busy,
    /// Once the room is rung.
    Waits,
}

/// A mark: the state is to be written as it is now. An app that keeps no state writes none.
pub(super) fn begin_to_write(world: &mut World, room: Entity, index: LogIndex) {
    let left: Vec<_> = world.resource::<StateKinds>().0.keys().copied().collect();
    let parent = world.get::<Room>(room).and_then(Room::parent);
    let Some(mut keeper) = world.get_mut::<Keeper>(room) else { return };
    if !left.is_empty() {
        let rejections = keeper.rejections.clone();
        keeper.work =
            Some(Work::Write { index, state: GameState { parent, rejections, ..GameState::default() }, left });
    }
}

/// A snapshot takes the place of whatever the state is.
pub(super) fn begin_to_read(world: &mut World, room: Entity, snapshot: Arc<Snapshot>) {
    let Some(place) = world.get::<Room>(room).map(Room::workplace) else { return };
    let (kinds, bytes) = (world.resource::<StateKinds>().clone(), snapshot.state.clone());
    let reading = Chore::begin(place, move || {
        let state = GameState::open(&bytes)?;
        let installs = state.read(&kinds)?;
        Ok(Reading { parts: state.hashes(), state, installs })
    });
    if let Some(mut keeper) = world.get_mut::<Keeper>(room) {
        keeper.work = Some(Work::Read { snapshot, reading });
    }
}

/// Whether a snapshot is about to take the place of the state.
pub(super) fn is_reading(world: &World, room: Entity) -> bool {
    world.get::<Keeper>(room).is_some_and(|keeper| matches!(keeper.work, Some(Work::Read { .. })))
}

/// The state as it is now, for a room that begins with it.
///
/// # Errors
/// If it can't be written down.
pub(super) fn write_at_once(world: &World, parent: Parent) -> Result<Bytes, StateError> {
    let kinds = world.resource::<StateKinds>();
    let mut state = GameState { parent: Some(parent), ..GameState::default() };
    for (name, kind) in &kinds.0 {
        let part = Part { version: kind.version, bytes: (kind.write)(world)? };
        state.parts.insert((*name).into(), part);
    }
    state.seal(kinds)
}

/// Does the next slice of what turns wait for.
///
/// # Errors
/// If a snapshot can't take the place of the state.
pub(super) fn work_on(world: &mut World, room: Entity) -> Result<Pace, StateError> {
    hand_over(world, room);
    let Some(mut keeper) = world.get_mut::<Keeper>(room) else { return Ok(Pace::Free) };
    match keeper.work.take() {
        None => Ok(Pace::Free),
        Some(Work::Write { index, state, left }) => Ok(write(world, room, index, state, left)),
        Some(Work::Read { snapshot, reading }) => match reading.result() {
            None => {
                keeper.work = Some(Work::Read { snapshot, reading });
                Ok(Pace::Waits)
            }
            Some(reading) => {
                install(world, room, &snapshot, reading?);
                Ok(Pace::Busy)
            }
        },
    }
}

/// Writes the next type, or, once all are written, lets the state be sealed beside the frame.
fn write(world: &mut World, room: Entity, index: LogIndex, mut state: GameState, mut left: Vec<&'static str>) -> Pace {
    if let Some(name) = left.pop() {
        let kind = &world.resource::<StateKinds>().0[name];
        let (version, bytes) = (kind.version, (kind.write)(world));
        match bytes {
            Ok(bytes) => drop(state.parts.insert(name.into(), Part { version, bytes })),
            Err(error) => {
                complain(world, room, index, error);
                return Pace::Busy;
            }
        }
    }
    let Some(place) = world.get::<Room>(room).map(Room::workplace) else { return Pace::Free };
    let kinds = world.resource::<StateKinds>().clone();
    let Some(mut keeper) = world.get_mut::<Keeper>(room) else { return Pace::Free };
    let sealing_another = keeper.sealing.is_some();
    if !left.is_empty() || sealing_another {
        keeper.work = Some(Work::Write { index, state, left });
        return if sealing_another { Pace::Waits } else { Pace::Busy };
    }
    let seal = move || Ok(Sealed { bytes: state.seal(&kinds)?, parts: state.hashes() });
    keeper.sealing = Some((index, Chore::begin(place, seal)));
    Pace::Busy
}

/// Gives the driver what is sealed.
fn hand_over(world: &mut World, room: Entity) {
    let Some(mut keeper) = world.get_mut::<Keeper>(room) else { return };
    let Some((index, sealed)) = keeper.sealing.as_ref().and_then(|(index, chore)| Some((*index, chore.result()?)))
    else {
        return;
    };
    keeper.sealing = None;
    match sealed {
        Ok(Sealed { bytes, parts }) => {
            if keeper.marks.len() == MARKS_MAX {
                keeper.marks.pop_front();
            }
            keeper.marks.push_back((index, parts));
            if let Some(mut room) = world.get_mut::<Room>(room) {
                room.snapshotted(index, bytes);
            }
        }
        Err(error) => complain(world, room, index, error),
    }
}

/// Without a snapshot of ours the room goes on, as long as others make theirs, or its log has room.
fn complain(world: &mut World, room: Entity, index: LogIndex, error: StateError) {
    tracing::error!("no snapshot is made of the room at {index}: {error}");
    if let Some(mut room) = world.get_mut::<Room>(room) {
        room.complain(error);
    }
}

fn install(world: &mut World, room: Entity, snapshot: &Snapshot, reading: Reading) {
    let index = snapshot.position.index;
    let Reading { state, parts, installs } = reading;
    installs.into_iter().for_each(|install| install(world));
    world.flush();
    let Some(mut keeper) = world.get_mut::<Keeper>(room) else { return };
    keeper.rejections = state.rejections;
    let differed = keeper.differing(index, &parts);
    if !differed.is_empty() {
        tracing::error!("the same commands made something else here than elsewhere, of {differed:?}, up to {index}");
    }
    if let Some(mut room) = world.get_mut::<Room>(room) {
        room.restored(index, snapshot.time, state.parent);
    }
    world.trigger(StateRestored { room, index, differed });
    world.flush();
}

impl Keeper {
    /// Which parts this app came to otherwise at the same mark.
    fn differing(&self, index: LogIndex, parts: &PartHashes) -> Vec<String> {
        let Some((_, own)) = self.marks.iter().find(|(mark, _)| *mark == index) else { return Vec::new() };
        own.iter().filter(|(name, hash)| parts.get(*name) != Some(hash)).map(|(name, _)| name.to_string()).collect()
    }
}
