//! What the peers keep together: registers that are written, read, and swapped if they hold what is expected.

use bevy_quorum::prelude::*;
use serde::{Deserialize, Serialize};

/// What can be done to a register. The answer to each is what the register held before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Act {
    /// Writes a value.
    Write(u64),
    /// Writes `to`, if the register holds `from`.
    Swap { from: u64, to: u64 },
    /// Changes nothing, and is decided like the others.
    Read,
    /// Changes nothing, and is no command: the peer looks at its own state once that is late enough.
    Look,
}

/// One register. It begins with 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Register(pub u64);

impl Register {
    pub fn answer(&mut self, act: Act) -> u64 {
        let held = self.0;
        match act {
            Act::Write(value) => self.0 = value,
            Act::Swap { from, to } if held == from => self.0 = to,
            Act::Swap { .. } | Act::Read | Act::Look => {}
        }
        held
    }
}

/// Something done to one of them; each has a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Operation {
    pub number: u64,
    pub key: u64,
    pub act: Act,
}

impl Portable for Operation {
    const NAME: &'static str = "operation";
}
