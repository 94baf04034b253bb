//! What Raft promises, checked after every event over the whole history (§3.2, Figure 3.2).

use super::{
    machine::{Machine, entry},
    state::State,
};
use crate::raft::{
    Applied, Ballot, Entry, LogIndex, LogPosition, Membership, Message, MessageBody, Node, NodeId, Payload, RoleKind,
    Serial, Standing, Term, Write,
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Referee {
    leaders: BTreeMap<Term, NodeId>,
    /// Every entry ever written, and what it stood after.
    written: BTreeMap<LogPosition, (LogPosition, Entry)>,
    votes: BTreeMap<(NodeId, Term), NodeId>,
    committed: Vec<Entry>,
    /// The term in which each of them was first known committed; it never goes back.
    decided: Vec<Term>,
    applied: Vec<Applied>,
    /// The state after each of them.
    states: Vec<State>,
    last_serials: BTreeMap<NodeId, Serial>,
    /// What each running node had reached.
    reached: BTreeMap<NodeId, (LogIndex, Ballot)>,
}

impl Referee {
    /// Everything committed so far, anywhere.
    pub fn committed(&self) -> &[Entry] {
        &self.committed
    }

    /// How many terms had a leader.
    pub fn elections(&self) -> usize {
        self.leaders.len()
    }

    /// Every command carried out so far, in order.
    pub fn applied(&self) -> &[Applied] {
        &self.applied
    }

    /// A node starts again: it may know less committed than before, but no earlier term.
    pub fn restarted(&mut self, node: &Node, disk: &Ballot) {
        assert_eq!(node.ballot(), *disk, "a node starts with the ballot that it stored");
        self.reached.remove(&node.id());
    }

    /// Looks at a node after something happened to it.
    pub fn inspect(&mut self, node: &Node, machines: &BTreeMap<u64, Machine>) {
        let (id, ballot) = (node.id(), node.ballot());
        if let Some((commit, before)) = self.reached.insert(id, (node.commit(), ballot)) {
            assert!(node.commit() >= commit, "the commit index of {id} went back");
            assert!(ballot.term >= before.term, "the term of {id} went back");
        }
        if node.role_kind() == RoleKind::Leader {
            let leader = *self.leaders.entry(node.term()).or_insert(id);
            assert_eq!(leader, id, "two leaders in term {}", node.term());
            self.check_completeness(node);
            check_configurations(node);
        }
        self.check_committed(node, machines);
    }

    /// Leader Completeness (§3.6): what was committed in earlier terms is in the log of every later leader.
    fn check_completeness(&self, leader: &Node) {
        let last = self.decided.partition_point(|term| *term < leader.term());
        if let Some(entry) = self.committed[..last].last() {
            assert!(holds(leader, entry), "{} leads without a committed entry", leader.id());
        }
    }

    /// What a node commits is what all others committed there, and what is new is durable on a majority.
    fn check_committed(&mut self, node: &Node, machines: &BTreeMap<u64, Machine>) {
        let known = LogIndex(self.committed.len() as u64);
        if let Some(last) = self.committed.get((node.commit().min(known).0 as usize).wrapping_sub(1)) {
            assert!(holds(node, last), "{} holds another committed entry", node.id());
        }
        for index in known.0 + 1..=node.commit().0 {
            let entry = node.entry(LogIndex(index)).expect("what is committed is in the log");
            self.committed.push(entry.clone());
            self.decided.push(node.term());
        }
        if node.commit() > known && node.role_kind() == RoleKind::Leader {
            // The configuration may have changed right after, in the same turn.
            let counted = (node.commit().0..=node.last().0)
                .any(|index| is_durable_on_majority(node, node.membership_at(LogIndex(index)), machines));
            assert!(counted, "{} commits what no majority holds durably", node.id());
        }
    }

    /// Looks at a write before it is handed to the disk: Log Matching by induction.
    pub fn inspect_write(&mut self, node: &Node, write: &Write) {
        for entry in write.entries.iter() {
            let previous = LogIndex(entry.index.0 - 1);
            let previous = node.position_at(previous).unwrap_or_default();
            let here = (previous, entry.clone());
            let first = self.written.entry(entry.position()).or_insert_with(|| here.clone());
            assert_eq!(*first, here, "two logs differ at {:?}", entry.position());
        }
    }

    /// Looks at a message before it leaves: what it promises is on the sender's disk.
    pub fn inspect_message(&mut self, from: &Machine, to: NodeId, receiver: Option<&Node>, message: &Message) {
        let (id, disk, term) = (NodeId(from.id), &from.disk, message.term);
        match &message.body {
            MessageBody::VoteReply { granted: true } => {
                let vote = *self.votes.entry((id, term)).or_insert(to);
                assert_eq!(vote, to, "{id} votes twice in term {term}");
                let durable = disk.ballot == Ballot { term, vote: Some(to) } || disk.ballot.term > term;
                assert!(durable, "{id} gives away a vote that is not durable");
            }
            MessageBody::Vote { .. } => {
                let vote = *self.votes.entry((id, term)).or_insert(id);
                assert_eq!(vote, id, "{id} votes twice in term {term}");
                assert!(disk.ballot.term >= term, "{id} campaigns before its own vote is durable");
            }
            MessageBody::Appended { matched } => {
                let kept = entry(disk, *matched).map_or(disk.base, Entry::position);
                let is_kept = kept.index == *matched || *matched < disk.base.index;
                assert!(is_kept && is_at(from.node.as_ref(), kept), "{id} acknowledges what is not durable");
                let leader = receiver.filter(|node| node.term() == term && node.role_kind() == RoleKind::Leader);
                assert!(is_at(leader, kept), "{id} acknowledges what its leader does not hold");
                assert!(disk.ballot.term >= term, "{id} acknowledges in a term that is not durable");
            }
            MessageBody::Forward { commands, .. } => {
                let durable = commands.iter().all(|(serial, _)| *serial <= disk.last_serial);
                assert!(durable, "{id} forwards commands that are not durable");
            }
            MessageBody::Append { entries, .. } => {
                let own = entries.iter().filter_map(|entry| match &entry.payload {
                    Payload::Command(command) if command.author == id => Some(command.serial),
                    _ => None,
                });
                assert!(own.max() <= Some(disk.last_serial), "{id} tells of own commands that are not durable");
            }
            _ => {}
        }
    }

    /// Looks at a command that a node carries out as its `place`-th: the same everywhere, each once, in its
    /// author's order.
    pub fn inspect_applied(&mut self, node: NodeId, place: usize, applied: &Applied) {
        if let Some(before) = self.applied.get(place) {
            assert_eq!(before, applied, "{node} carries out another command");
            return;
        }
        assert_eq!(self.applied.len(), place, "{node} skips a command");
        let last = self.last_serials.entry(applied.command.author).or_default();
        assert_eq!(applied.command.serial, last.next(), "a command out of its author's order");
        *last = applied.command.serial;
        let mut state = self.states.last().copied().unwrap_or_default();
        state.apply(applied);
        self.states.push(state);
        self.applied.push(applied.clone());
    }

    /// Looks at a state that a node takes over: it is what came of the commands that it stands for.
    pub fn inspect_restored(&self, node: NodeId, state: &State) -> &[Applied] {
        let count = usize::try_from(state.count).expect("histories fit in memory");
        let expected = count.checked_sub(1).map_or(Some(State::default()), |place| self.states.get(place).copied());
        assert_eq!(Some(*state), expected, "{node} takes over a state that never was");
        &self.applied[..count]
    }
}

/// Whether a node's log, as far as it has not been cut off, holds the entry at `position`.
fn is_at(node: Option<&Node>, position: LogPosition) -> bool {
    node.is_none_or(|node| position.index < node.base().index || node.position_at(position.index) == Some(position))
}

/// Whether a node holds a committed entry, or the snapshot that stands for it.
fn holds(node: &Node, committed: &Entry) -> bool {
    match node.entry(committed.index) {
        Some(entry) => entry == committed,
        None => committed.index < node.base().index || committed.position() == node.base(),
    }
}

fn is_durable_on_majority(node: &Node, membership: &Membership, machines: &BTreeMap<u64, Machine>) -> bool {
    let last = node.entry(node.commit());
    let holds = |voter: &NodeId| {
        let disk = machines.get(&voter.0).map(|machine| &machine.disk);
        disk.is_some_and(|disk| disk.base.index >= node.commit() || entry(disk, node.commit()) == last)
    };
    membership.voters().filter(holds).count() > membership.voters().count() / 2
}

/// One change at a time; more only in a pair that this leader can't be outvoted in.
fn check_configurations(node: &Node) {
    let open: Vec<LogIndex> = (node.commit().0 + 1..=node.last().0)
        .map(LogIndex)
        .filter(|index| matches!(node.entry(*index).map(|entry| &entry.payload), Some(Payload::Membership(_))))
        .collect();
    let is_pair = |index: &LogIndex| {
        let membership = node.membership_at(*index);
        let voters = membership.members.values().filter(|member| member.standing == Standing::Voter).count();
        membership.is_voter(node.id()) && voters <= 2
    };
    assert!(open.len() <= 1 || open.iter().all(is_pair), "{} changes two things at once", node.id());
}
