//! The same commands everywhere, each once and in its author's order, with the same effect (§3.7, §6.3).

use super::Check;
use crate::{
    playtest::machine::Machine,
    raft::{Applied, Decision, LogIndex, NodeId, Serial},
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Commands {
    applied: Vec<Applied>,
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
        let membership = machine.node.as_ref().map(|node| node.membership_at(applied.index));
        let member = membership.and_then(|membership| membership.members.get(&author));
        let session = member.map_or(LogIndex(0), |member| member.session);
        let (former, last) = self.last_serials.insert(author, (session, serial)).unwrap_or_default();
        let follows = serial == last.next() || (session > former && serial > last);
        Check::ExactlyOnce.holds(follows, || format!("{applied:?} comes after {last}"));
        self.applied.push(applied.clone());
    }

    /// An own command ends once: it was not applied, and what is said of it is true.
    pub fn inspect_settled(&self, machine: &Machine, serial: Serial) {
        let is_it = |applied: &&Applied| applied.command.author.0 == machine.id && applied.command.serial == serial;
        let twice = machine.applied.iter().any(|applied| is_it(&applied));
        Check::ExactlyOnce.holds(!twice, || format!("{} ends {serial} though it was applied", machine.id));
        let Some(said) = machine.settled[&serial] else { return };
        let decision = |applied: &Applied| Decision { index: applied.index, refusal: applied.refusal };
        let true_one = self.applied.iter().rev().find(is_it).map(decision);
        Check::ExactlyOnce
            .holds(true_one == Some(said), || format!("{} hears {said:?} of {serial}: {true_one:?}", machine.id));
    }
}
