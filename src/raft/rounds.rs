//! How a leader answers reads: it makes sure that it still led when they were asked (§6.4).
//!
//! A round is one heartbeat to every voter, with a number that the leader chose and gets back. Once a majority
//! has answered it, or a later one, nobody else had been elected when the round began. Nothing that was sent
//! before can count: not an answer that was delayed, nor one that was doubled.

use super::{
    Deed, Effect, LogIndex, Message, MessageBody, Mutant, Node, NodeId, Standing,
    quorum::reached_by_majority,
    role::{Leadership, Role},
};
use std::collections::{BTreeMap, VecDeque};

/// The most rounds under way. What is asked meanwhile waits for the next one together.
pub(super) const ROUNDS_MAX: usize = 4;

/// The rounds of one leader, and the questions behind them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Rounds {
    last: u64,
    /// Each member's last question, for the next round: its answer holds for all that the member asked before.
    asked: BTreeMap<NodeId, u64>,
    under_way: VecDeque<Round>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Round {
    number: u64,
    index: LogIndex,
    asked: BTreeMap<NodeId, u64>,
}

impl Rounds {
    /// The last round that began.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    fn ask(&mut self, member: NodeId, question: u64) {
        let last = self.asked.entry(member).or_default();
        *last = question.max(*last);
    }

    /// Begins a round for everything that was asked, if there is anything and not too many are under way.
    fn begin(&mut self, index: LogIndex) -> bool {
        if self.asked.is_empty() || self.under_way.len() >= ROUNDS_MAX {
            return false;
        }
        self.last += 1;
        let asked = std::mem::take(&mut self.asked);
        self.under_way.push_back(Round { number: self.last, index, asked });
        true
    }

    /// A round that is over, now that a majority has answered the one with this number.
    fn finish(&mut self, answered: u64) -> Option<Round> {
        self.under_way.pop_front_if(|round| round.number <= answered)
    }
}

impl Node {
    /// A member asks how far its state machine has to be.
    pub(super) fn take_question(&mut self, from: NodeId, question: u64) {
        if from != self.id && !self.membership().members.contains_key(&from) {
            return self.ignore();
        }
        if let Role::Leader(leadership) = &mut self.role {
            leadership.rounds.ask(from, question);
        }
    }

    /// Begins a round, if there are questions and an entry of this leader's own term is committed: until then
    /// it doesn't know what former leaders have committed.
    pub(super) fn begin_round(&mut self) {
        if self.role.leadership().is_none_or(|leadership| leadership.rounds.asked.is_empty()) {
            return;
        }
        let (commit, index, patience_ms) = (self.commit, self.read_index(), self.patience_ms());
        let Role::Leader(leadership) = &mut self.role else { return };
        let too_early = leadership.first > commit && !self.config.errs(Mutant::ReadBeforeOwnTerm);
        if too_early || !leadership.rounds.begin(index) {
            return;
        }
        let round = leadership.rounds.last();
        let told = self.log.position_at(commit).expect("what is committed is in the log");
        let body = MessageBody::Heartbeat { commit: told, round, patience_ms, sent: self.now };
        for voter in self.log.membership().voters().filter(|voter| *voter != self.id) {
            let message = Message { term: self.ballot.term, body: body.clone() };
            self.effects.push_back(Effect::Send { to: voter, message });
            if let Some(progress) = leadership.peers.get_mut(&voter) {
                progress.commit_told = commit;
            }
        }
        self.note(Deed::BeginRound(round));
    }

    /// Answers what was asked before a round that a majority of the voters has answered. Not while this leader
    /// hands over: the next one may be at work already.
    pub(super) fn finish_rounds(&mut self) {
        while let Some(round) = self.next_finished_round() {
            for (member, question) in round.asked {
                self.note(Deed::AnswerRead { to: member, index: round.index });
                if member == self.id {
                    self.count_read_index(member, question, round.index);
                } else {
                    self.send(member, MessageBody::ReadIndexReply { question, index: round.index });
                }
            }
        }
    }

    fn next_finished_round(&mut self) -> Option<Round> {
        let Self { role: Role::Leader(leadership), log, id, config, .. } = self else { return None };
        if leadership.transfer.is_some() || leadership.rounds.under_way.is_empty() {
            return None;
        }
        let answered = |voter| if voter == *id { leadership.rounds.last } else { answered_by(leadership, voter) };
        let voters = log.membership().members.iter().filter(|(_, member)| member.standing == Standing::Voter);
        let answered = reached_by_majority(voters.map(|(voter, _)| answered(*voter)))?;
        leadership.rounds.finish(match () {
            () if config.errs(Mutant::ReadWithoutQuorum) => leadership.rounds.last,
            () if config.errs(Mutant::ReadByOldRound) && answered > 0 => leadership.rounds.last,
            () => answered,
        })
    }
}

fn answered_by(leadership: &Leadership, voter: NodeId) -> u64 {
    leadership.peers.get(&voter).map_or(0, |progress| progress.round)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: NodeId = NodeId(1);

    #[test]
    fn a_member_is_answered_once_a_round() {
        let mut rounds = Rounds::default();
        [3, 7, 5].into_iter().for_each(|question| rounds.ask(ME, question));
        assert!(rounds.begin(LogIndex(1)));
        assert!(!rounds.begin(LogIndex(1)), "nothing more was asked");
        assert_eq!(rounds.finish(1).map(|round| round.asked), Some(BTreeMap::from([(ME, 7)])));
    }

    #[test]
    fn what_is_asked_too_fast_waits_for_one_round_together() {
        let mut rounds = Rounds::default();
        let began = (0..100).filter(|question| {
            rounds.ask(ME, *question);
            rounds.begin(LogIndex(1))
        });
        assert_eq!(began.count(), ROUNDS_MAX);
        assert!(rounds.finish(1).is_some() && rounds.begin(LogIndex(1)));
    }
}
