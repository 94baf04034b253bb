//! What clients do: swaps and reads of registers, at any node, at any time.

use super::{Action, Operation, Reply, Simulation};
use crate::{
    playtest::registers::Swap,
    raft::{NodeId, Serial},
};
use std::collections::BTreeMap;

/// The operations that wait for an answer, by what names them.
#[derive(Default)]
pub(super) struct Workload {
    swaps: BTreeMap<(NodeId, Serial), usize>,
    /// No value is put into a register twice.
    last_value: u64,
}

impl Simulation {
    /// Lets a client ask for something; now and then, many clients at once.
    pub(super) fn operate(&mut self) {
        let many = if self.dice.roll().is_multiple_of(40) { 30 } else { 1 };
        let node = self.somebody();
        for _ in 0..many {
            let key = u8::try_from(self.dice.roll() % u64::from(self.plan.keys)).expect("keys are few");
            self.swap(node, key);
        }
    }

    pub(super) fn swap(&mut self, node: u64, key: u8) {
        if !self.cluster.is_awake(node) {
            return;
        }
        self.workload.last_value += 1;
        let value = self.workload.last_value;
        if let Ok(serial) = self.cluster.propose_at(node, Swap { key, value }.encode()) {
            // The number of a command that a crash took may be given to another: the first stays open.
            self.workload.swaps.insert((NodeId(node), serial), self.history.operations.len());
            self.ask(node, key, Action::Swap(value));
        }
    }

    fn ask(&mut self, node: u64, key: u8, action: Action) {
        let invoked = self.cluster.now;
        self.history.operations.push(Operation { node, key, action, invoked, answered: None, refused: false });
        self.hear();
    }

    /// Takes in what clients were told since the last time.
    pub(super) fn hear(&mut self) {
        for outcome in std::mem::take(&mut self.cluster.outcomes) {
            let name = (NodeId(outcome.node), outcome.serial);
            let Some(place) = self.workload.swaps.remove(&name) else { continue };
            let operation = &mut self.history.operations[place];
            operation.refused = outcome.refused;
            if !outcome.refused {
                operation.answered = Some((outcome.at, Reply::Found(outcome.found)));
            }
        }
    }
}
