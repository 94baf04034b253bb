//! Reads that see everything decided before they were asked.

use crate::{
    raft::LogIndex,
    room::{ReadError, Ticket},
};
use bevy_ecs::prelude::*;

/// Names one [read](super::Room::read) in a room, for as long as this process is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Read(pub(crate) Ticket);

/// A read has come to its end, on the room's entity of the peer that asked. If it did not fail, the state is now as late
/// as was asked for: what systems and observers see of it from here on holds every command that was decided, anywhere in
/// the room, before the read was asked.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
///
/// #[derive(Resource)]
/// struct Winner(Option<String>);
///
/// fn tell(read: On<ReadDone>, winner: Res<Winner>) {
///     match read.outcome {
///         Ok(_) => println!("as of now, the winner is {:?}", winner.0),
///         Err(reason) => println!("who wins can't be told now: {reason}"),
///     }
/// }
/// ```
#[derive(EntityEvent, Clone, Copy, Debug)]
pub struct ReadDone {
    /// The room.
    #[event_target]
    pub room: Entity,
    /// Which read.
    pub read: Read,
    /// How far the log is carried out here; or why that may not be far enough.
    pub outcome: Result<LogIndex, ReadError>,
}
