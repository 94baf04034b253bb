//! The weather between nodes: what is lost, late, doubled or cut.

use crate::raft::Dice;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What happens to messages in one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// How long every message takes.
    pub delay: Duration,
    /// How much longer it may take, at random; more than the pause between two messages reorders them.
    pub jitter: Duration,
    /// How many of a thousand are lost.
    pub loss_permille: u64,
    /// How many of a thousand come twice.
    pub doubled_permille: u64,
}

impl Default for Conditions {
    /// 10 ms each way, and nothing goes wrong.
    fn default() -> Self {
        Self { delay: Duration::from_millis(10), jitter: Duration::ZERO, loss_permille: 0, doubled_permille: 0 }
    }
}

impl Conditions {
    /// A round trip without faults.
    pub fn round_trip(round_trip: Duration) -> Self {
        Self { delay: round_trip / 2, ..Self::default() }
    }

    /// How long each copy of one message takes; none if it is lost.
    fn delays(&self, dice: &mut Dice) -> Vec<Duration> {
        let copies = match (dice.roll() % 1_000 < self.loss_permille, dice.roll() % 1_000 < self.doubled_permille) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        (0..copies).map(|_| self.delay + dice.between(Duration::ZERO, self.jitter)).collect()
    }
}

#[derive(Default)]
pub(super) struct Network {
    pub everywhere: Conditions,
    pub between: BTreeMap<(u64, u64), Conditions>,
    pub cuts: BTreeSet<(u64, u64)>,
}

impl Network {
    pub fn delays(&self, from: u64, to: u64, dice: &mut Dice) -> Vec<Duration> {
        if self.cuts.contains(&(from, to)) {
            return Vec::new();
        }
        self.between.get(&(from, to)).unwrap_or(&self.everywhere).delays(dice)
    }
}
