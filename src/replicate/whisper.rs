//! Whispers: unreliable, newest wins, never logged.

use super::{Portable, portable};
use crate::{
    raft::NodeId,
    wire::{self, WHISPER_BYTES_MAX},
};
use bevy_app::App;
use bevy_ecs::prelude::*;
use std::collections::BTreeMap;

/// Something another peer whispered, on the room's entity. Older than one that came before, it never arrives.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct Aim { angle: f32 }
/// # impl Portable for Aim { const NAME: &'static str = "aim"; }
///
/// fn turn(aim: On<Whispered<Aim>>) {
///     println!("{} aims at {}", aim.from, aim.value.angle);
/// }
/// ```
#[derive(EntityEvent, Debug)]
pub struct Whispered<T: Portable> {
    /// The room.
    #[event_target]
    pub room: Entity,
    /// Who whispered it.
    pub from: NodeId,
    /// What.
    pub value: T,
}

type Deliver = fn(&mut World, &[u8], Entity, NodeId);

/// The whispers of an app, by their kind.
#[derive(Resource, Default)]
pub(crate) struct Whispers(BTreeMap<u64, Deliver>);

impl Whispers {
    /// Delivers what came; what no game code knows, or can read, is dropped, as if it had been lost.
    pub fn deliver(&self, world: &mut World, kind: u64, body: &[u8], room: Entity, from: NodeId) {
        if let Some(deliver) = self.0.get(&kind) {
            deliver(world, body, room, from);
        }
    }
}

pub(super) fn register<T: Portable>(app: &mut App) {
    let mut whispers = app.world_mut().get_resource_or_init::<Whispers>();
    let former = whispers.0.insert(portable::kind::<T>(), deliver::<T>);
    assert!(former.is_none(), "two whispers are called {:?}; a name belongs to one type", T::NAME);
}

fn deliver<T: Portable>(world: &mut World, body: &[u8], room: Entity, from: NodeId) {
    if let Ok(value) = wire::decode(body, WHISPER_BYTES_MAX) {
        let value: T = value;
        world.trigger(Whispered { room, from, value });
        world.flush();
    }
}
