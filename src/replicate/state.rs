//! What commands change: the part of the world that belongs to a room and goes into its snapshots.

use super::Portable;
use crate::{
    raft::LogIndex,
    room::StateError,
    wire::{self, DECODE_BYTES_MAX},
};
use bevy_app::App;
use bevy_ecs::prelude::*;
use bytes::Bytes;
use std::collections::BTreeMap;

/// The room's state took the place of what the app had, on the room's entity: what is derived from it, say meshes, has
/// to be made anew.
///
/// It comes when a room is entered whose beginning is no longer in the log, and to an app that fell too far behind.
/// What the commands up to here did is in the state; their effects are not told of.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Resource, Serialize, Deserialize)]
/// # struct Board { strokes: Vec<u64> }
///
/// fn draw_anew(restored: On<StateRestored>, board: Res<Board>) {
///     println!("{} strokes as of {}", board.strokes.len(), restored.index);
/// }
/// ```
#[derive(EntityEvent, Clone, Debug)]
pub struct StateRestored {
    /// The room.
    #[event_target]
    pub room: Entity,
    /// The last entry of the log whose effect the state holds.
    pub index: LogIndex,
    /// The states, by name, that the same commands had made something else of in this app: their handlers don't do the
    /// same everywhere. Mostly empty.
    pub differed: Vec<String>,
}

/// Puts a value that was read into the world.
pub(super) type Install = Box<dyn FnOnce(&mut World) + Send>;

/// How one type of state is written and read.
#[derive(Clone)]
pub(super) struct StateKind {
    /// What every room begins with: the value when the first one was entered.
    pub initial: Option<Bytes>,
    /// The version of what is written.
    pub version: u16,
    /// The value's bytes.
    pub write: fn(&World) -> Result<Bytes, StateError>,
    /// Whether these bytes are the only ones of their value.
    pub check: fn(&[u8]) -> Result<(), StateError>,
    /// The value of bytes of some version.
    pub read: fn(u16, &[u8]) -> Result<Install, StateError>,
}

/// The types of state of an app, by name.
#[derive(Resource, Clone, Default)]
pub(super) struct StateKinds(pub BTreeMap<&'static str, StateKind>);

impl StateKinds {
    /// Gives the world the state that every room begins with.
    ///
    /// # Errors
    /// If a value is missing, or can't be written down.
    pub fn begin(&mut self, world: &mut World) -> Result<(), StateError> {
        for kind in self.0.values_mut() {
            match &kind.initial {
                None => kind.initial = Some((kind.write)(world)?),
                Some(initial) => (kind.read)(kind.version, initial)?(world),
            }
        }
        Ok(())
    }
}

pub(super) fn register<T: Portable + Resource>(app: &mut App) {
    let mut kinds = app.world_mut().get_resource_or_init::<StateKinds>();
    let kind = StateKind { initial: None, version: T::VERSION, write: write::<T>, check: check::<T>, read: read::<T> };
    let former = kinds.0.insert(T::NAME, kind);
    assert!(former.is_none(), "two states are called {:?}; a name belongs to one type", T::NAME);
}

fn write<T: Portable + Resource>(world: &World) -> Result<Bytes, StateError> {
    let value = world.get_resource::<T>().ok_or(StateError::Missing { name: T::NAME })?;
    let bytes = wire::encode(value).map_err(|_| StateError::Unencodable { name: T::NAME })?;
    Ok(bytes.into())
}

fn check<T: Portable>(bytes: &[u8]) -> Result<(), StateError> {
    let canonical = wire::decode_canonical::<T>(bytes, DECODE_BYTES_MAX);
    canonical.map(drop).map_err(|_| StateError::NotCanonical { name: T::NAME })
}

fn read<T: Portable + Resource>(version: u16, bytes: &[u8]) -> Result<Install, StateError> {
    let value = if version == T::VERSION {
        wire::decode_canonical::<T>(bytes, DECODE_BYTES_MAX).ok()
    } else {
        T::migrate(version, bytes)
    };
    let value = value.ok_or(StateError::Unreadable { name: T::NAME, version })?;
    Ok(Box::new(move |world| world.insert_resource(value)))
}
