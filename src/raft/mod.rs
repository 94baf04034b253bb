//! Consensus as a pure state machine: inputs in, effects out.
//!
//! Nothing here knows Bevy, the network, the disk or the clock: time is an argument, randomness comes
//! from a seed, and the same inputs give the same effects on every machine.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod autopilot;
mod ballot;
mod borrow;
mod change;
mod config;
mod dice;
mod durability;
mod early;
mod effect;
mod election;
mod entries;
mod entry;
mod following;
mod forwarding;
mod holdup;
mod ids;
mod inflight;
mod install;
mod leave;
mod load;
mod log;
mod mark;
mod membership;
mod message;
mod moment;
mod mutant;
mod node;
mod outbox;
mod priority;
mod progress;
mod quorum;
mod reads;
mod replication;
mod role;
mod rounds;
mod sessions;
mod settling;
mod shelf;
mod shipment;
mod snapshot;
mod stalling;
mod timing;
mod trace;
mod transfer;
mod turn;

pub use ballot::*;
pub use change::ChangeRefused;
pub use config::Config;
#[cfg(feature = "playtest")]
pub(crate) use dice::Dice;
pub use effect::*;
pub use entries::Entries;
pub use entry::*;
pub use holdup::Holdup;
pub use ids::*;
pub use load::Load;
pub use membership::*;
pub use message::*;
pub use moment::*;
#[cfg(feature = "playtest")]
pub use mutant::Mutant;
pub use node::Node;
pub use priority::PRIORITY_DEFAULT;
pub use sessions::{Decision, RECENT_MAX, Sessions};
pub use snapshot::{Digest, SNAPSHOT_BYTES_MAX, Snapshot};
pub use trace::{Deed, Step, Why};

#[cfg(not(feature = "playtest"))]
use mutant::Mutant;
