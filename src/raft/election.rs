//! How a leader is found: pre-vote, vote, and what keeps both from disturbing a leader that works.

use super::{
    Ballot, Deed, Effect, LogPosition, Message, MessageBody, Moment, Mutant, Node, NodeId, Term, Why,
    borrow::Loan,
    install::Chunk,
    quorum::majority,
    role::{Answer, Candidacy, Following, Role, Stage},
};
use std::collections::BTreeMap;

/// Terms beyond this are nonsense: nobody lives through as many elections.
const TERM_MAX: Term = Term(1 << 62);

impl Node {
    /// The term rules (§3.3), once for all messages; then each kind its own way.
    pub(super) fn receive(&mut self, from: NodeId, message: Message) {
        let Message { term, body } = message;
        if from == self.id || term > TERM_MAX {
            return self.ignore();
        }
        match &body {
            // §9.6: a pre-vote is about a term that may never come. It changes no term, and is answered
            // also when it is late, so that a node that stayed behind learns the term.
            MessageBody::PreVote { last } => return self.answer_pre_vote(from, term, *last),
            MessageBody::PreVoteReply { asked, granted: true, .. } => {
                return self.count_sounding(from, *asked, Answer::Yes);
            }
            // §4.2.3: who hears a leader doesn't let others depose it, not even by their term, unless the
            // leader itself wishes to hand over (§3.10).
            MessageBody::Vote { transfer: false, .. } if term > self.term() && self.is_loyal() => return,
            _ => {}
        }
        if term < self.term() {
            return self.answer_late(from, term, &body);
        }
        if term > self.term() {
            // §4.1: requests count whoever sends them, for the sender's configuration may be ahead of ours.
            // Answers and news count from members only.
            if !body.is_request() && !self.membership().members.contains_key(&from) {
                return self.ignore();
            }
            self.follow(term, None, Why::LaterTerm);
        }
        match body {
            MessageBody::PreVoteReply { asked, ahead, .. } => {
                self.count_sounding(from, asked, ahead.map_or(Answer::No, Answer::Ahead));
            }
            MessageBody::Vote { last, transfer } => self.answer_vote(from, last, transfer),
            MessageBody::VoteReply { granted } => self.count_vote(from, granted),
            MessageBody::Append { previous, entries, commit, durable, sent } => {
                self.take_append(from, previous, &entries, commit, durable, sent);
            }
            MessageBody::News { commit, durable } => self.take_news(from, commit, durable),
            MessageBody::Heartbeat { commit, round, patience_ms, sent } => {
                self.take_heartbeat(from, commit, round, patience_ms, sent);
            }
            MessageBody::Appended { matched } => self.count_append(from, matched),
            MessageBody::Mismatch { hint, sent } => self.step_back(from, hint, sent),
            MessageBody::HeartbeatReply { priority, round, sent, marked } => {
                self.note_priority(from, priority);
                self.count_heartbeat(from, round, sent, marked);
            }
            MessageBody::Forward { session, after, commands, sent } => {
                self.take_forward(from, session, after, commands, sent);
            }
            MessageBody::Forgotten { session } => self.be_forgotten(from, session),
            MessageBody::Forwarded { appended, gap, holdup, sent } => {
                self.count_forward(from, appended, gap, holdup, sent);
            }
            MessageBody::ReadIndex { question } => self.take_question(from, question),
            MessageBody::ReadIndexReply { question, index } => self.count_read_index(from, question, index),
            MessageBody::TimeoutNow { last } => self.take_call(from, last),
            MessageBody::Borrow { last } => self.lend(from, last),
            MessageBody::Lend { previous, entries, last, commit } => {
                self.take_loan(from, Loan { previous, entries, last, commit });
            }
            MessageBody::Retire => self.let_retire(from),
            MessageBody::Snapshot { mark, digest, total, offset, bytes, sent } => {
                self.take_chunk(from, Chunk { mark, digest, total, offset, bytes, sent });
            }
            MessageBody::SnapshotReceived { mark, received, missing, sent } => {
                self.count_chunk(from, mark, received, missing, sent);
            }
            MessageBody::PreVote { .. } | MessageBody::Outdated => {}
        }
    }

    /// Tells who asks from an earlier term that its time is over; late answers need none.
    fn answer_late(&mut self, from: NodeId, term: Term, body: &MessageBody) {
        if self.config.errs(Mutant::CountLateAnswers) {
            match body {
                MessageBody::VoteReply { granted } => self.count_vote(from, *granted),
                MessageBody::Appended { matched } => self.count_append(from, *matched),
                _ => {}
            }
        }
        if body.is_request() {
            self.send(from, MessageBody::Outdated);
        }
        // What a leader committed stays so after its term; right after a hand-over this is news. It knew nothing of
        // entries that came after it.
        if let MessageBody::Heartbeat { commit, .. } = body
            && commit.term <= term
            && self.log.holds(*commit)
        {
            self.commit_to(commit.index);
        }
    }

    /// Whether it keeps to a leader that it hears.
    fn is_loyal(&self) -> bool {
        self.has_leader() && !self.config.errs(Mutant::NoStickiness)
    }

    /// Whether a leader is at work, as far as this node can tell.
    pub(super) fn has_leader(&self) -> bool {
        match &self.role {
            Role::Follower(following) => following.heard.is_some_and(|heard| self.now - heard < self.patience),
            Role::Candidate(_) => false,
            // A leader that has lost its majority steps down by itself.
            Role::Leader(_) => true,
        }
    }

    /// Granting a pre-vote promises nothing, and resets no timer.
    fn answer_pre_vote(&mut self, from: NodeId, asked: Term, last: LogPosition) {
        if asked <= self.term() && self.config.errs(Mutant::DropLatePreVotes) {
            return;
        }
        let refusal = match () {
            () if asked <= self.term() => Some(Why::OldTerm),
            () if !self.is_fresh(last) => Some(Why::OlderLog),
            () if self.is_loyal() => Some(Why::LeaderHeard),
            () if self.goes_first(from, last) => Some(Why::GoesFirst),
            () => None,
        };
        self.note(Deed::AnswerPreVote { to: from, refusal });
        let granted = refusal.is_none();
        if granted && self.config.errs(Mutant::PreVoteRenewsPatience) {
            self.await_leader();
        }
        let term = if granted { asked } else { self.term() };
        let ahead = self.offer(last).filter(|_| refusal == Some(Why::OlderLog));
        let body = MessageBody::PreVoteReply { asked, granted, ahead };
        self.effects.push_back(Effect::Send { to: from, message: Message { term, body } });
    }

    /// Whether both have a vote in the configuration in force here.
    fn knows_election_of(&self, candidate: NodeId) -> bool {
        self.membership().is_voter(self.id) && self.membership().is_voter(candidate)
    }

    /// §3.6.1: whether a log that ends at `last` is at least as new as ours.
    fn is_fresh(&self, last: LogPosition) -> bool {
        last >= self.log.last()
            || self.config.errs(Mutant::VoteForAnyLog)
            || (self.config.errs(Mutant::VoteByTermAlone) && last.term >= self.log.last().term)
    }

    /// Of two that begin to ask at the same time the one with the newer log goes first, or else the one with
    /// the greater id: otherwise both would run, and split the votes. Only at the beginning: who can't win
    /// must not stop others for ever.
    fn goes_first(&self, other: NodeId, last: LogPosition) -> bool {
        match &self.role {
            Role::Candidate(candidacy) => {
                let begins = self.now - candidacy.since < self.patience;
                begins && candidacy.stage == Stage::Sounding && (self.log.last(), self.id) > (last, other)
            }
            _ => false,
        }
    }

    /// §3.4, §3.6.1: one vote a term, to a log at least as new as ours. Members or not: the candidate knows
    /// who may vote in its configuration (§4.1), and this one may be behind.
    fn answer_vote(&mut self, from: NodeId, last: LogPosition, transfer: bool) {
        let free = self.ballot.vote.is_none_or(|vote| vote == from);
        let refusal = match () {
            () if !free => Some(Why::VotedForAnother),
            () if self.config.errs(Mutant::VoteByOwnConfiguration) && !self.knows_election_of(from) => {
                Some(Why::NoVote)
            }
            () if !self.is_fresh(last) => Some(Why::OlderLog),
            () => None,
        };
        self.note(Deed::AnswerVote { to: from, refusal });
        let granted = refusal.is_none();
        if !granted {
            return self.send(from, MessageBody::VoteReply { granted });
        }
        if self.ballot.vote.is_none() {
            self.set_ballot(Ballot { term: self.term(), vote: Some(from) });
        }
        if matches!(self.role, Role::Candidate(_)) {
            self.follow(self.term(), None, Why::VoteGiven);
        }
        self.await_leader();
        if let Role::Follower(following) = &mut self.role {
            following.successor = Some(from).filter(|_| transfer);
        }
        if self.config.errs(Mutant::VoteBeforeDurable) {
            return self.send(from, MessageBody::VoteReply { granted });
        }
        self.send_when_durable(from, MessageBody::VoteReply { granted });
    }

    /// Follows in `term`, whoever leads there.
    pub(super) fn follow(&mut self, term: Term, leader: Option<NodeId>, why: Why) {
        assert!(term >= self.term(), "terms never go back");
        if term > self.term() {
            self.set_ballot(Ballot { term, vote: None });
        }
        // A follower's patience goes on: only a leader or a vote given away renews it (§3.4).
        if !matches!(self.role, Role::Follower(_)) {
            self.await_leader();
        }
        self.note(Deed::Follow { leader, why });
        self.role = Role::Follower(Following { leader, verified: self.commit, ..Following::default() });
        self.forwarding.restart(self.outbox.settled());
        self.reads.restart();
    }

    /// Accepts `from` as the leader of this term; false if it can't be.
    pub(super) fn accept_leader(&mut self, from: NodeId) -> bool {
        match &self.role {
            Role::Leader(_) => return false,
            Role::Candidate(_) | Role::Follower(Following { leader: None, .. }) => {
                self.follow(self.term(), Some(from), Why::LeaderHeard);
            }
            Role::Follower(Following { leader: Some(leader), .. }) if *leader != from => return false,
            Role::Follower(_) => {}
        }
        self.await_leader();
        if let Role::Follower(following) = &mut self.role {
            following.heard = Some(self.now);
        }
        self.excused = false;
        true
    }

    /// No leader has shown up: asks whether it could win, or goes on waiting for one.
    pub(super) fn miss_leader(&mut self) {
        if self.now < self.election_at {
            return;
        }
        if self.durability.ballot() != self.ballot {
            // Its vote for another is not out yet.
            return self.await_leader();
        }
        if self.may_campaign() && self.config.errs(Mutant::NoPreVote) {
            return self.run(Stage::Running { transfer: false });
        }
        if self.may_campaign() {
            return self.sound();
        }
        self.election_at = Moment::NEVER;
        if let Role::Follower(following) = &mut self.role {
            following.leader = None;
            following.heard = None;
        }
    }

    /// §4.2.2: also a node that an uncommitted configuration leaves out may be needed to commit it.
    pub(super) fn may_campaign(&self) -> bool {
        let voter = self.membership().is_voter(self.id) || self.membership_at(self.commit).is_voter(self.id);
        if self.config.errs(Mutant::LeftOutNeverCampaigns) && !self.membership().is_voter(self.id) {
            return false;
        }
        voter && self.leaving.is_none()
    }

    /// Asks all voters whether they would vote for it.
    pub(super) fn sound(&mut self) {
        self.note(Deed::Sound);
        self.begin_candidacy(Stage::Sounding, BTreeMap::from([(self.id, Answer::Yes)]));
        self.count_answers();
    }

    /// Campaigns in the next term. The vote for itself counts, and others are asked, once it is durable.
    pub(super) fn run(&mut self, stage: Stage) {
        self.note(Deed::Campaign { transfer: stage == Stage::Running { transfer: true } });
        self.set_ballot(Ballot { term: self.term().next(), vote: Some(self.id) });
        self.begin_candidacy(stage, BTreeMap::new());
    }

    fn begin_candidacy(&mut self, stage: Stage, answers: BTreeMap<NodeId, Answer>) {
        let (since, failures) = match &self.role {
            Role::Candidate(candidacy) => (candidacy.since, candidacy.failures),
            _ => (self.now, 0),
        };
        match stage {
            Stage::Sounding => self.await_leader(),
            Stage::Running { .. } => self.await_votes(failures),
        }
        let ask_at = Moment::NEVER;
        self.role = Role::Candidate(Candidacy { stage, answers, since, failures, ask_at, lender: None });
        self.forwarding.restart(self.outbox.settled());
        self.reads.restart();
        self.ask();
    }

    /// Asks every voter that has not answered, for messages may get lost. Who would not have given its vote
    /// may have missed the leader since.
    pub(super) fn ask(&mut self) {
        let Role::Candidate(candidacy) = &self.role else { return };
        let again = self.ask_again_at(candidacy.since);
        let Role::Candidate(candidacy) = &mut self.role else { return };
        candidacy.ask_at = again;
        let stage = candidacy.stage;
        if stage == Stage::Sounding {
            candidacy.answers.retain(|_, answer| *answer == Answer::Yes);
        }
        let last = self.log.last();
        let silent: Vec<NodeId> = (self.log.membership().voters())
            .filter(|voter| *voter != self.id && !candidacy.answers.contains_key(voter))
            .collect();
        for voter in silent {
            match stage {
                Stage::Sounding => {
                    let message = Message { term: self.term().next(), body: MessageBody::PreVote { last } };
                    self.effects.push_back(Effect::Send { to: voter, message });
                }
                Stage::Running { transfer } => self.send_when_durable(voter, MessageBody::Vote { last, transfer }),
            }
        }
    }

    /// Nobody has won yet: asks again, or starts over.
    pub(super) fn campaign_on(&mut self) {
        let Role::Candidate(candidacy) = &mut self.role else { return };
        if self.now >= self.election_at && self.durability.ballot() != self.ballot {
            // Nobody was asked before its own vote is durable; a new term would begin the wait for it again.
            self.await_leader();
        } else if self.now >= self.election_at {
            candidacy.failures += u32::from(candidacy.stage != Stage::Sounding);
            if self.may_campaign() { self.sound() } else { self.follow(self.term(), None, Why::NoVote) }
        } else if self.now >= candidacy.ask_at {
            self.ask();
            self.ask_lender(self.log.last());
        }
    }

    fn count_sounding(&mut self, from: NodeId, asked: Term, answer: Answer) {
        if !self.is_asked(from) {
            return self.ignore();
        }
        self.note(Deed::CountVote { from, granted: answer == Answer::Yes });
        let current = asked == self.term().next();
        match &mut self.role {
            Role::Candidate(candidacy) if candidacy.stage == Stage::Sounding && current => {
                candidacy.answers.insert(from, answer);
                self.count_answers();
            }
            _ => {}
        }
    }

    fn count_vote(&mut self, from: NodeId, granted: bool) {
        if !self.is_asked(from) {
            return self.ignore();
        }
        self.note(Deed::CountVote { from, granted });
        let twice = self.config.errs(Mutant::CountVotesTwice);
        let silent = self.membership().voters().find(|voter| twice && !self.has_answered(*voter));
        match &mut self.role {
            Role::Candidate(candidacy) if candidacy.stage != Stage::Sounding => {
                let known = candidacy.answers.contains_key(&from);
                let counted = silent.filter(|_| known).unwrap_or(from);
                // A vote once given stands; a late double of a refusal can't take it back.
                let answer = candidacy.answers.entry(counted).or_insert(Answer::No);
                *answer = if granted { Answer::Yes } else { *answer };
                self.count_answers();
            }
            _ => {}
        }
    }

    /// Whether an answer of this node could count. Others are not kept: there is no end to strangers.
    fn is_asked(&self, node: NodeId) -> bool {
        node == self.id || self.membership().is_voter(node)
    }

    fn has_answered(&self, voter: NodeId) -> bool {
        matches!(&self.role, Role::Candidate(candidacy) if candidacy.answers.contains_key(&voter))
    }

    /// The vote for itself counts like any other: once it is durable.
    pub(super) fn count_own_vote(&mut self) {
        if self.durability.ballot() == self.ballot && matches!(self.role, Role::Candidate(_)) {
            self.count_vote(self.id, true);
        }
    }

    /// Only voters of the configuration in force count, this node too.
    fn count_answers(&mut self) {
        let Role::Candidate(candidacy) = &self.role else { return };
        if candidacy.lender.is_some() {
            // Whoever voted for it may have been told of more than it holds at the moment.
            return;
        }
        let needed = majority(self.membership().voters().count());
        let count =
            |wanted| self.membership().voters().filter(|voter| candidacy.answers.get(voter) == Some(&wanted)).count();
        if count(Answer::Yes) >= needed {
            match candidacy.stage {
                Stage::Sounding => self.run(Stage::Running { transfer: false }),
                Stage::Running { .. } => self.lead(),
            }
        } else if count(Answer::No) >= needed {
            self.follow(self.term(), None, Why::Refused);
        } else if candidacy.stage == Stage::Sounding {
            self.campaign_on_loan(needed);
        }
    }

    pub(super) fn set_ballot(&mut self, ballot: Ballot) {
        if ballot.term > self.ballot.term {
            self.note(Deed::EnterTerm(ballot.term));
        }
        self.ballot = ballot;
        self.durability.stage_ballot(ballot);
    }
}

impl MessageBody {
    /// Whether the sender asks or leads, rather than answers.
    fn is_request(&self) -> bool {
        matches!(
            self,
            Self::PreVote { .. }
                | Self::Vote { .. }
                | Self::Append { .. }
                | Self::News { .. }
                | Self::Heartbeat { .. }
                | Self::Snapshot { .. }
                | Self::Borrow { .. }
        )
    }
}
