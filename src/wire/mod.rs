//! What travels: frames, their codec and limits, and invitations.

mod cluster;
mod codec;
mod error;
mod frame;
mod invitation;
mod node_id;
mod random;
mod rendezvous;
mod secret;
mod version;

pub use cluster::*;
pub use codec::*;
pub use error::*;
pub use frame::*;
pub use invitation::*;
pub use node_id::*;
pub(crate) use random::random_bytes;
pub use rendezvous::*;
pub use secret::*;
pub use version::*;
