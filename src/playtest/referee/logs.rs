//! Log Matching, Leader Completeness, and that what is committed is durable on a majority and stays (§3.5, §3.6).

use super::Check;
use crate::{
    playtest::{
        machine::{Machine, end, entry},
        sim::Coverage,
    },
    raft::{
        Entry, LogIndex, LogPosition, Membership, Message, MessageBody, Node, NodeId, Payload, RoleKind, Term, Write,
    },
};
use std::collections::{BTreeMap, VecDeque};

#[derive(Default)]
pub(super) struct Logs {
    /// Every entry ever written or sent, and what it stood after.
    seen: BTreeMap<LogPosition, (LogPosition, Entry)>,
    committed: Vec<Entry>,
    /// The term in which each of them was first known committed; it never goes back.
    decided: Vec<Term>,
    /// Every committed configuration.
    memberships: Vec<(LogIndex, Membership)>,
    changes: Changes,
    dropped: u64,
    /// Up to where each running node's commits have been compared with all others'.
    compared: BTreeMap<NodeId, LogIndex>,
}

/// How often configurations changed, and how.
#[derive(Default)]
struct Changes {
    all: u64,
    two_to_one: u64,
    one_to_two: u64,
}

impl Logs {
    /// The last committed configuration.
    pub fn membership(&self) -> Option<&(LogIndex, Membership)> {
        self.memberships.last()
    }

    /// The committed configuration in force at `index`.
    pub fn membership_at(&self, index: LogIndex) -> Option<(LogIndex, &Membership)> {
        let count = self.memberships.partition_point(|(place, _)| *place <= index);
        self.memberships[..count].last().map(|(place, membership)| (*place, membership))
    }

    pub fn count(&self, coverage: &mut Coverage) {
        coverage.commits = self.committed.len() as u64;
        coverage.dropped_entries = self.dropped;
        coverage.membership_changes = self.changes.all;
        coverage.two_to_one = self.changes.two_to_one;
        coverage.one_to_two = self.changes.one_to_two;
    }

    /// Notes an entry that nobody knew committed before.
    fn commit(&mut self, entry: &Entry, term: Term) {
        self.committed.push(entry.clone());
        self.decided.push(term);
        if let Payload::Membership(membership) = &entry.payload {
            self.changes.all += 1;
            let before = self.membership().map_or(0, |(_, before)| before.voters().count());
            match (before, membership.voters().count()) {
                (2, 1) => self.changes.two_to_one += 1,
                (1, 2) => self.changes.one_to_two += 1,
                _ => {}
            }
            self.memberships.push((entry.index, membership.clone()));
        }
    }

    pub fn committed(&self) -> &[Entry] {
        &self.committed
    }

    pub fn restarted(&mut self, node: NodeId) {
        self.compared.remove(&node);
    }

    /// What a node commits is what all others committed there, and what is new is durable on a majority. Says whether
    /// something is new.
    pub fn inspect(&mut self, node: &Node, machines: &BTreeMap<u64, Machine>) -> bool {
        let known = self.committed.len() as u64;
        let compared = self.compared.insert(node.id(), node.commit()).unwrap_or_default();
        // What a snapshot stands for was compared where it was made; what is new is looked at, though it be cut already.
        let from = compared.max(node.base().index.min(LogIndex(known)));
        for entry in self.entries_between(node, from, node.commit()) {
            match self.committed.get(entry.index.0 as usize - 1) {
                Some(committed) => Check::CommittedStays
                    .holds(*committed == entry, || format!("{} commits {entry:?} besides {committed:?}", node.id())),
                None => self.commit(&entry, node.term()),
            }
        }
        if node.commit().0 <= known {
            return false;
        }
        let last = node.position_at(node.commit()).map(|position| position.term);
        let own_term = node.role_kind() != RoleKind::Leader || last == Some(node.term());
        Check::OwnTerm.holds(own_term, || format!("{} commits {} by counting", node.id(), node.commit()));
        // The configuration may have changed right after, in the same turn.
        let mut since = (node.commit().0..=node.last().0).map(|index| node.membership_at(LogIndex(index)));
        let counted = since.any(|membership| is_durable_on_majority(node, membership, machines));
        Check::DurableMajority.holds(counted, || format!("{} commits {} without", node.id(), node.commit()));
        true
    }

    /// The entries after `from` up to `to`, of a node that may have cut them off already.
    fn entries_between(&self, node: &Node, from: LogIndex, to: LogIndex) -> Vec<Entry> {
        let mut entries: VecDeque<Entry> = (from.max(node.base().index).0 + 1..=to.0)
            .map(|index| node.entry(LogIndex(index)).expect("what is committed is in the log").clone())
            .collect();
        let mut before = node.base();
        while before.index > from {
            let (previous, entry) = self.seen.get(&before).expect("every entry was written once");
            entries.push_front(entry.clone());
            before = *previous;
        }
        entries.into()
    }

    /// What was committed in earlier terms is in the log of every later leader (§3.6).
    pub fn check_completeness(&self, leader: &Node) {
        let earlier = self.decided.partition_point(|term| *term < leader.term());
        if let Some(entry) = self.committed[..earlier].last() {
            let holds = entry.index < leader.base().index || is_at(leader, entry.position());
            Check::Completeness.holds(holds, || format!("{} leads without {entry:?}", leader.id()));
        }
    }

    /// By induction: two entries of one position are the same, and stand after the same.
    pub fn inspect_write(&mut self, machine: &Machine, node: &Node, write: &Write) {
        if let Some(from) = write.truncate_from {
            self.dropped += end(&machine.disk.image).0.saturating_sub(from.0 - 1);
        }
        let shortens = write.truncate_from.is_some() && node.role_kind() == RoleKind::Leader;
        Check::AppendOnly.holds(!shortens, || format!("{} leads, and overwrites its log", node.id()));
        for entry in &write.entries {
            let previous = LogIndex(entry.index.0 - 1);
            let previous = node.position_at(previous).unwrap_or_default();
            self.see(node.id(), previous, entry);
        }
    }

    /// The same of what a leader sends, perhaps before it is written.
    pub fn inspect_message(&mut self, from: NodeId, message: &Message) {
        let MessageBody::Append { previous, entries, .. } = &message.body else { return };
        let mut previous = *previous;
        for entry in entries {
            self.see(from, previous, entry);
            previous = entry.position();
        }
    }

    fn see(&mut self, node: NodeId, previous: LogPosition, entry: &Entry) {
        let first = self.seen.entry(entry.position()).or_insert_with(|| (previous, entry.clone()));
        let same = first.0 == previous && first.1 == *entry;
        Check::LogMatching.holds(same, || format!("{node} has {entry:?} after {previous:?}; before it was {first:?}"));
    }
}

/// Whether a node's log, as far as it is not cut off, holds the entry at `position`.
pub(super) fn is_at(node: &Node, position: LogPosition) -> bool {
    position.index < node.base().index || node.position_at(position.index) == Some(position)
}

fn is_durable_on_majority(node: &Node, membership: &Membership, machines: &BTreeMap<u64, Machine>) -> bool {
    let last = node.entry(node.commit());
    let holds = |voter: &NodeId| {
        let disk = machines.get(&voter.0).map(|machine| &machine.disk.image);
        disk.is_some_and(|disk| disk.base.index >= node.commit() || entry(disk, node.commit()) == last)
    };
    membership.voters().filter(holds).count() > membership.voters().count() / 2
}
