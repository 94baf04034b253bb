//! A candidate that only lacks what its voters hold takes it from one of them.
//!
//! When peers can't all reach one another, the only one that reaches a majority may have an old log, and those with newer
//! ones reach too few: by the vote rule alone (§3.6.1) nobody could ever be elected. So who has asked in vain for long, and
//! is refused only for its log, campaigns nevertheless, takes the newest log that it was told of, and asks again.
//!
//! The vote rule stays what it is, and nobody leads on half a loan. A piece of a log that is newer as a whole never displaces
//! what counts: take an entry that this node acknowledged to the leader of some term, so that both logs end in that term or
//! later. If they end in the same term, the newer one goes on where the other ends (Log Matching). Otherwise the newer one holds
//! an entry of a later leader; and if ours is or will be committed, all later leaders have it (Leader Completeness). So the logs
//! part, if at all, behind it. And since the candidate is in a term of its own by then, no leader relies on more than that.

use super::{
    Deed, Entries, LogIndex, LogPosition, MessageBody, Node, NodeId, Why,
    following::are_consecutive,
    role::{Answer, Role, Stage},
};

/// For how many patiences a candidate asks in vain first: whoever can win without help goes before.
const PATIENCES: u32 = 3;

/// Who has what a candidate lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Lender {
    /// Where its log ends.
    last: LogPosition,
    node: NodeId,
}

/// A part of what it has.
pub(super) struct Loan {
    pub previous: LogPosition,
    pub entries: Entries,
    pub last: LogPosition,
    pub commit: LogIndex,
}

impl Node {
    /// How far this node's log can be lent, for a candidate whose log ends at `last` and is older, if that is all that speaks
    /// against a vote for it, and what it lacks is not cut off.
    pub(super) fn offer(&self, last: LogPosition) -> Option<LogPosition> {
        let reaches = self.log.holds(self.meeting_place(last)) && !self.has_leader();
        self.lendable().filter(|end| reaches && *end > last)
    }

    /// Where the part of the log ends that others may be told.
    fn lendable(&self) -> Option<LogPosition> {
        self.log.position_at(self.tellable())
    }

    /// The last place up to which a log that ends at `last` may agree with ours.
    fn meeting_place(&self, last: LogPosition) -> LogPosition {
        if self.log.holds(last) { last } else { self.log.agreement(last.index, last.term) }
    }

    /// Campaigns with the help of the voter that has the newest log, if there are enough that refuse only for that.
    pub(super) fn campaign_on_loan(&mut self, needed: usize) {
        let Role::Candidate(candidacy) = &self.role else { return };
        let is_late = self.now - candidacy.since >= self.patience * PATIENCES;
        let answers = || self.membership().voters().filter_map(|voter| Some((voter, *candidacy.answers.get(&voter)?)));
        let lender = |(node, answer)| match answer {
            Answer::Ahead(last) => Some(Lender { last, node }),
            _ => None,
        };
        let willing = answers().filter(|(_, answer)| *answer != Answer::No).count();
        let Some(lender) = answers().filter_map(lender).max().filter(|_| is_late && willing >= needed) else { return };
        self.note(Deed::Borrow(lender.node));
        self.run(Stage::Running { transfer: false });
        if let Role::Candidate(candidacy) = &mut self.role {
            candidacy.lender = Some(lender);
        }
        self.ask_lender(self.log.last());
    }

    /// Asks for what comes after `last`.
    pub(super) fn ask_lender(&mut self, last: LogPosition) {
        if let Role::Candidate(candidacy) = &self.role
            && let Some(lender) = candidacy.lender
        {
            self.send_when_durable(lender.node, MessageBody::Borrow { last });
        }
    }

    /// A candidate asks for what its log lacks.
    pub(super) fn lend(&mut self, from: NodeId, last: LogPosition) {
        if !self.membership().members.contains_key(&from) {
            return self.ignore();
        }
        let previous = self.meeting_place(last);
        let (entries, _) = self.log.batch(previous.index.next(), self.tellable(), self.config.append_bytes_max);
        // Who leads by now sends it anyway.
        let leads = matches!(self.role, Role::Leader(_));
        if let Some(last) = self.lendable()
            && self.log.holds(previous)
            && !entries.is_empty()
            && !leads
        {
            let commit = self.commit;
            self.send(from, MessageBody::Lend { previous, entries, last, commit });
        }
    }

    /// Takes a part of what it lacks, and what conflicts gives way; once that is all, it asks for the votes again.
    pub(super) fn take_loan(&mut self, from: NodeId, Loan { previous, entries, last, commit }: Loan) {
        let Role::Candidate(candidacy) = &self.role else { return };
        let Some(lender) = candidacy.lender.filter(|lender| lender.node == from) else { return };
        if last <= self.log.last() {
            // It was overtaken, or the lender's log changed since.
            return;
        }
        if !are_consecutive(previous, &entries, self.term()) {
            return self.ignore();
        }
        if previous.index >= self.log.base().index && !self.log.holds(previous) {
            let hint = self.log.agreement(previous.index, previous.term);
            return self.ask_lender(hint);
        }
        let end = LogIndex(previous.index.0 + entries.len() as u64);
        if !self.take_entries(&entries) {
            return self.ignore();
        }
        // What is committed there is so here, as far as the logs are known to be the same.
        self.commit_to(commit.min(end));
        if !self.membership().is_voter(self.id) {
            return self.follow(self.term(), None, Why::NoVote);
        }
        if self.log.last() < lender.last {
            return self.ask_lender(self.log.last());
        }
        let Role::Candidate(candidacy) = &mut self.role else { return };
        candidacy.lender = None;
        candidacy.answers.retain(|_, answer| *answer == Answer::Yes);
        self.ask();
    }
}
