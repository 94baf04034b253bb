//! What a message promises is on its sender's disk before it leaves (§3.8).

use super::{Check, logs::is_at};
use crate::{
    playtest::{
        machine::{Machine, entry},
        sim::Coverage,
    },
    raft::{Ballot, Entry, LogIndex, Message, MessageBody, Node, NodeId, Payload, RoleKind, Serial, Term},
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Promises {
    votes: BTreeMap<(NodeId, Term), NodeId>,
    /// The last command that each author sent to a leader.
    sent: BTreeMap<NodeId, Serial>,
    sent_again: u64,
    /// Whom the leader of a term called to take over.
    called: BTreeSet<(Term, NodeId)>,
}

impl Promises {
    pub fn count(&self, coverage: &mut Coverage) {
        coverage.commands_sent_again = self.sent_again;
    }

    pub fn inspect_message(&mut self, from: &Machine, to: NodeId, receiver: Option<&Node>, message: &Message) {
        let (id, disk, term) = (NodeId(from.id), &from.disk.image, message.term);
        let durable = |so: bool, what: &str| Check::DurablePromise.holds(so, || format!("{id} {what} in term {term}"));
        match &message.body {
            MessageBody::VoteReply { granted: true } => {
                self.vote(id, term, to);
                let stored = disk.ballot == Ballot { term, vote: Some(to) } || disk.ballot.term > term;
                durable(stored, "gives away a vote");
            }
            MessageBody::Vote { .. } => {
                self.vote(id, term, id);
                durable(disk.ballot.term >= term, "campaigns");
            }
            MessageBody::Appended { matched } => {
                let kept = entry(disk, *matched).map_or(disk.base, Entry::position);
                let is_kept = kept.index == *matched || *matched < disk.base.index;
                let is_meant = from.node.as_ref().is_some_and(|node| is_at(node, kept));
                durable(is_kept && is_meant && disk.ballot.term >= term, "acknowledges entries");
                let leader = receiver.filter(|node| node.term() == term && node.role_kind() == RoleKind::Leader);
                let agreed = leader.is_none_or(|leader| is_at(leader, kept));
                Check::LogMatching.holds(agreed, || format!("{id} acknowledges what {to} does not hold"));
            }
            MessageBody::Forward { session, commands, .. } => {
                durable(disk.session == Some(*session), "forwards in a session");
                durable(commands.iter().all(|(serial, _)| *serial <= disk.last_serial), "forwards commands");
                let sent = self.sent.entry(id).or_default();
                self.sent_again += commands.iter().filter(|(serial, _)| serial <= sent).count() as u64;
                *sent = commands.iter().map(|(serial, _)| *serial).fold(*sent, Serial::max);
            }
            MessageBody::TimeoutNow { .. } => _ = self.called.insert((term, to)),
            MessageBody::Append { entries, .. } | MessageBody::Lend { entries, .. } => {
                let own = entries.iter().filter_map(|entry| match &entry.payload {
                    Payload::Command(command) if command.author == id => Some(command.serial),
                    _ => None,
                });
                durable(own.max() <= Some(disk.last_serial), "tells of its own commands");
            }
            _ => {}
        }
    }

    /// Whether the last leader called this one to take over.
    pub fn is_called(&self, term: Term, leader: NodeId) -> bool {
        self.called.contains(&(Term(term.0 - 1), leader))
    }

    /// A new leader has the durable votes of a majority of its configuration, its own among them only if it has one.
    pub fn check_election(&self, leader: &Node, machines: &BTreeMap<u64, Machine>) {
        let (id, term) = (leader.id(), leader.term());
        // It may have appended a change in the same turn; the one before its first entry elected it.
        let own = |index: &u64| leader.position_at(LogIndex(*index)).is_some_and(|position| position.term == term);
        let before = (leader.commit().0..=leader.last().0).rev().find(|index| !own(index));
        let membership = leader.membership_at(before.map_or(leader.commit(), LogIndex));
        let own_ballot = || machines.get(&id.0).is_some_and(|machine| machine.disk.image.ballot.vote == Some(id));
        let votes =
            |voter: &NodeId| if *voter == id { own_ballot() } else { self.votes.get(&(*voter, term)) == Some(&id) };
        let count = membership.voters().filter(votes).count();
        let elected = count > membership.voters().count() / 2;
        Check::Elected.holds(elected, || format!("{id} leads in term {term} by {count} votes of {membership:?}"));
    }

    fn vote(&mut self, voter: NodeId, term: Term, candidate: NodeId) {
        let vote = *self.votes.entry((voter, term)).or_insert(candidate);
        Check::OneLeader.holds(vote == candidate, || format!("{voter} votes twice in term {term}"));
    }
}
