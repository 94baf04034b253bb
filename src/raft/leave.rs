//! Leaving in good order: handing over the office, giving up the vote, keeping the membership.

use super::{
    Deed, MessageBody, Moment, Node, NodeId, Standing, Why,
    role::{Role, Transfer},
};
use std::time::Duration;

/// A node on its way out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leaving {
    /// When it asks again to be let go.
    pub again_at: Moment,
}

impl Node {
    /// Whether this node has left: it neither leads nor votes, or there is nobody who could take over; and
    /// the commands it took are durable.
    ///
    /// Nobody may ever answer: whoever closes waits for this only so long.
    pub fn has_left(&self) -> bool {
        self.leaving.is_some() && self.has_handed_over() && self.outbox.is_durable()
    }

    fn has_handed_over(&self) -> bool {
        if !self.membership().is_voter(self.id) {
            return !matches!(self.role, Role::Leader(_));
        }
        self.is_sole_voter() && !self.membership().learners().any(|learner| self.hears(learner))
    }

    pub(super) fn leave(&mut self) {
        if self.leaving.is_none() {
            self.leaving = Some(Leaving { again_at: self.now });
            self.leave_on();
        }
    }

    /// Takes the next step towards leaving; repeated until nothing is left to do.
    pub(super) fn leave_on(&mut self) {
        let again_at = self.now + self.heartbeat_interval() / 4;
        let Some(leaving) = self.leaving.as_mut().filter(|leaving| self.now >= leaving.again_at) else { return };
        leaving.again_at = again_at;
        if self.has_handed_over() {
            if let Some(leaving) = &mut self.leaving {
                leaving.again_at = Moment::NEVER;
            }
            return;
        }
        match (&self.role, self.leader()) {
            (Role::Leader(_), _) => self.find_successor(),
            (_, Some(leader)) if self.membership().is_voter(self.id) => self.send(leader, MessageBody::Retire),
            _ => {}
        }
    }

    /// Hands over to the best voter; alone, gives a learner a vote first.
    fn find_successor(&mut self) {
        if self.role.leadership().is_none_or(|leadership| leadership.transfer.is_some()) {
            return;
        }
        if let Some(voter) = self.best_voter() {
            self.transfer_to(voter);
        } else if self.may_change() {
            let heir = self.membership().learners().find(|learner| self.is_fit(*learner, Duration::ZERO));
            if let Some(heir) = heir {
                self.set_standing(heir, Standing::Voter);
            }
        }
    }

    /// The other voter that is heard, stays, and has most of the log.
    pub(super) fn best_voter(&self) -> Option<NodeId> {
        let leadership = self.role.leadership()?;
        let mut best = None;
        for voter in self.membership().voters().filter(|voter| *voter != self.id && self.hears(*voter)) {
            let matched = leadership.peers.get(&voter).filter(|peer| peer.retiring.is_none()).map(|peer| peer.matched);
            if matched > best.map(|(matched, _)| matched) {
                best = matched.map(|matched| (matched, voter));
            }
        }
        best.map(|(_, voter)| voter)
    }

    /// Begins a hand-over (§3.10): nothing new is appended until it is over, for at most one election timeout.
    pub(super) fn transfer_to(&mut self, target: NodeId) {
        self.note(Deed::HandOver(target));
        let until = self.now + self.patience;
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.transfer = Some(Transfer { target, until, told: false });
        }
        self.stirred = true;
    }

    /// A hand-over that failed is over; one whose message may be lost is told again.
    pub(super) fn abandon_transfer(&mut self) {
        let Some(leadership) = self.role.leadership_mut() else { return };
        match &mut leadership.transfer {
            Some(transfer) if self.now >= transfer.until => leadership.transfer = None,
            Some(transfer) => transfer.told = false,
            None => {}
        }
    }

    /// Tells the target to campaign once it has the whole log. A leader whose committed configuration has
    /// no vote for it has led to the end of it, and steps down (§4.2.2).
    pub(super) fn hand_over(&mut self) {
        let last = self.last();
        let Role::Leader(leadership) = &mut self.role else { return };
        if let Some(transfer) = &mut leadership.transfer
            && !transfer.told
            && leadership.peers.get(&transfer.target).is_some_and(|peer| peer.matched == last)
        {
            transfer.told = true;
            let target = transfer.target;
            self.note(Deed::TellToCampaign(target));
            self.send(target, MessageBody::TimeoutNow);
        }
        if self.log.membership_index() <= self.commit && !self.membership().is_voter(self.id) {
            if let Some(voter) = self.best_voter() {
                self.note(Deed::TellToCampaign(voter));
                self.send(voter, MessageBody::TimeoutNow);
            }
            self.follow(self.term(), None, Why::NoVote);
        }
    }
}
