//! The leader's side of the log: appending, sending, counting.

use super::{
    Ballot, Deed, Effect, Entry, LogIndex, LogPosition, Marked, Message, MessageBody, Moment, Mutant, Node, NodeId,
    Payload, RoleKind, Standing, Why,
    progress::Progress,
    quorum::reached_by_majority,
    role::{Leadership, Role},
    rounds::Rounds,
    sessions::Appended,
    timing::Peak,
};
use std::time::Duration;

impl Node {
    /// Takes the office, and begins it with an entry of its own term: its commit commits all before it (§3.6.2).
    pub(super) fn lead(&mut self) {
        assert_eq!(self.role_kind(), RoleKind::Candidate, "only a candidate is elected");
        let next = self.last().next();
        let peers = self.membership().members.keys().filter(|member| **member != self.id);
        let mut appended = Appended::new(&self.sessions);
        for entry in (self.applied.0 + 1..next.0).filter_map(|index| self.log.get(LogIndex(index))) {
            match &entry.payload {
                Payload::Command(command) => appended.append(command.author, command.serial),
                Payload::Membership(membership) => appended.configure(membership),
                Payload::Empty | Payload::Mark | Payload::Agreed { .. } => {}
            }
        }
        self.role = Role::Leader(Box::new(Leadership {
            since: self.now,
            time: self.log.time(),
            first: next,
            peers: peers.map(|peer| (*peer, Progress::new(next, self.now))).collect(),
            appended,
            uncommitted_bytes: 0,
            agreed: LogIndex(0),
            heartbeat_at: self.now + self.heartbeat_interval(),
            rounds: Rounds::default(),
            told_durable: LogIndex(0),
            lateness: Peak::default(),
            unsettled: true,
            transfer: None,
            failed_successor: None,
        }));
        self.note(Deed::Lead(next));
        if self.config.errs(Mutant::ForgetVoteWhenElected) {
            self.set_ballot(Ballot { vote: None, ..self.ballot });
        }
        if !self.config.errs(Mutant::NoEntryWhenElected) {
            self.append(Payload::Empty);
        }
    }

    /// Appends an entry of this leader's own. Its write and its sending begin together at the next flush.
    pub(super) fn append(&mut self, payload: Payload) -> LogIndex {
        let (term, index, now, last) = (self.term(), self.last().next(), self.now, self.log.time());
        let leadership = self.role.leadership_mut().expect("only a leader appends");
        let entry = Entry { term, index, time: leadership.time(now, last), payload };
        leadership.uncommitted_bytes += entry.bytes();
        self.log.append(entry);
        self.stage_appended();
        index
    }

    /// What was appended has to become durable.
    pub(super) fn stage_appended(&mut self) {
        for index in self.durability.staged_log().0 + 1..=self.last().0 {
            self.note(Deed::Append(LogIndex(index)));
        }
        self.durability.stage_log(self.last());
    }

    /// Sends each follower what it lacks, and at once the news of what is committed, or durable here.
    pub(super) fn replicate(&mut self) {
        let told_durable = self.durable_to_tell();
        let durable = told_durable.unwrap_or_default();
        let helps = durable > self.commit && self.is_known_early(durable);
        let is_told = |progress: &Progress| progress.commit_told >= self.commit;
        let all_told = self.role.leadership().is_some_and(|leadership| leadership.peers.values().all(is_told));
        let is_known = told_durable.is_some() && !all_told && self.is_known_early(self.commit);
        let last = self.tellable();
        let Self { role: Role::Leader(leadership), log, effects, config, now, commit, ballot, .. } = self else {
            return;
        };
        let base = log.base().index;
        for (peer, progress) in &mut leadership.peers {
            let mut send =
                |body| effects.push_back(Effect::Send { to: *peer, message: Message { term: ballot.term, body } });
            while progress.is_ready(base, last, *now, config) {
                let previous = LogIndex(progress.next.0 - 1);
                let previous = log.position_at(previous).expect("what is sent is in the log");
                let (entries, bytes) = log.batch(progress.next, last, config.append_bytes_max);
                progress.sent(LogIndex(previous.index.0 + entries.len() as u64), bytes, *now);
                progress.commit_told = (*commit).min(LogIndex(progress.next.0 - 1)).max(progress.commit_told);
                progress.durable_told = durable;
                send(MessageBody::Append { previous, entries, commit: *commit, durable, sent: *now });
            }
            let learns_early = (helps || is_known) && log.membership().is_voter(*peer);
            if learns_early && is_known && *commit <= progress.durable_told.min(progress.matched) {
                progress.commit_told = progress.commit_told.max(*commit);
            }
            let helps = helps && learns_early && durable > progress.durable_told && durable < progress.next;
            if (helps || progress.commit_told < *commit) && progress.is_heard(*now, config.election_timeout_max) {
                progress.commit_told = *commit;
                progress.durable_told = durable;
                let commit = log.position_at(*commit).expect("what is committed is in the log");
                send(MessageBody::News { commit, durable });
            }
        }
    }

    /// What a leader does at its heartbeat, and about what got lost in between.
    pub(super) fn lead_on(&mut self) {
        let Role::Leader(leadership) = &mut self.role else { return };
        for progress in leadership.peers.values_mut() {
            if progress.retry_at(self.now, &self.config) <= self.now {
                progress.lose(self.now, &self.config);
            }
        }
        if self.now < leadership.heartbeat_at {
            return;
        }
        self.measure_patience();
        self.heartbeat();
        self.abandon_transfer();
        self.prefer_another();
        self.dismiss();
        self.reconsider();
        self.check_quorum();
    }

    fn heartbeat(&mut self) {
        let (interval, patience_ms) = (self.heartbeat_interval(), self.patience_ms());
        let Role::Leader(leadership) = &mut self.role else { return };
        leadership.heartbeat_at = self.now + interval;
        let commit = self.log.position_at(self.commit).expect("what is committed is in the log");
        let body = MessageBody::Heartbeat { commit, round: leadership.rounds.last(), patience_ms, sent: self.now };
        for peer in leadership.peers.keys() {
            let message = Message { term: self.ballot.term, body: body.clone() };
            self.effects.push_back(Effect::Send { to: *peer, message });
        }
    }

    /// When the first of the appends on their way must be taken for lost.
    pub(super) fn retry_at(&self, leadership: &Leadership) -> Moment {
        let retries = leadership.peers.values().map(|progress| progress.retry_at(self.now, &self.config));
        retries.min().unwrap_or(Moment::NEVER)
    }

    /// The follower holds the log durably up to `matched`.
    pub(super) fn count_append(&mut self, from: NodeId, matched: LogIndex) {
        let last = self.last();
        if matched > last {
            return self.ignore();
        }
        let now = self.now;
        if let Some((progress, _)) = self.answered(from) {
            progress.appended(matched, now);
        }
    }

    /// The follower's log has nothing for an append to join.
    pub(super) fn step_back(&mut self, from: NodeId, hint: LogPosition, sent: Moment) {
        if self.answered(from).is_none() {
            return;
        }
        let Self { role, log, now, .. } = self;
        if let Some(progress) = progress_of(role, from) {
            progress.mismatched(hint, sent, log, *now);
        }
    }

    pub(super) fn count_heartbeat(&mut self, from: NodeId, round: u64, sent: Moment, marked: Marked) {
        if self.role.leadership().is_some_and(|leadership| round > leadership.rounds.last()) {
            return self.ignore();
        }
        let (now, patience) = (self.now, self.patience);
        if let Some((progress, since)) = self.answered(from) {
            progress.round = progress.round.max(round);
            progress.observe_heartbeat(sent, since, now, patience);
            progress.marked = Some(marked);
        }
    }

    /// Notes that a member answered in this term; none if it should not have.
    pub(super) fn answered(&mut self, from: NodeId) -> Option<(&mut Progress, Moment)> {
        let Self { role, now, config, .. } = self;
        let leadership = role.leadership_mut()?;
        let since = leadership.since;
        let progress = leadership.peers.get_mut(&from)?;
        progress.answered(*now, config);
        Some((progress, since))
    }

    /// §3.6.2: an entry of this term that a majority of voters holds durably is committed, and all before it.
    /// The leader counts like anybody else: if it votes, and once its own write is done (§10.2.1).
    pub(super) fn advance_commit(&mut self) {
        let Role::Leader(leadership) = &self.role else { return };
        if self.commit == self.last() {
            return;
        }
        let errs = |mutant| self.config.errs(mutant);
        let own = if errs(Mutant::CountUnsyncedOwnCopy) { self.last() } else { self.durability.log() };
        let matched = |voter| if voter == self.id { own } else { matched_by(leadership, voter) };
        let voters = self.membership().members.iter();
        let voters = voters.filter(|(_, member)| member.standing == Standing::Voter || errs(Mutant::CountLearners));
        let reached = reached_by_majority(voters.clone().map(|(voter, _)| matched(*voter)));
        let reached = self.mistaken_majority(voters.map(|(voter, _)| matched(*voter))).or(reached);
        let Some(reached) = reached else { return };
        let own_term = self.log.term_at(reached) == Some(self.term()) || errs(Mutant::CommitOlderTerms);
        if reached <= self.commit || !own_term {
            return;
        }
        let bytes = self.bytes_between(self.commit, reached);
        let could_change = self.may_change();
        self.commit_to(reached);
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.uncommitted_bytes -= bytes;
            leadership.unsettled |= !could_change;
        }
    }

    /// The leader goes on only while a majority answers (§6.2). A silent partner of a pair loses its vote instead.
    fn check_quorum(&mut self) {
        let alone = self.silence_of_majority().is_some_and(|silence| silence > self.attention());
        if alone && !self.config.errs(Mutant::LeadWithoutQuorum) && !self.drop_partner() {
            self.follow(self.term(), None, Why::NoMajority);
        }
    }

    /// How long ago this leader last heard from a majority of the voters.
    pub(super) fn silence_of_majority(&self) -> Option<Duration> {
        let leadership = self.role.leadership()?;
        let heard = |voter| if voter == self.id { self.now } else { heard_by(leadership, voter) };
        let voters = self.membership().members.iter();
        let voters = voters.filter(|(_, member)| member.standing == Standing::Voter);
        let heard = reached_by_majority(voters.map(|(voter, _)| heard(*voter)))?;
        Some(self.now - heard)
    }

    /// The size of this leader's own entries after `from` up to `to`.
    fn bytes_between(&self, from: LogIndex, to: LogIndex) -> usize {
        let first = self.role.leadership().map_or(LogIndex(0), |leadership| leadership.first);
        self.log.bytes_between(from.next().max(first), to)
    }
}

fn progress_of(role: &mut Role, peer: NodeId) -> Option<&mut Progress> {
    role.leadership_mut()?.peers.get_mut(&peer)
}

fn matched_by(leadership: &Leadership, voter: NodeId) -> LogIndex {
    leadership.peers.get(&voter).map_or(LogIndex(0), |progress| progress.matched)
}

fn heard_by(leadership: &Leadership, voter: NodeId) -> Moment {
    leadership.peers.get(&voter).map_or(Moment::ZERO, Progress::heard)
}
