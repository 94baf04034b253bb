//! Consensus as a pure state machine: inputs in, effects out.
//!
//! Nothing here knows Bevy, the network, the disk or the clock: time is an argument, randomness comes
//! from a seed, and the same inputs give the same effects on every machine.

mod ballot;
mod effect;
mod entry;
mod ids;
mod membership;
mod message;
mod moment;

pub use ballot::*;
pub use effect::*;
pub use entry::*;
pub use ids::*;
pub use membership::*;
pub use message::*;
pub use moment::*;
