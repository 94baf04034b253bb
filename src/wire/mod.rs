//! What travels: frames, their codec and limits, and invitations.

mod invitation;

pub use invitation::*;
