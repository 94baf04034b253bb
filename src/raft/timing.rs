//! How patient the nodes of a room are with one another (§3.9).
//!
//! The leader measures how long its voters take to answer, draws one number from that, the *patience*, and
//! publishes it in its heartbeats. The rest follows from it: a voter that heard the leader within it helps
//! nobody else into office, one that didn't asks a little later whether it could lead, and a leader that no
//! majority answers for twice as long steps down.

use super::{Config, Deed, Moment, Mutant, Node, NodeId, Why, quorum::reached_by_majority, role::Role};
use std::{cmp::Reverse, time::Duration};

/// How many heartbeats a leader sends within one patience: all but one may get lost.
const HEARTBEATS: u32 = 5;
/// After how many patiences of silence a member counts as absent.
const ATTENTION: u32 = 2;
/// How many times a candidate that fails again and again doubles its patience.
const DOUBLINGS_MAX: u32 = 5;

/// The longest recent delay. It rises at once, and falls by half in some 350 heartbeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Peak(Duration);

impl Peak {
    /// Takes a sample. A single one counts for at most `limit`: it may have been a pause, not the network.
    pub fn observe(&mut self, sample: Duration, limit: Duration) {
        self.0 = self.0.max(sample.min(limit));
    }

    /// A heartbeat's time has passed.
    pub fn fade(&mut self) {
        self.0 -= self.0 / 512;
    }

    /// The patience that fits such delays: as long again, and never less than a few short heartbeats.
    fn patience(self, config: &Config) -> Duration {
        let heartbeats = config.election_timeout_min * (HEARTBEATS - 1) / HEARTBEATS;
        (self.0 + self.0.max(heartbeats)).clamp(config.election_timeout_min, config.election_timeout_max)
    }
}

impl Node {
    /// Moves the clock on. If the deadline is long past, this node was asleep: what it did not hear
    /// meanwhile says nothing about the others, and all patience begins anew. Once, until they are heard
    /// again: a clock that always ticks late must not wait for ever.
    pub(super) fn pass_time(&mut self, now: Moment) {
        let asleep = now > self.now + self.config.oversleep && now > self.deadline() + self.config.oversleep;
        self.now = self.now.max(now);
        if !asleep || self.config.errs(Mutant::BlameOthersForSleep) {
            return;
        }
        self.note(Deed::Awake);
        self.note_late_timer();
        match &mut self.role {
            Role::Leader(leadership) => leadership.peers.values_mut().for_each(|progress| progress.excuse(now)),
            _ if self.election_at == Moment::NEVER => {}
            Role::Follower(_) if !self.excused => self.await_leader(),
            // What was asked before the gap is worth nothing: by now there may be a leader.
            Role::Candidate(_) if !self.excused => self.follow(self.term(), None, Why::Asleep),
            // At the next gap, answers to what was asked since may be waiting; they are taken in before the next timer.
            Role::Follower(_) | Role::Candidate(_) => {}
        }
        self.excused = self.role.leadership().is_none();
    }

    /// How often a leader shows that it is there.
    pub(super) fn heartbeat_interval(&self) -> Duration {
        self.patience / HEARTBEATS
    }

    /// After how much silence a member counts as absent, and a leader without a majority steps down.
    pub(super) fn attention(&self) -> Duration {
        self.patience * ATTENTION
    }

    /// When a candidate asks again: after time for an answer, and less often if it has asked in vain for long.
    pub(super) fn ask_again_at(&self, since: Moment) -> Moment {
        self.now + ((self.now - since) / 4).clamp(self.patience / 4, self.patience)
    }

    /// Gives a leader a random time to show up (§3.4), and who should rather lead time to go first.
    pub(super) fn await_leader(&mut self) {
        self.await_for(self.patience);
        self.election_at = self.election_at + self.standing_back();
    }

    /// Gives voters time to answer; after each failure more, for disks may take most of it.
    pub(super) fn await_votes(&mut self, failures: u32) {
        self.await_for(self.patience * (1 << failures.min(DOUBLINGS_MAX)));
    }

    fn await_for(&mut self, patience: Duration) {
        self.election_at = self.now + self.dice.between(patience, patience * 3 / 2);
    }

    /// The patience as it travels.
    pub(super) fn patience_ms(&self) -> u32 {
        u32::try_from(self.patience.as_millis()).unwrap_or(u32::MAX)
    }

    /// The leader says how patient it is, at a heartbeat.
    pub(super) fn adopt_patience(&mut self, patience_ms: u32) {
        self.forget_late_timers();
        let patience = Duration::from_millis(patience_ms.into());
        self.patience = patience.clamp(self.config.election_timeout_min, self.config.election_timeout_max);
    }

    /// At a heartbeat, draws the patience from the longest delay that a majority keeps within, and from how
    /// late this leader's own timers are, which looks the same to the others. As long as a majority isn't
    /// measured, it stays as it was.
    pub(super) fn measure_patience(&mut self) {
        self.forget_late_timers();
        let Role::Leader(leadership) = &mut self.role else { return };
        leadership.lateness.fade();
        leadership.lateness.observe(self.now - leadership.heartbeat_at, self.patience);
        leadership.peers.values_mut().for_each(|progress| progress.delay.iter_mut().for_each(Peak::fade));
        let leadership = &*leadership;
        let delay = |voter: NodeId| match leadership.peers.get(&voter) {
            Some(progress) => progress.delay.unwrap_or(Peak(Duration::MAX)),
            None => Peak::default(),
        };
        let delays = self.log.membership().voters().map(|voter| Reverse(delay(voter)));
        match reached_by_majority(delays) {
            Some(Reverse(delay)) if delay < Peak(Duration::MAX) => {
                self.patience = delay.max(leadership.lateness).patience(&self.config);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn patience(delay: u64) -> Duration {
        Peak(ms(delay)).patience(&Config::default())
    }

    #[test]
    fn patience_grows_with_the_delay_within_its_bounds() {
        let config = Config::default();
        assert_eq!(patience(0), config.election_timeout_min);
        assert!(patience(50) < patience(150) && patience(150) < patience(300));
        assert!((10..1_000).all(|delay| patience(delay) >= ms(2 * delay)), "candidates hear of their voters in time");
        assert_eq!(patience(100_000), config.election_timeout_max);
    }

    #[test]
    fn a_single_pause_at_most_doubles_the_patience() {
        let mut peak = Peak::default();
        let before = ms(400);
        peak.observe(Duration::from_secs(600), before);
        assert_eq!(peak.patience(&Config::default()), before * 2);
    }

    #[test]
    fn a_delay_that_is_over_is_forgotten() {
        let mut peak = Peak(ms(400));
        (0..355).for_each(|_| peak.fade());
        assert!((ms(190)..ms(210)).contains(&peak.0), "{peak:?}");
    }
}
