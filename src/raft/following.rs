//! The follower's side of the log: what a leader's messages change, and what it is told about it.

use super::{
    Entries, LogIndex, LogPosition, MEMBERS_MAX, MessageBody, Moment, Node, NodeId, Payload, Term,
    entry::COMMAND_BYTES_MAX, role::Role,
};

impl Node {
    /// AppendEntries (§3.5).
    pub(super) fn take_append(
        &mut self,
        from: NodeId,
        previous: LogPosition,
        entries: &Entries,
        commit: LogIndex,
        sent: Moment,
    ) {
        if !are_consecutive(previous, entries, self.term()) || !self.accept_leader(from) {
            return self.ignore();
        }
        // What a snapshot stands for is committed, and so in the log of every leader (§3.6.3).
        if previous.index >= self.log.base().index && !self.log.holds(previous) {
            let hint = self.log.agreement(previous.index, previous.term);
            return self.send(from, MessageBody::Mismatch { hint, sent });
        }
        let end = LogIndex(previous.index.0 + entries.len() as u64);
        if !self.take_entries(entries) {
            return self.ignore();
        }
        // What this message proves is that the logs agree up to its last entry; nothing is known of what
        // may stand behind it in ours (§3.5).
        self.commit_to(commit.min(end));
        let Role::Follower(following) = &mut self.role else { return };
        following.verified = following.verified.max(end);
        following.owed = following.owed.max(Some(end));
    }

    /// Adds what is missing, and drops what conflicts, only then: an append that was overtaken is no
    /// reason to drop what came after it. False if a committed entry would have to go.
    fn take_entries(&mut self, entries: &Entries) -> bool {
        let base = self.log.base().index;
        for entry in entries.iter().filter(|entry| entry.index > base) {
            match self.log.term_at(entry.index) {
                Some(term) if term == entry.term => continue,
                Some(_) if entry.index <= self.settled_log() => return false,
                Some(_) => {
                    self.durability.stage_truncation(entry.index);
                    self.log.truncate_from(entry.index);
                }
                None => {}
            }
            self.log.append(entry.clone());
            self.durability.stage_log(entry.index);
        }
        true
    }

    /// Up to here the log can't change under this leader: it is committed, or this leader's own.
    fn settled_log(&self) -> LogIndex {
        match &self.role {
            Role::Follower(following) => following.verified.max(self.commit),
            _ => self.commit,
        }
    }

    /// A heartbeat proves what its commit position proves: who holds that entry holds all before it (§3.5).
    pub(super) fn take_heartbeat(&mut self, from: NodeId, commit: LogPosition, sent: Moment) {
        if !self.accept_leader(from) {
            return self.ignore();
        }
        if self.log.holds(commit) {
            self.commit_to(commit.index);
            if let Role::Follower(following) = &mut self.role {
                following.verified = following.verified.max(commit.index);
            }
        }
        let marked = self.marked();
        self.send(from, MessageBody::HeartbeatReply { sent, marked });
    }

    /// Acknowledges what agrees with the leader's log and is durable; both, and the term too.
    pub(super) fn acknowledge(&mut self) {
        let durable = self.durability.log();
        let term_is_durable = self.durability.term() == self.term();
        let Role::Follower(following) = &mut self.role else { return };
        let (Some(leader), Some(end)) = (following.leader, following.owed) else { return };
        let matched = following.verified.min(durable);
        if !term_is_durable || (matched < end && matched <= following.acknowledged) {
            return;
        }
        following.acknowledged = matched;
        following.owed = Some(end).filter(|end| matched < *end);
        self.send(leader, MessageBody::Appended { matched });
    }
}

/// Whether `entries` can follow `previous` in the log of a leader of `term`.
fn are_consecutive(previous: LogPosition, entries: &Entries, term: Term) -> bool {
    let mut last = previous;
    previous.term <= term
        && entries.iter().all(|entry| {
            let next = last.index.0.checked_add(1) == Some(entry.index.0);
            let fits = next && (last.term..=term).contains(&entry.term) && is_bounded(&entry.payload);
            last = entry.position();
            fits
        })
}

fn is_bounded(payload: &Payload) -> bool {
    match payload {
        Payload::Empty | Payload::Mark | Payload::Agreed { .. } => true,
        Payload::Command(command) => command.body.len() <= COMMAND_BYTES_MAX,
        Payload::Membership(membership) => membership.members.len() <= MEMBERS_MAX,
    }
}
