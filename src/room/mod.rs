//! The consensus world: ECS systems that run a node, and the driver that wakes them.
//!
//! Consensus lives in a [`World`](bevy_ecs::world::World) and a schedule of its own, beside the game's frame
//! and not inside it: a frame that stalls, or an `App` that sleeps, costs the room nothing. The node is an
//! entity, and so is each of its peers; the systems of [`RoomSystems`] carry things between their components
//! and [`raft::Node`](crate::raft::Node), and decide nothing about consensus.
//!
//! A driver calls [`ConsensusWorld::step`] whenever something happened: natively a thread of its own,
//! in tests a hand that also holds the clock.

mod consensus;
mod desk;
mod driver;
mod error;
mod opening;
mod status;
mod systems;

pub use consensus::*;
pub(crate) use desk::*;
pub(crate) use driver::*;
pub use error::*;
pub(crate) use opening::*;
pub use status::*;
pub use systems::RoomSystems;
