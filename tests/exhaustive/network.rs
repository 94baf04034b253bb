//! What is on its way.
//!
//! What was sent stays, and may arrive any number of times, in any order, or never. So loss, duplication, delay and
//! reordering need no events of their own, and have no bounds. What can change nothing any more, whatever happens, is
//! forgotten.
//!
//! Answers that promise nothing are not carried: pre-votes and refused votes, *your term is over*, and *I am there*.
//! The checker gives any of them whenever it likes, which allows more than a network could.

use crate::{hashed::Hashed, machine::Machine, model::Scope};
use bevy_quorum::raft::{Marked, Message, MessageBody, Mutant, NodeId, RoleKind};
use std::sync::Arc;

/// A message, and between whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    pub from: NodeId,
    pub to: NodeId,
    pub message: Message,
}

/// Everything that may still arrive, by hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Network(Vec<Arc<Hashed<Envelope>>>);

impl Network {
    pub fn envelopes(&self) -> impl Iterator<Item = &Arc<Hashed<Envelope>>> {
        self.0.iter()
    }

    /// Puts an envelope under way; one that is there already is the same.
    pub fn carry(&mut self, envelope: &Arc<Hashed<Envelope>>) {
        if let Err(place) = self.0.binary_search_by_key(&envelope.hash, |other| other.hash) {
            self.0.insert(place, envelope.clone());
        }
    }

    /// What is on its way will not arrive.
    pub fn lose_everything(&mut self) {
        self.0.clear();
    }

    /// Drops what can change nothing at this machine any more.
    pub fn forget_spent(&mut self, receiver: &Machine, scope: &Scope) {
        let id = receiver.node.id();
        self.0.retain(|envelope| envelope.it.to != id || !is_spent(&envelope.it.message, receiver, scope));
    }
}

/// Whether the network carries this: not if it promises nothing.
pub fn is_carried(message: &Message) -> bool {
    match &message.body {
        MessageBody::PreVote { .. } | MessageBody::PreVoteReply { .. } | MessageBody::Outdated => false,
        MessageBody::VoteReply { granted } => *granted,
        // It vouches for a round, or for a snapshot.
        MessageBody::HeartbeatReply { round, marked, .. } => {
            *round > 0 || !matches!(marked, Marked { made: None, wants: None, .. })
        }
        _ => true,
    }
}

/// Whether a message can change nothing at its receiver any more, now that this much is durable there.
fn is_spent(message: &Message, receiver: &Machine, scope: &Scope) -> bool {
    let Machine { node, disk, .. } = receiver;
    let past = message.term < disk.ballot.term;
    let now = message.term == disk.ballot.term;
    // What a crash would not take back.
    let commit = if scope.bounds.crashes { disk.commit } else { node.commit() };
    // An office that is not held in a term by who keeps that term durably will not be held in it again.
    let role = node.role_kind();
    match &message.body {
        // What an earlier leader committed stays committed.
        MessageBody::Heartbeat { commit: told, .. } => past && told.index <= commit,
        MessageBody::VoteReply { .. } | MessageBody::Appended { .. }
            if past && scope.config.mutant == Some(Mutant::CountLateAnswers) =>
        {
            false
        }
        // That its term is over is the answer, which the checker gives whenever it likes.
        _ if past => true,
        // The vote is given, and its grant sent, for good.
        MessageBody::Vote { .. } => now && disk.ballot.vote.is_some(),
        MessageBody::VoteReply { .. } | MessageBody::Lend { .. } => now && role != RoleKind::Candidate,
        MessageBody::Appended { .. }
        | MessageBody::Mismatch { .. }
        | MessageBody::HeartbeatReply { .. }
        | MessageBody::SnapshotReceived { .. }
        | MessageBody::Forward { .. }
        | MessageBody::ReadIndex { .. } => now && role != RoleKind::Leader,
        // Numbers of questions are never used again, also not by a later life.
        MessageBody::ReadIndexReply { .. } => receiver.reading.is_none(),
        _ => false,
    }
}
