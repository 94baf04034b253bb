//! Handing over the office in good order (§3.10), so that the room does not wait for an election timeout.
//!
//! The leader appends nothing more, sends its successor what it lacks, and with it the call to campaign at once. The
//! successor does so as soon as it holds everything; its votes come although the leader is still heard. What is proposed
//! meanwhile waits at its author, who sends it to the successor along with the vote. So it is about one round trip late,
//! and nothing fails.

use super::{
    Deed, LogPosition, MessageBody, Moment, Mutant, Node, NodeId, Why,
    role::{Role, Stage},
};
use std::time::Duration;

/// A hand-over under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transfer {
    pub target: NodeId,
    /// Until when the room waits for it.
    until: Moment,
    /// Whether the target was told to campaign.
    told: bool,
}

/// The leader's call to campaign, for as long as this node does not hold what the leader had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    last: LogPosition,
    until: Moment,
}

impl Node {
    /// Whether this leader hands over: it appends nothing, and answers no reads, for another may lead already.
    pub(super) fn is_handing_over(&self) -> bool {
        self.role.leadership().is_some_and(|leadership| leadership.transfer.is_some())
    }

    /// Somebody wishes another leader: this voter, or else the best one.
    pub(super) fn transfer(&mut self, to: Option<NodeId>) {
        let fit = |voter: &NodeId| *voter != self.id && self.membership().is_voter(*voter) && self.hears(*voter);
        let target = match to {
            Some(voter) => Some(voter).filter(fit),
            None => self.best_voter(),
        };
        if let Some(target) = target.filter(|_| !self.is_handing_over()) {
            self.transfer_to(target);
        }
    }

    /// The other voter that is heard and stays: best one that did not just fail to take over, and has the whole log; then
    /// one of higher priority, then one with more of the log.
    pub(super) fn best_voter(&self) -> Option<NodeId> {
        let leadership = self.role.leadership()?;
        let merits = |voter: NodeId| {
            let progress = leadership.peers.get(&voter).filter(|progress| progress.retiring.is_none())?;
            let failed = leadership.failed_successor == Some(voter);
            Some((!failed, self.is_fit(voter, Duration::ZERO), progress.priority, progress.matched, voter))
        };
        let heard = self.membership().voters().filter(|voter| self.hears(*voter));
        heard.filter_map(merits).max().map(|(.., voter)| voter)
    }

    /// Begins a hand-over.
    pub(super) fn transfer_to(&mut self, target: NodeId) {
        self.note(Deed::HandOver(target));
        let until = self.now + self.patience;
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.transfer = Some(Transfer { target, until, told: false });
        }
        self.stirred = true;
    }

    /// At a heartbeat: a hand-over that nobody took up is over, and one whose call may be lost is called again.
    pub(super) fn abandon_transfer(&mut self) {
        let Some(leadership) = self.role.leadership_mut() else { return };
        match &mut leadership.transfer {
            Some(transfer) if self.now >= transfer.until => {
                leadership.failed_successor = Some(transfer.target);
                leadership.transfer = None;
            }
            Some(transfer) => transfer.told = false,
            None => {}
        }
    }

    /// Calls the target to campaign, once everything is there or on its way. A leader whose committed configuration
    /// has no vote for it has led to the end of it: it calls the best voter, and steps down (§4.2.2).
    pub(super) fn hand_over(&mut self) {
        let last = self.log.last();
        let Role::Leader(leadership) = &mut self.role else { return };
        if let Some(transfer) = &mut leadership.transfer
            && !transfer.told
            && leadership.peers.get(&transfer.target).is_some_and(|progress| progress.next > last.index)
        {
            transfer.told = true;
            let target = transfer.target;
            self.call(target);
        }
        let is_out = self.log.membership_index() <= self.commit && !self.membership().is_voter(self.id);
        if is_out && !self.config.errs(Mutant::LeadWithoutVote) {
            if let Some(voter) = self.best_voter() {
                self.call(voter);
            }
            self.follow(self.term(), None, Why::NoVote);
        }
    }

    fn call(&mut self, voter: NodeId) {
        self.note(Deed::TellToCampaign(voter));
        let last = self.log.position_at(self.tellable()).expect("what others are told is in the log");
        self.send(voter, MessageBody::TimeoutNow { last });
    }

    /// The leader calls this node to take over.
    pub(super) fn take_call(&mut self, from: NodeId, last: LogPosition) {
        let until = self.now + self.patience;
        match &mut self.role {
            Role::Follower(following) if following.leader == Some(from) => {
                following.call = Some(Call { last, until });
                self.take_over();
            }
            _ => {}
        }
    }

    /// Campaigns as the leader wishes, once it holds what the leader had: no sounding, and no regard for the leader that
    /// is still heard.
    pub(super) fn take_over(&mut self) {
        let Role::Follower(following) = &mut self.role else { return };
        let Some(call) = following.call else { return };
        if self.now > call.until {
            following.call = None;
        } else if self.log.holds(call.last) && self.may_campaign() {
            match self.config.errs(Mutant::AskWhenCalled) {
                true => self.sound(),
                false => self.run(Stage::Running { transfer: true }),
            }
        }
    }

    /// To whom the commands of this node go: to the leader, or to who is about to lead by the last one's wish, but not
    /// before the vote for it.
    pub(super) fn addressee(&self) -> Option<NodeId> {
        let voted = || self.durability.ballot() == self.ballot;
        match &self.role {
            Role::Follower(following) => following.leader.or_else(|| following.successor.filter(|_| voted())),
            _ => self.leader(),
        }
    }
}
