//! The state of a game in a snapshot, and the envelopes of its commands.

use super::memory::within_bounds;
use bevy_quorum::replicate::{
    Portable,
    decoders::{game_state, open, seal},
};
use serde::{Deserialize, Serialize};

/// A command with something of everything.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
pub struct Step {
    pub places: Vec<(i32, u8)>,
    pub name: String,
    pub next: Option<Box<Step>>,
}

impl Portable for Step {
    const NAME: &'static str = "step";
}

/// What is taken for a game's state is written in exactly these bytes; what is taken for a command comes back from its own
/// envelope. Cut or with more behind it, it is neither.
pub fn have_one_spelling(bytes: &[u8]) {
    if let Some(state) = within_bounds(bytes, game_state) {
        assert_eq!(state.expect("what was read has an encoding"), bytes);
        assert!((0..bytes.len()).all(|end| game_state(&bytes[..end]).is_none()), "a part is another state");
        assert!(game_state(&[bytes, &[0]].concat()).is_none(), "a byte follows");
    }
    if let Some(step) = within_bounds(bytes, open::<Step>) {
        let sealed = seal(&step).expect("what was read has an encoding");
        assert!(sealed.len() <= bytes.len());
        assert_eq!(open::<Step>(&sealed).as_ref(), Some(&step));
        assert!((0..bytes.len()).all(|end| open::<Step>(&bytes[..end]).is_none()), "a part is another command");
        assert!(open::<Step>(&[bytes, &[0]].concat()).is_none(), "a byte follows");
    }
}
