//! What a peer proposed, and what became of it.

use super::{Portable, Reject};
use crate::{
    raft::{LogIndex, Rejected},
    room::Ticket,
};
use bevy_ecs::prelude::*;
use std::sync::Arc;

/// Names one proposal in a room, for as long as this process is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proposal(pub(crate) Ticket);

/// A proposal is decided, on the room's entity of the peer that made it.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
///
/// fn tell(settled: On<Settled>) {
///     match &settled.outcome {
///         Outcome::Committed(index) => println!("in the log at {index}"),
///         outcome => println!("no effect: {outcome:?}"),
///     }
/// }
/// ```
#[derive(EntityEvent, Clone, Debug)]
pub struct Settled {
    /// The room.
    #[event_target]
    pub room: Entity,
    /// Which proposal.
    pub proposal: Proposal,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a proposal. Every proposal comes to one of these, once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is committed at this index, and what it did is in this peer's state.
    Committed(LogIndex),
    /// It is committed, and its handler, or the room's permissions, refused it on every peer alike.
    Rejected {
        /// Where in the log.
        index: LogIndex,
        /// Why.
        reason: Reject,
    },
    /// It may have been committed or not, carried out or refused, and nobody can tell any more: this peer was away for so
    /// long that the room has forgotten what came of its proposals. The state shows what it did, if it did anything; what
    /// is proposed from now on is decided as usual.
    Unknown,
    /// It never left this node.
    NotTaken(Rejected),
    /// The room failed or was left before it was decided. If it is in a store that lasts, it goes on waiting
    /// there, and is [`Restored`] when the room is entered again.
    Undecided,
}

/// A command of this node from before a restart is still waiting to be decided, on the room's entity.
///
/// It will be settled like any other; a game that shows what is pending shows it again.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use bevy_quorum::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct Strike { damage: u32 }
/// # impl Portable for Strike { const NAME: &'static str = "strike"; }
///
/// fn show_again(strike: On<Restored<Strike>>) {
///     println!("a strike of {} still waits", strike.value.damage);
/// }
/// ```
#[derive(EntityEvent, Debug)]
pub struct Restored<T: Portable> {
    /// The room.
    #[event_target]
    pub room: Entity,
    /// The name it goes by in this process.
    pub proposal: Proposal,
    /// What was proposed.
    pub value: Arc<T>,
}
