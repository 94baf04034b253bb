//! The follower's side of the log: what a leader's messages change, and what it is told about it.

use super::{
    Deed, Entries, Entry, LogIndex, LogPosition, MEMBERS_MAX, MessageBody, Moment, Mutant, Node, NodeId, Payload, Term,
    entry::COMMAND_BYTES_MAX, forwarding::SERIAL_MAX, role::Role,
};

impl Node {
    /// AppendEntries (§3.5).
    pub(super) fn take_append(
        &mut self,
        from: NodeId,
        previous: LogPosition,
        entries: &Entries,
        commit: LogIndex,
        durable: LogIndex,
        sent: Moment,
    ) {
        if !are_consecutive(previous, entries, self.term()) || !self.accept_leader(from) {
            return self.ignore();
        }
        // What a snapshot stands for is committed, and so in the log of every leader (§3.6.3).
        if previous.index >= self.log.base().index && !self.log.holds(previous) {
            let hint = self.log.agreement(previous.index, previous.term);
            self.note(Deed::Mismatch(hint));
            return self.send(from, MessageBody::Mismatch { hint, sent });
        }
        if self.config.errs(Mutant::TruncateAlways) && previous.index < self.last() && previous.index >= self.commit {
            self.drop_from(previous.index.next());
        }
        let end = LogIndex(previous.index.0 + entries.len() as u64);
        if !self.take_entries(entries) {
            return self.ignore();
        }
        // What this message proves is that the logs agree up to its last entry; nothing is known of what
        // may stand behind it in ours (§3.5).
        let verified = if self.config.errs(Mutant::CommitUnverified) { self.last() } else { end };
        self.commit_to(commit.min(verified));
        self.hear_durable(durable);
        let Role::Follower(following) = &mut self.role else { return };
        following.verified = following.verified.max(end);
        following.owed = following.owed.max(Some(end));
    }

    /// Adds what is missing, and drops what conflicts, only then: an append that was overtaken is no
    /// reason to drop what came after it. False if a committed entry would have to go.
    pub(super) fn take_entries(&mut self, entries: &Entries) -> bool {
        let base = self.log.base().index;
        let is_known = |entry: &&Entry| entry.index < base || self.log.holds(entry.position());
        if let Some(conflict) = entries.iter().find(|entry| !is_known(entry)).map(|entry| entry.index)
            && conflict <= self.last()
        {
            if conflict <= self.settled_log() {
                return false;
            }
            self.drop_from(conflict);
        }
        self.take_new(entries);
        true
    }

    fn take_new(&mut self, entries: &Entries) {
        let before = self.last();
        self.log.extend(entries);
        if self.last() == before {
            return;
        }
        self.durability.stage_log(self.last());
        self.note(Deed::Take(self.last()));
        if self.log.membership_index() > before {
            self.note(Deed::Configure(self.log.membership_index()));
            let before = self.log.membership_at(before).clone();
            self.forget_removed(&before);
        }
    }

    fn drop_from(&mut self, index: LogIndex) {
        self.note(Deed::Drop(index));
        let vouched = self.durability.vouched();
        self.durability.stage_truncation(index);
        if self.config.errs(Mutant::VouchForOverwritten) {
            self.durability.vouch(vouched);
        }
        if self.config.errs(Mutant::KeepDroppedConfiguration) {
            return self.log.truncate_entries_from(index);
        }
        self.log.truncate_from(index);
    }

    /// Up to here the log can't change under this leader: it is committed, or this leader's own.
    fn settled_log(&self) -> LogIndex {
        match &self.role {
            Role::Follower(following) => following.verified.max(self.commit),
            _ => self.commit,
        }
    }

    /// Something is committed, or durable at the leader.
    pub(super) fn take_news(&mut self, from: NodeId, commit: LogPosition, durable: LogIndex) {
        if !self.accept_leader(from) {
            return self.ignore();
        }
        self.hear_commit(commit);
        self.hear_durable(durable);
    }

    /// The leader is there.
    pub(super) fn take_heartbeat(
        &mut self,
        from: NodeId,
        commit: LogPosition,
        round: u64,
        patience_ms: u32,
        sent: Moment,
    ) {
        if !self.accept_leader(from) {
            return self.ignore();
        }
        self.adopt_patience(patience_ms);
        self.hear_commit(commit);
        let (priority, marked) = (self.priority(), self.marked());
        self.send(from, MessageBody::HeartbeatReply { priority, round, sent, marked });
    }

    /// The leader's commit position proves something: who holds that entry holds all before it (§3.5).
    fn hear_commit(&mut self, commit: LogPosition) {
        let trusting = self.config.errs(Mutant::TrustHeartbeatCommit);
        if self.log.holds(commit) || trusting {
            self.commit_to(commit.index.min(self.last()));
            if let Role::Follower(following) = &mut self.role {
                following.verified = following.verified.max(commit.index);
            }
        }
    }

    /// Acknowledges what agrees with the leader's log and is durable; both, and the term too.
    pub(super) fn acknowledge(&mut self) {
        let errs = |mutant| self.config.errs(mutant);
        let unsynced = errs(Mutant::AcknowledgeUnsynced);
        let durable = if unsynced { self.last() } else { self.durability.log() };
        let term_is_durable = unsynced || self.durability.term() == self.term();
        let unverified = errs(Mutant::AcknowledgeUnverified).then(|| self.last());
        let Role::Follower(following) = &mut self.role else { return };
        let (Some(leader), Some(end)) = (following.leader, following.owed) else { return };
        let matched = unverified.unwrap_or(following.verified).min(durable);
        if !term_is_durable || (matched < end && matched <= following.acknowledged) {
            return;
        }
        following.acknowledged = matched;
        following.owed = Some(end).filter(|end| matched < *end);
        self.send(leader, MessageBody::Appended { matched });
    }
}

/// Whether `entries` can follow `previous` in the log of a leader of `term`.
pub(super) fn are_consecutive(previous: LogPosition, entries: &Entries, term: Term) -> bool {
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
        Payload::Command(command) => command.serial <= SERIAL_MAX && command.body.len() <= COMMAND_BYTES_MAX,
        Payload::Membership(membership) => membership.members.len() <= MEMBERS_MAX,
    }
}
