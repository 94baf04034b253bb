//! The same commands everywhere, each once and in its author's order, with the same effect (§3.7, §6.3).

use super::Check;
use crate::{
    playtest::machine::Machine,
    raft::{Applied, NodeId, Serial},
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Commands {
    applied: Vec<Applied>,
    last_serials: BTreeMap<NodeId, Serial>,
}

impl Commands {
    pub fn applied(&self) -> &[Applied] {
        &self.applied
    }

    /// Looks at the last command that a node has carried out.
    pub fn inspect(&mut self, machine: &Machine) {
        let (id, place) = (machine.id, machine.applied.len() - 1);
        let applied = &machine.applied[place];
        if let Some(before) = self.applied.get(place) {
            return Check::SameState
                .holds(before == applied, || format!("{id} does {applied:?} instead of {before:?}"));
        }
        Check::SameState.holds(self.applied.len() == place, || format!("{id} skips a command"));
        let last = self.last_serials.entry(applied.command.author).or_default();
        Check::ExactlyOnce.holds(applied.command.serial == last.next(), || format!("{applied:?} comes after {last}"));
        *last = applied.command.serial;
        self.applied.push(applied.clone());
    }
}
