//! What Raft promises, checked after every event over the whole history (§3.2, Figure 3.2).
//!
//! Each part looks only at what an event changed, and keeps what it needs to judge by induction over the rest.

mod check;
mod commands;
mod configurations;
mod elections;
mod limits;
mod logs;
mod offices;
mod promises;
mod snapshots;

use super::{machine::Machine, sim::Coverage, state::State};
use crate::raft::{Applied, Entry, LogIndex, Membership, Message, Moment, NodeId, RoleKind, Serial, Write};
pub use check::Check;
use commands::Commands;
use configurations::Configurations;
use elections::Elections;
use logs::Logs;
use offices::Offices;
use promises::Promises;
use snapshots::Snapshots;
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Referee {
    elections: Elections,
    logs: Logs,
    configurations: Configurations,
    promises: Promises,
    commands: Commands,
    offices: Offices,
    snapshots: Snapshots,
}

impl Referee {
    /// Everything committed so far, anywhere.
    pub fn committed(&self) -> &[Entry] {
        self.logs.committed()
    }

    /// How many terms had a leader.
    pub fn elections(&self) -> usize {
        self.elections.count()
    }

    /// How many of their leaders were not called by the one before to take over.
    pub fn uncalled_elections(&self) -> usize {
        self.elections.leaders().filter(|(term, leader)| !self.promises.is_called(*term, *leader)).count()
    }

    /// The last configuration that is committed anywhere, and its place.
    pub fn membership(&self) -> Option<&(LogIndex, Membership)> {
        self.logs.membership()
    }

    /// Adds how often things happened.
    pub fn count(&self, coverage: &mut Coverage) {
        coverage.elections = self.elections.count() as u64;
        self.logs.count(coverage);
        self.promises.count(coverage);
    }

    /// Every command carried out so far, in order.
    pub fn applied(&self) -> &[Applied] {
        self.commands.applied()
    }

    /// A node starts again: it may know less committed than before, but no earlier term.
    pub fn restarted(&mut self, machine: &Machine) {
        self.elections.restarted(machine);
        self.configurations.restarted(machine);
        self.logs.restarted(NodeId(machine.id));
        self.offices.restarted(NodeId(machine.id));
    }

    /// Looks at a node after something happened to it.
    pub fn inspect(&mut self, now: Moment, machine: &Machine, machines: &BTreeMap<u64, Machine>) {
        let Some(node) = &machine.node else { return };
        self.elections.inspect(node);
        if self.elections.has_news() {
            self.promises.check_election(node, machines);
        }
        let news = self.logs.inspect(node, machines);
        self.configurations.inspect(node, LogIndex(self.logs.committed().len() as u64));
        self.snapshots.inspect(&self.logs);
        limits::inspect(machine, node);
        self.offices.inspect(machine, now, node);
        if news || self.elections.has_news() {
            let leaders = machines.values().filter_map(|machine| machine.node.as_ref());
            leaders
                .filter(|node| node.role_kind() == RoleKind::Leader)
                .for_each(|leader| self.logs.check_completeness(leader));
        }
    }

    /// A node hears another.
    pub fn heard(&mut self, now: Moment, machine: &Machine, from: NodeId) {
        self.offices.heard(machine, now, from);
    }

    /// Looks at a write before it is handed to the disk.
    pub fn inspect_write(&mut self, machine: &Machine, write: &Write) {
        let node = machine.node.as_ref().expect("who writes runs");
        self.logs.inspect_write(machine, node, write);
        self.configurations.inspect_write(node, write);
        self.snapshots.inspect_write(node, write, self.logs.committed());
    }

    /// Looks at a message before it leaves.
    pub fn inspect_message(
        &mut self,
        from: &Machine,
        to: NodeId,
        message: &Message,
        machines: &BTreeMap<u64, Machine>,
    ) {
        let receiver = machines.get(&to.0).and_then(|machine| machine.node.as_ref());
        self.promises.inspect_message(from, to, receiver, message);
        self.logs.inspect_message(NodeId(from.id), message);
    }

    /// Looks at a state that a node takes over, and gives back what it consists of.
    pub fn inspect_restored(&self, node: u64, state: &State) -> &[Applied] {
        self.commands.inspect_restored(node, state)
    }

    /// Looks at the last command that a node has carried out.
    pub fn inspect_applied(&mut self, machine: &Machine) {
        self.commands.inspect(machine);
    }

    /// Looks at an own command that a node has seen the end of without applying it.
    pub fn inspect_settled(&self, machine: &Machine, serial: Serial) {
        self.commands.inspect_settled(machine, serial);
    }
}
