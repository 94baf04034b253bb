//! What clients do: swaps and reads of registers, at any node, at any time.

use super::{Action, Operation, Simulation};
use crate::playtest::{machine::Asked, registers::Swap};
use std::collections::BTreeMap;

/// How many registers are in use at the same time.
const KEYS_AT_ONCE: u64 = 4;
/// About how many operations a register sees.
const OPERATIONS_EACH: u64 = 30;

/// The operations that wait for an answer, by what names them.
#[derive(Default)]
pub(super) struct Workload {
    open: BTreeMap<(u64, Asked), usize>,
    /// No value is put into a register twice.
    last_value: u64,
}

impl Simulation {
    /// Lets a client ask for something; now and then, many clients at once.
    pub(super) fn operate(&mut self) {
        let many = if self.dice.roll().is_multiple_of(40) { 30 } else { 1 };
        let node = self.somebody();
        self.crowd(node, many);
    }

    /// So many clients ask one node.
    pub(super) fn crowd(&mut self, node: u64, many: u64) {
        for _ in 0..many {
            let key = self.key();
            if self.dice.roll() % 100 < self.plan.reads_percent { self.read(node, key) } else { self.swap(node, key) }
        }
    }

    /// A few registers are used by all for a while, then others: much happens to each at the same time, and no register's
    /// story is too long to be judged.
    fn key(&mut self) -> u8 {
        let age = self.history.operations.len() as u64 / (KEYS_AT_ONCE * OPERATIONS_EACH);
        ((age * KEYS_AT_ONCE + self.dice.roll() % KEYS_AT_ONCE) % 256) as u8
    }

    pub(super) fn swap(&mut self, node: u64, key: u8) {
        if self.cluster.is_awake(node) {
            self.workload.last_value += 1;
            let value = self.workload.last_value;
            let asked = self.cluster.propose_at(node, Swap { key, value }.encode());
            self.ask(node, key, Action::Swap(value), asked.ok().map(Asked::Command));
        }
    }

    pub(super) fn read(&mut self, node: u64, key: u8) {
        if self.cluster.is_awake(node) {
            let asked = self.cluster.read_register_at(node, key);
            self.ask(node, key, Action::Read, asked.ok().map(Asked::Read));
        }
    }

    /// Notes an operation that was taken in; it may have been answered at once.
    fn ask(&mut self, node: u64, key: u8, action: Action, asked: Option<Asked>) {
        if let Some(asked) = asked {
            // The number of a command that a crash took may be given to another: the first stays open.
            self.workload.open.insert((node, asked), self.history.operations.len());
            let invoked = self.cluster.now;
            self.history.operations.push(Operation { node, key, action, invoked, answered: None, refused: false });
        }
        self.hear();
    }

    /// Takes in what clients were told since the last time.
    pub(super) fn hear(&mut self) {
        for outcome in std::mem::take(&mut self.cluster.outcomes) {
            let Some(place) = self.workload.open.remove(&(outcome.node, outcome.asked)) else { continue };
            let operation = &mut self.history.operations[place];
            operation.refused = outcome.refused;
            if !outcome.refused {
                operation.answered = Some((outcome.at, outcome.reply));
            }
        }
    }
}
