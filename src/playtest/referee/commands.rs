//! The same commands everywhere, each once and in its author's order, with the same effect (§3.7, §6.3).

use super::Check;
use crate::{
    playtest::{machine::Machine, state::State},
    raft::{Applied, Decision, LogIndex, NodeId, Serial},
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Commands {
    applied: Vec<Applied>,
    /// The state after each of them.
    states: Vec<State>,
    /// Each author's session, and its last command.
    last_serials: BTreeMap<NodeId, (LogIndex, Serial)>,
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
        let (author, serial) = (applied.command.author, applied.command.serial);
        let node = machine.node.as_ref().expect("who applies something runs");
        let session = node.membership_at(applied.index).members.get(&author).map_or(LogIndex(0), |it| it.session);
        let (former, last) = self.last_serials.insert(author, (session, serial)).unwrap_or_default();
        let follows = serial == last.next() || (session > former && serial > last);
        Check::ExactlyOnce.holds(follows, || format!("{applied:?} comes after {last}"));
        let mut state = self.states.last().copied().unwrap_or_default();
        state.apply(applied);
        self.states.push(state);
        self.applied.push(applied.clone());
    }

    /// What a node hears of an own command that it didn't apply is true.
    pub fn inspect_settled(&self, machine: &Machine, serial: Serial) {
        let Some(said) = machine.settled[&serial] else { return };
        let is_it = |applied: &&Applied| applied.command.author.0 == machine.id && applied.command.serial == serial;
        let decision = |applied: &Applied| Decision { index: applied.index, refusal: applied.refusal };
        let meant = self.applied.iter().rev().find(is_it).map(decision);
        Check::ExactlyOnce.holds(meant == Some(said), || format!("{} hears {said:?} of {serial}", machine.id));
    }

    /// Looks at a state that a node takes over: it is what came of the commands that it stands for.
    pub fn inspect_restored(&self, node: u64, state: &State) -> &[Applied] {
        let count = usize::try_from(state.count).expect("histories fit in memory");
        let meant = count.checked_sub(1).map_or(Some(State::default()), |place| self.states.get(place).copied());
        Check::SameState.holds(meant == Some(*state), || format!("{node} takes over {state:?} instead of {meant:?}"));
        &self.applied[..count]
    }
}
