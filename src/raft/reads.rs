//! Reads of this node that see everything committed before they were asked, without an entry in the log (§6.4).
//!
//! What is read between two questions is asked about together: one question to the leader, one answer, one
//! index that the state machine has to reach. A read that gets no answer is asked about again, whoever leads
//! by then, and given up after a while.

use super::{
    Effect, Holdup, LogIndex, MessageBody, Moment, Mutant, Node, NodeId, ReadId, Rejected, inflight::RoundTrip,
    role::Role,
};
use std::collections::VecDeque;

/// Own reads, from being asked until the state machine is far enough.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reads {
    waiting: VecDeque<Waiting>,
    /// The number of the last question.
    asked: u64,
    asked_at: Moment,
    /// When it is asked again.
    again_at: Moment,
    /// Something waits that no question is under way about.
    open: bool,
    retries: u32,
    round_trip: RoundTrip,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Waiting {
    id: ReadId,
    /// The first question whose answer is late enough for it.
    question: u64,
    /// What the state machine has to reach, once the leader has said.
    index: Option<LogIndex>,
    until: Moment,
}

impl Reads {
    /// `nonce` is where the numbers of questions begin: anywhere, so that what was said to an earlier life of
    /// this node, and may still be under way, answers nothing in this one.
    pub fn new(nonce: u64) -> Self {
        Self {
            waiting: VecDeque::new(),
            asked: nonce >> 1,
            asked_at: Moment::ZERO,
            again_at: Moment::NEVER,
            open: false,
            retries: 0,
            round_trip: RoundTrip::default(),
        }
    }

    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Begins anew with all questions: there may be another leader, and what the last one promised to commit
    /// may never be.
    pub fn restart(&mut self) {
        self.waiting.iter_mut().for_each(|read| read.index = None);
        self.retries = 0;
        self.ask_again();
    }

    /// When something has to be asked again or given up.
    pub fn deadline(&self) -> Moment {
        self.waiting.front().map_or(Moment::NEVER, |first| first.until.min(self.again_at))
    }

    fn add(&mut self, id: ReadId, until: Moment) {
        self.waiting.push_back(Waiting { id, question: self.asked + 1, index: None, until });
        self.open = true;
    }

    fn ask_again(&mut self) {
        self.open = self.waiting.iter().any(|read| read.index.is_none());
        self.again_at = Moment::NEVER;
    }

    /// The next question, if there is one to ask.
    fn question(&mut self, now: Moment) -> Option<u64> {
        if !std::mem::take(&mut self.open) {
            return None;
        }
        self.asked += 1;
        self.asked_at = now;
        self.again_at = now + self.round_trip.patience(self.retries);
        Some(self.asked)
    }

    /// Everything asked up to this question sees enough once `index` is applied.
    fn answered(&mut self, question: u64, index: LogIndex, now: Moment) {
        if question > self.asked {
            return;
        }
        let covered = self.waiting.iter_mut().filter(|read| read.question <= question && read.index.is_none());
        covered.for_each(|read| read.index = Some(index));
        if question == self.asked {
            if self.retries == 0 {
                self.round_trip.observe(now - self.asked_at);
            }
            self.retries = 0;
            self.again_at = Moment::NEVER;
        }
    }

    /// The oldest read, if the state machine is far enough for it.
    fn ready(&mut self, applied: LogIndex) -> Option<(ReadId, LogIndex)> {
        let read = self.waiting.pop_front_if(|read| read.index.is_some_and(|index| index <= applied))?;
        read.index.map(|index| (read.id, index))
    }

    /// The oldest read, if it has waited for too long, and whether the leader answered.
    fn expired(&mut self, now: Moment) -> Option<(ReadId, bool)> {
        let read = self.waiting.pop_front_if(|read| read.until <= now)?;
        Some((read.id, read.index.is_some()))
    }
}

impl Node {
    /// Asks for a moment at which the state machine has everything that was committed anywhere when it was
    /// asked. [`Effect::Read`] says when it has come, under the name `id`, which the caller chooses.
    ///
    /// Nothing is written for it, and nobody's clock is trusted: the leader makes sure that it still leads by
    /// one round of heartbeats for all reads that wait.
    ///
    /// # Errors
    /// If too many reads wait already, or this node is leaving or a witness.
    pub fn read(&mut self, now: Moment, id: ReadId) -> Result<(), Rejected> {
        self.pass_time(now);
        self.check_takes_requests()?;
        let waiting = self.reads.waiting();
        if waiting >= self.config.reads_max {
            return Err(Rejected::ReadsFull { waiting });
        }
        self.reads.add(id, self.now + self.config.read_patience);
        self.stirred = true;
        Ok(())
    }

    /// Asks the leader, or itself as the leader, how far the state machine has to be.
    pub(super) fn ask_reads(&mut self) {
        if !self.reads.open {
            return;
        }
        let Some(leader) = self.leader() else { return };
        if leader != self.id && !self.membership().members.contains_key(&self.id) {
            return;
        }
        let Some(question) = self.reads.question(self.now) else { return };
        if leader == self.id {
            self.take_question(leader, question);
        } else {
            self.send(leader, MessageBody::ReadIndex { question });
        }
    }

    /// The leader says how far.
    pub(super) fn count_read_index(&mut self, from: NodeId, question: u64, index: LogIndex) {
        if self.leader() != Some(from) {
            return self.ignore();
        }
        self.reads.answered(question, index, self.now);
    }

    /// Asks again what got no answer, and gives up what waited for too long.
    pub(super) fn read_on(&mut self) {
        while let Some((id, answered)) = self.reads.expired(self.now) {
            let holdup = if answered { Holdup::Behind } else { self.holdup_of_reads() };
            self.effects.push_back(Effect::Read { id, outcome: Err(holdup) });
        }
        if self.now >= self.reads.again_at {
            self.reads.retries += 1;
            self.reads.ask_again();
        }
    }

    fn holdup_of_reads(&self) -> Holdup {
        match (&self.role, self.leader()) {
            (Role::Leader(leadership), _) if leadership.transfer.is_some() => Holdup::Transferring,
            (Role::Leader(_), _) => Holdup::NoMajority,
            (_, None) => Holdup::NoLeader,
            _ if !self.membership().members.contains_key(&self.id) => Holdup::NotMember,
            _ => Holdup::NoAnswer,
        }
    }

    /// The next read whose moment has come.
    pub(super) fn next_read(&mut self) -> Option<Effect> {
        let applied = if self.config.errs(Mutant::ReadUnapplied) { LogIndex(u64::MAX) } else { self.applied };
        self.reads.ready(applied).map(|(id, index)| Effect::Read { id, outcome: Ok(index) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(nonce: u64) -> Reads {
        let mut reads = Reads::new(nonce);
        reads.add(ReadId(1), Moment::NEVER);
        reads
    }

    #[test]
    fn an_answer_covers_what_was_read_before_its_question() {
        let mut reads = reads(0);
        let first = reads.question(Moment::ZERO).unwrap_or_default();
        reads.add(ReadId(2), Moment::NEVER);
        reads.answered(first, LogIndex(5), Moment::ZERO);
        assert_eq!(reads.ready(LogIndex(5)), Some((ReadId(1), LogIndex(5))));
        assert_eq!(reads.ready(LogIndex(9)), None);
        let second = reads.question(Moment::ZERO).unwrap_or_default();
        reads.answered(second, LogIndex(6), Moment::ZERO);
        assert_eq!(reads.ready(LogIndex(5)), None);
        assert_eq!(reads.ready(LogIndex(6)), Some((ReadId(2), LogIndex(6))));
    }

    #[test]
    fn an_answer_to_a_former_life_answers_nothing() {
        let mut before = reads(1 << 40);
        let question = before.question(Moment::ZERO).unwrap_or_default();
        for nonce in [0, 1 << 50] {
            let mut after = reads(nonce);
            after.question(Moment::ZERO);
            after.answered(question, LogIndex(1), Moment::ZERO);
            assert_eq!(after.ready(LogIndex(9)), None);
        }
    }

    #[test]
    fn what_waits_together_is_asked_about_once() {
        let mut reads = reads(0);
        (2..100).for_each(|id| reads.add(ReadId(id), Moment::NEVER));
        assert!(reads.question(Moment::ZERO).is_some());
        assert_eq!(reads.question(Moment::ZERO), None);
    }
}
