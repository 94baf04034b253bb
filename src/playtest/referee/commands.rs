//! The same commands everywhere, each once and in its author's order, with the same effect (§3.7, §6.3).

use super::Check;
use crate::{
    playtest::{machine::Machine, state::State},
    raft::{Applied, NodeId, Serial},
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Commands {
    applied: Vec<Applied>,
    /// The state after each of them.
    states: Vec<State>,
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
        let mut state = self.states.last().copied().unwrap_or_default();
        state.apply(applied);
        self.states.push(state);
        self.applied.push(applied.clone());
    }

    /// Looks at a state that a node takes over: it is what came of the commands that it stands for.
    pub fn inspect_restored(&self, node: u64, state: &State) -> &[Applied] {
        let count = usize::try_from(state.count).expect("histories fit in memory");
        let meant = count.checked_sub(1).map_or(Some(State::default()), |place| self.states.get(place).copied());
        Check::SameState.holds(meant == Some(*state), || format!("{node} takes over {state:?} instead of {meant:?}"));
        &self.applied[..count]
    }
}
