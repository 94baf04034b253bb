//! The properties of the test suite, for the fuzzer: the same functions, from the same files.

#[path = "../../tests/properties_raft/draw.rs"]
mod draw;
#[path = "../../tests/properties/frames.rs"]
pub mod frames;
#[path = "../../tests/properties/introductions.rs"]
pub mod introductions;
#[path = "../../tests/properties/invitations.rs"]
pub mod invitations;
#[path = "../../tests/properties/memory.rs"]
mod memory;
#[path = "../../tests/properties_raft/nodes.rs"]
pub mod nodes;
#[path = "../../tests/properties_raft/rooms.rs"]
pub mod rooms;
#[path = "../../tests/properties_raft/schedules.rs"]
pub mod schedules;
#[path = "../../tests/properties/signals.rs"]
pub mod signals;
#[path = "../../tests/properties/states.rs"]
pub mod states;
#[path = "../../tests/properties_raft/store.rs"]
mod store;
#[path = "../../tests/properties/values.rs"]
pub mod values;
