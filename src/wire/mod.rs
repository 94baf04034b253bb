//! What travels: frames, their codec and limits, and invitations.

mod frame;
mod invitation;

pub use frame::*;
pub use invitation::*;
