//! What a message promises is on its sender's disk before it leaves (§3.8).

use super::{Check, logs::is_at};
use crate::{
    playtest::{
        machine::{Machine, entry},
        sim::Coverage,
    },
    raft::{Ballot, Entry, Message, MessageBody, Node, NodeId, Payload, RoleKind, Serial, Term},
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Promises {
    votes: BTreeMap<(NodeId, Term), NodeId>,
    /// The last command that each author sent to a leader.
    sent: BTreeMap<NodeId, Serial>,
    sent_again: u64,
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
            MessageBody::Append { entries, .. } => {
                let own = entries.iter().filter_map(|entry| match &entry.payload {
                    Payload::Command(command) if command.author == id => Some(command.serial),
                    _ => None,
                });
                durable(own.max() <= Some(disk.last_serial), "tells of its own commands");
            }
            _ => {}
        }
    }

    fn vote(&mut self, voter: NodeId, term: Term, candidate: NodeId) {
        let vote = *self.votes.entry((voter, term)).or_insert(candidate);
        Check::OneLeader.holds(vote == candidate, || format!("{voter} votes twice in term {term}"));
    }
}
