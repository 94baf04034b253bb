//! What Raft promises (§3.2, Figure 3.2), looked at after every step.

use crate::machine::Machine;
use bevy_quorum::raft::{Durable, Entry, LogIndex, LogPosition, Membership, Node, NodeId, Payload, RoleKind, Term};
use std::collections::BTreeMap;

/// The promise that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Broken {
    Assertion,
    ElectionSafety,
    LogMatching,
    LeaderCompleteness,
    StateMachineSafety,
    Durability,
    OneChange,
    Read,
}

/// What has to be remembered to tell whether the promises hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Record {
    leaders: BTreeMap<Term, NodeId>,
    /// What was ever known committed, and the term of who knew it first. Kept with that term, because an old
    /// entry may be committed long after leaders that never held it.
    committed: Vec<(LogPosition, Term)>,
}

impl Record {
    /// The last index that was ever known committed.
    pub fn committed(&self) -> LogIndex {
        LogIndex(self.committed.len() as u64)
    }

    /// Looks at all machines after something happened to one.
    pub fn inspect(&mut self, machines: &[&Machine], at: usize) -> Result<(), Broken> {
        let node = &machines[at].node;
        ensure(machines[at].read != Some(false), Broken::Read)?;
        if node.role_kind() == RoleKind::Leader {
            let leader = *self.leaders.entry(node.term()).or_insert(node.id());
            ensure(leader == node.id(), Broken::ElectionSafety)?;
            ensure(self.is_complete(node), Broken::LeaderCompleteness)?;
            ensure(changes_one_thing(node), Broken::OneChange)?;
        }
        let others = machines.iter().map(|machine| &machine.node).filter(|other| other.id() != node.id());
        for other in others {
            ensure(logs_match(node, other), Broken::LogMatching)?;
        }
        self.commit(node, machines)
    }

    fn is_complete(&self, leader: &Node) -> bool {
        let earlier = self.committed.iter().filter(|(_, decided)| *decided < leader.term());
        earlier.map(|(position, _)| position).all(|position| holds(leader, *position))
    }

    fn commit(&mut self, node: &Node, machines: &[&Machine]) -> Result<(), Broken> {
        let commit = usize::try_from(node.commit().0).expect("logs fit in memory");
        let known = &self.committed[..self.committed.len().min(commit)];
        ensure(known.iter().all(|(position, _)| holds(node, *position)), Broken::StateMachineSafety)?;
        if commit <= self.committed.len() {
            return Ok(());
        }
        for index in self.committed.len() as u64 + 1..=node.commit().0 {
            let position = node.position_at(LogIndex(index)).ok_or(Broken::StateMachineSafety)?;
            self.committed.push((position, node.term()));
        }
        // The configuration may have changed right after, in the same step.
        let counted = (node.commit().0..=node.last().0)
            .any(|index| is_durable(node, node.membership_at(LogIndex(index)), machines));
        ensure(counted, Broken::Durability)
    }
}

fn ensure(so: bool, otherwise: Broken) -> Result<(), Broken> {
    if so { Ok(()) } else { Err(otherwise) }
}

/// Whether a node holds an entry, or a snapshot that stands for more.
fn holds(node: &Node, position: LogPosition) -> bool {
    position.index < node.base().index || node.position_at(position.index) == Some(position)
}

/// Log Matching: up to the last position that both hold, the logs are the same.
fn logs_match(a: &Node, b: &Node) -> bool {
    let entries = |index| (a.entry(LogIndex(index)), b.entry(LogIndex(index)));
    let (base, last) = (a.base().max(b.base()).index.0, a.last().min(b.last()).0);
    let shared = (base + 1..=last).rev().find(|index| {
        let (a, b) = entries(*index);
        a.map(Entry::position) == b.map(Entry::position)
    });
    (base + 1..=shared.unwrap_or(0)).all(|index| entries(index).0 == entries(index).1)
}

fn is_durable(node: &Node, membership: &Membership, machines: &[&Machine]) -> bool {
    let last = node.position_at(node.commit());
    let holds = |voter: &NodeId| {
        let machine = machines.iter().find(|machine| machine.node.id() == *voter);
        last.is_some_and(|last| machine.is_some_and(|machine| keeps(&machine.disk, last)))
    };
    membership.voters().filter(holds).count() > membership.voters().count() / 2
}

/// Whether a disk holds an entry, or a snapshot that stands for it.
fn keeps(disk: &Durable, position: LogPosition) -> bool {
    let stands = disk.snapshot.as_ref().is_some_and(|snapshot| snapshot.position.index >= position.index);
    stands || disk.log.iter().any(|entry| entry.position() == position)
}

/// One change at a time; more only in a pair that this leader can't be outvoted in.
fn changes_one_thing(leader: &Node) -> bool {
    let open: Vec<LogIndex> = (leader.commit().0 + 1..=leader.last().0)
        .map(LogIndex)
        .filter(|index| matches!(leader.entry(*index).map(|entry| &entry.payload), Some(Payload::Membership(_))))
        .collect();
    let is_pair = |index: &LogIndex| {
        let membership = leader.membership_at(*index);
        membership.is_voter(leader.id()) && membership.voters().count() <= 2
    };
    open.len() <= 1 || open.iter().all(is_pair)
}
