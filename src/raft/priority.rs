//! Who should rather lead: a peer on a poor link, or in a hidden tab, leaves the office to a better one.
//!
//! A node's priority delays its own campaigns, by a bounded time, and lets it hand over when it leads. It never decides
//! whether a vote is given: whoever can be elected is, however low its priority, when nobody better is there.

use super::{Moment, Node, NodeId, role::Role};
use std::time::Duration;

/// The priority of who has no reason to stand back. A greater one is for who should lead rather than all others.
pub const PRIORITY_DEFAULT: u8 = 100;

/// What a voter's priority must have ahead of the leader's to be worth a hand-over; anything is ahead of zero.
const MARGIN: u8 = 10;
/// For how long at least who handed over keeps the office when it comes back.
const RESTRAINT_MIN: Duration = Duration::from_secs(5);
/// And at most, however often it comes back.
const RESTRAINT_MAX: Duration = Duration::from_secs(600);

/// How a node keeps from handing over again and again to one that can't keep the office.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Restraint {
    until: Moment,
    pause: Duration,
}

impl Restraint {
    fn allows(&self, now: Moment) -> bool {
        now >= self.until
    }

    /// It hands over. The next pause is twice as long, unless this one is long past.
    fn begin(&mut self, now: Moment) {
        let soon = now < self.until + self.pause * 2;
        self.pause = if soon { (self.pause * 2).min(RESTRAINT_MAX) } else { RESTRAINT_MIN };
        self.until = now + self.pause;
    }
}

impl Node {
    /// This node should lead rather than others, or rather not.
    pub(super) fn set_priority(&mut self, priority: u8) {
        if !self.config.witness {
            self.priority = priority;
        }
        self.prefer_another();
    }

    /// What this node tells as its priority: none while its state is known to be wrong, and half while it stalls.
    pub(super) fn priority(&self) -> u8 {
        match () {
            () if self.marks.is_diverged() => 0,
            () if self.is_stalling() => (self.priority / 2).min(self.priority.saturating_sub(MARGIN)),
            () => self.priority,
        }
    }

    /// How much longer than others this node waits before it campaigns: half a wait at most beyond theirs.
    pub(super) fn standing_back(&self) -> Duration {
        self.patience * u32::from(PRIORITY_DEFAULT.saturating_sub(self.priority())) / u32::from(PRIORITY_DEFAULT)
    }

    /// A member says what its priority is.
    pub(super) fn note_priority(&mut self, from: NodeId, priority: u8) {
        let now = self.now;
        let peer = self.role.leadership_mut().and_then(|leadership| leadership.peers.get_mut(&from));
        if let Some(progress) = peer.filter(|progress| progress.priority != Some(priority)) {
            progress.priority = Some(priority);
            progress.priority_since = now;
        }
    }

    /// The priority of a member, if it told.
    pub(super) fn priority_of(&self, node: NodeId) -> Option<u8> {
        let peer = || self.role.leadership().and_then(|leadership| leadership.peers.get(&node));
        if node == self.id { Some(self.priority()) } else { peer().and_then(|progress| progress.priority) }
    }

    /// Whether one member should vote rather than another, and it has been so for a while.
    pub(super) fn is_clearly_ahead(&self, one: NodeId, other: NodeId) -> bool {
        let peer = |node| self.role.leadership().and_then(|leadership| leadership.peers.get(&node));
        let settled =
            |node| peer(node).is_none_or(|progress| self.now - progress.priority_since >= self.config.silence);
        let ahead = self.priority_of(one).zip(self.priority_of(other)).is_some_and(|(one, other)| is_ahead(one, other));
        ahead && settled(one) && settled(other)
    }

    /// At a heartbeat: hands over to a voter of higher priority that is fit to lead.
    pub(super) fn prefer_another(&mut self) {
        let Role::Leader(leadership) = &self.role else { return };
        let established = leadership.first <= self.commit && leadership.transfer.is_none();
        if !established || !self.restraint.allows(self.now) {
            return;
        }
        let Some(best) = self.best_voter() else { return };
        let ahead = self.priority_of(best).is_some_and(|priority| is_ahead(priority, self.priority()));
        if ahead && self.is_fit(best, self.config.settling) {
            self.restraint.begin(self.now);
            self.transfer_to(best);
        }
    }
}

/// Whether a priority is so much greater than another that something should change.
fn is_ahead(priority: u8, of: u8) -> bool {
    let margin = if of == 0 { 1 } else { MARGIN };
    priority.checked_sub(of).is_some_and(|ahead| ahead >= margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_until_one_is_long_past() {
        let mut restraint = Restraint::default();
        let mut now = Moment::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            restraint.begin(now);
            pauses.push(restraint.pause.as_secs());
            assert!(!restraint.allows(now) && restraint.allows(restraint.until));
            now = restraint.until;
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        restraint.begin(restraint.until + RESTRAINT_MAX * 2);
        assert_eq!(restraint.pause, RESTRAINT_MIN);
    }
}
