//! Continuing a room as a new one: chosen by a person, when those who could decide in it don't come back.

use super::{ReadDone, Room, RoomState, keeper, ledger::Ledger, state::StateKinds};
use crate::{
    raft::LogIndex,
    room::{Legacy, ReadError, RoomError},
    wire::ClusterId,
};
use bevy_ecs::prelude::*;
use serde::{Deserialize, Serialize};

/// The room that another one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its cluster.
    pub cluster: ClusterId,
    /// The last entry of its log that the new one starts from.
    pub index: LogIndex,
}

/// How a room belongs to others.
#[derive(Clone, Copy, Default)]
pub(super) struct Lineage {
    /// The room that it continues, as the state tells.
    pub parent: Option<Parent>,
    /// That room's entity, until it is left.
    pub continues: Option<Entity>,
    /// The room that is about to continue it.
    pub successor: Option<Entity>,
}

/// Begins to continue `old` as the room on `new`: gives what it leaves. The app's state stays as it is.
///
/// # Errors
/// If there is nothing to continue, or the state can't be written down.
pub(super) fn begin(world: &mut World, old: Entity, new: Entity) -> Result<Legacy, RoomError> {
    let Some(room) = world.get::<Room>(old) else { return Err(RoomError::NothingToContinue("there is no such room")) };
    if !room.can_be_continued() || keeper::is_reading(world, old) {
        return Err(RoomError::NothingToContinue("what the room's store holds is not carried out yet"));
    }
    if world.resource::<StateKinds>().0.is_empty() {
        return Err(RoomError::NothingToContinue("the app replicates no state"));
    }
    let Some(invitation) = room.invitation() else { return Err(RoomError::NothingToContinue("it was never entered")) };
    let (index, time) = (room.status().applied, room.time());
    let parent = Parent { cluster: invitation.cluster, index };
    let ledger = Ledger::after(&room.ledger());
    let state = keeper::write_at_once(world, parent)?;
    if let Some(mut new) = world.get_mut::<Room>(new) {
        *new.ledger() = ledger;
        new.lineage_mut().parent = Some(parent);
    }
    if let Some(mut old) = world.get_mut::<Room>(old) {
        old.lineage_mut().successor = Some(new);
    }
    Ok(Legacy { index, time, state })
}

/// Whether a room stands still, because another one is about to continue it. If that fails, it goes on.
pub(super) fn is_succeeded(world: &World, room: Entity) -> bool {
    let successor = world.get::<Room>(room).and_then(|room| room.lineage().successor);
    successor.is_some_and(|successor| matches!(world.get::<RoomState>(successor), Some(RoomState::Opening)))
}

/// The store of a room is there: if it continues another one, that one is left, and what was not decided in it is
/// proposed here, by the same names.
pub(super) fn take_over(world: &mut World, room: Entity) {
    let Some(old) = world.get_mut::<Room>(room).and_then(|mut room| room.lineage_mut().continues.take()) else {
        return;
    };
    let Some((new, former)) = world.get::<Room>(room).zip(world.get::<Room>(old)) else { return };
    let inherited = new.ledger().inherit(&mut former.ledger());
    for (proposal, body) in inherited {
        new.propose_again(proposal, body);
    }
    let unread = former.ledger().unread();
    for read in unread {
        world.trigger(ReadDone { room: old, read, outcome: Err(ReadError::Closed) });
        world.flush();
    }
    world.despawn(old);
}
