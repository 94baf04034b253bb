//! Leaving in good order: handing over the office, giving up the vote, keeping the membership.

use super::{MessageBody, Moment, Node, Standing, role::Role};
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
        if self.is_handing_over() {
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
}
