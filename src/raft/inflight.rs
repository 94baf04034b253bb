//! What is on its way and not answered yet, and how long an answer takes.

use super::Moment;
use std::{collections::VecDeque, time::Duration};

/// The most messages on their way to one node, however small they are.
pub(super) const MESSAGES_MAX: usize = 256;

/// A window of messages, each named by the last number it carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Inflight {
    messages: VecDeque<Sent>,
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sent {
    last: u64,
    bytes: usize,
    at: Moment,
}

impl Inflight {
    pub fn sent(&mut self, last: u64, bytes: usize, at: Moment) {
        self.bytes += bytes;
        self.messages.push_back(Sent { last, bytes, at });
    }

    /// Forgets what is answered, and says when the last of it was sent.
    pub fn answered(&mut self, last: u64) -> Option<Moment> {
        let mut at = None;
        while let Some(sent) = self.messages.pop_front_if(|sent| sent.last <= last) {
            self.bytes -= sent.bytes;
            at = Some(sent.at);
        }
        at
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub fn has_room(&self, window_bytes: usize) -> bool {
        self.bytes < window_bytes && self.messages.len() < MESSAGES_MAX
    }

    /// How many messages there are, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        (self.messages.len(), self.bytes)
    }

    /// When the message that waits longest was sent.
    pub fn oldest(&self) -> Option<Moment> {
        self.messages.front().map(|sent| sent.at)
    }
}

/// The measured round trip to a node, and the patience that follows from it (as RFC 6298 does).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RoundTrip {
    smoothed_ns: u64,
    variation_ns: u64,
    measured: bool,
}

impl Default for RoundTrip {
    fn default() -> Self {
        Self { smoothed_ns: 120_000_000, variation_ns: 0, measured: false }
    }
}

impl RoundTrip {
    /// Slack for timers and schedulers that are late.
    const SLACK_NS: u64 = 10_000_000;
    /// However often nothing came back, it is tried again after this, unless round trips are longer.
    const PATIENCE_MAX_NS: u64 = 400_000_000;
    /// What takes longer than this was somebody's pause, not the network.
    const SAMPLE_MAX_NS: u64 = 3_000_000_000;

    pub fn observe(&mut self, sample: Duration) {
        let sample_ns = nanoseconds(sample).min(Self::SAMPLE_MAX_NS);
        if !self.measured {
            *self = Self { smoothed_ns: sample_ns, variation_ns: sample_ns / 4, measured: true };
            return;
        }
        let difference_ns = self.smoothed_ns.abs_diff(sample_ns);
        self.variation_ns = (self.variation_ns * 3 + difference_ns) / 4;
        self.smoothed_ns = (self.smoothed_ns * 7 + sample_ns) / 8;
    }

    /// Takes a sample of an answer that waited for no disk; it says nothing where disks take most of the time.
    pub fn observe_network(&mut self, sample: Duration) {
        if !self.measured || nanoseconds(sample).saturating_mul(4) >= self.smoothed_ns * 3 {
            self.observe(sample);
        }
    }

    /// How long to wait for an answer after `retries` attempts without one.
    pub fn patience(&self, retries: u32) -> Duration {
        let first_ns = self.smoothed_ns * 5 / 4 + self.variation_ns * 4 + Self::SLACK_NS;
        let most_ns = Self::PATIENCE_MAX_NS.max(self.smoothed_ns * 2);
        Duration::from_nanos((first_ns << retries.min(4)).min(most_ns))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_window_is_full_by_bytes() {
        let mut inflight = Inflight::default();
        inflight.sent(1, 60, Moment::ZERO);
        assert!(inflight.has_room(100));
        inflight.sent(2, 60, Moment::ZERO);
        assert!(!inflight.has_room(100));
        inflight.answered(1);
        assert!(inflight.has_room(100) && !inflight.is_empty());
    }

    #[test]
    fn patience_is_a_little_more_than_a_steady_round_trip() {
        let mut round_trip = RoundTrip::default();
        for _ in 0..50 {
            round_trip.observe(ms(100));
        }
        assert!((ms(110)..ms(140)).contains(&round_trip.patience(0)), "{:?}", round_trip.patience(0));
    }

    #[test]
    fn a_pause_is_not_taken_for_a_round_trip() {
        let mut round_trip = RoundTrip::default();
        round_trip.observe(ms(600_000));
        assert!(round_trip.patience(0) <= ms(6_000), "{:?}", round_trip.patience(0));
    }

    #[test]
    fn patience_grows_with_failure_and_has_an_end() {
        let mut round_trip = RoundTrip::default();
        round_trip.observe(ms(20));
        assert!(round_trip.patience(1) > round_trip.patience(0));
        assert_eq!(round_trip.patience(100), ms(400));
    }
}
