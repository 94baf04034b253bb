//! A state machine whose replies tell what came before: registers that are swapped.

use crate::raft::Applied;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What the swaps among the commands have left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Registers(BTreeMap<u8, u64>);

/// A command that puts a value into a register, and replies with the one that was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Swap {
    pub key: u8,
    pub value: u64,
}

impl Registers {
    /// What came of all these commands.
    pub fn of(applied: &[Applied]) -> Self {
        let mut registers = Self::default();
        for applied in applied {
            registers.apply(applied);
        }
        registers
    }

    /// Carries a command out, and gives its reply; what is no swap changes nothing.
    pub fn apply(&mut self, applied: &Applied) -> Option<u64> {
        let swap = Swap::decode(&applied.command.body).filter(|_| applied.refusal.is_none())?;
        self.0.insert(swap.key, swap.value)
    }

    pub fn get(&self, key: u8) -> Option<u64> {
        self.0.get(&key).copied()
    }
}

impl Swap {
    pub fn encode(self) -> Bytes {
        [b"swap", &[self.key][..], &self.value.to_le_bytes()].concat().into()
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let (key, value) = body.strip_prefix(b"swap")?.split_first()?;
        Some(Self { key: *key, value: u64::from_le_bytes(value.try_into().ok()?) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_read_as_it_was_written() {
        let swap = Swap { key: 7, value: u64::MAX - 1 };
        assert_eq!(Swap::decode(&swap.encode()), Some(swap));
        assert_eq!(Swap::decode(b"swap"), None);
        assert_eq!(Swap::decode(b"hello"), None);
    }
}
