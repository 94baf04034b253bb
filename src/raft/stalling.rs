//! A node whose timers are late keeps others waiting: it stands back, so that a voter whose timers are on time takes over
//! before it is missed. A hidden tab is one, and so is a game that loads in the middle of a frame.
//!
//! One late timer may have been the sleep of the whole machine and says nothing; a second one soon after does. It is
//! remembered for some hundred heartbeats, for who no longer leads has hardly a timer that could show it to be better.

use super::Node;

/// For how many heartbeats one late timer is remembered: about 12 s in a room at its best.
const STRIKE: u16 = 150;
/// For how many at most, however many there were.
const STRIKES_MAX: u16 = 4 * STRIKE;

/// For how many more heartbeats it counts that timers were late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Strikes(u16);

impl Strikes {
    fn is_stalling(self) -> bool {
        self.0 > STRIKE
    }
}

impl Node {
    /// A timer was so late that this node may have slept.
    pub(super) fn note_late_timer(&mut self) {
        self.strikes = Strikes((self.strikes.0 + STRIKE).min(STRIKES_MAX));
    }

    /// Another heartbeat was sent or heard.
    pub(super) fn forget_late_timers(&mut self) {
        self.strikes = Strikes(self.strikes.0.saturating_sub(1));
    }

    /// Whether this node's timers were late again and again lately.
    pub(super) fn is_stalling(&self) -> bool {
        self.strikes.is_stalling()
    }
}
