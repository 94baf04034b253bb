//! A tiny deterministic state machine: what every replica of it has in common is what was applied, and in
//! which order.

use crate::raft::Applied;
use bytes::{BufMut, Bytes, BytesMut};
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many commands were applied, and a hash over them in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub count: u64,
    digest: u64,
}

impl State {
    pub fn apply(&mut self, applied: &Applied) {
        let mut hasher = DefaultHasher::new();
        (self.digest, applied).hash(&mut hasher);
        *self = Self { count: self.count + 1, digest: hasher.finish() };
    }

    /// Becomes another state, as by a fault of the game.
    pub fn corrupt(&mut self) {
        self.digest ^= 1;
    }

    /// Canonical bytes, with `ballast` more of them that follow from the rest.
    pub fn bytes(&self, ballast: usize) -> Bytes {
        let mut bytes = BytesMut::with_capacity(16 + ballast);
        bytes.put_u64_le(self.count);
        bytes.put_u64_le(self.digest);
        bytes.extend((0..ballast).map(|place| (self.digest >> (place % 57)) as u8));
        bytes.freeze()
    }

    /// The state that has these bytes.
    pub fn restore(bytes: &[u8]) -> Self {
        let number = |place: usize| bytes[8 * place..8 * (place + 1)].try_into().map(u64::from_le_bytes);
        let number = |place| number(place).expect("a state begins with two numbers");
        Self { count: number(0), digest: number(1) }
    }
}
