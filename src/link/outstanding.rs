//! How much was sent on a connection without a sign that it arrived.
//!
//! Neither matchbox nor a browser says when too much waits: a page that is frozen looks connected, and hoards what it is
//! sent until it is discarded. But pings go the same way as all else. When one is answered, what was sent before it
//! has arrived, or is lost.

use crate::raft::Moment;
use std::collections::VecDeque;

/// The most bytes sent on a connection that no answer shows as arrived; what comes on top is refused. A browser's own
/// buffer takes 16 MiB, and the windows of consensus a quarter of this.
pub const UNANSWERED_BYTES_MAX: usize = 2 * 1024 * 1024;
/// From here on a ping is due at once, so that the limit isn't met by who answers.
const URGENT_BYTES: u64 = UNANSWERED_BYTES_MAX as u64 / 4;
/// The most pings whose answers are waited for; the oldest is forgotten.
const PINGS_MAX: usize = 16;

/// Counts what was sent and what was answered.
#[derive(Default)]
pub(super) struct Outstanding {
    sent: u64,
    arrived: u64,
    /// When each ping was said, and how much was sent by then.
    pings: VecDeque<(Moment, u64)>,
    urged: bool,
}

impl Outstanding {
    /// Counts what is sent; true if a ping is due at once.
    pub(super) fn send(&mut self, bytes: usize) -> bool {
        self.sent += bytes as u64;
        let urgent = !self.urged && self.sent - self.arrived > URGENT_BYTES;
        self.urged |= urgent;
        urgent
    }

    /// Whether so much more would be too much.
    pub(super) fn is_full(&self, bytes: usize) -> bool {
        self.sent - self.arrived + bytes as u64 > UNANSWERED_BYTES_MAX as u64
    }

    /// A ping is said.
    pub(super) fn ping(&mut self, now: Moment) {
        if self.pings.len() >= PINGS_MAX {
            self.pings.pop_front();
        }
        self.pings.push_back((now, self.sent));
    }

    /// The ping said at `said_at` is answered.
    pub(super) fn pong(&mut self, said_at: Moment) {
        let Some(place) = self.pings.iter().position(|(at, _)| *at == said_at) else { return };
        if let Some((_, sent)) = self.pings.drain(..=place).next_back() {
            self.arrived = self.arrived.max(sent);
            self.urged = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_answer_makes_room_for_what_was_sent_before_it_was_asked_for() {
        let (mut outstanding, start) = (Outstanding::default(), Moment::ZERO);
        assert!(!outstanding.send(1_000));
        outstanding.ping(start);
        assert!(outstanding.send(UNANSWERED_BYTES_MAX - 1_000), "a ping is due");
        assert!(!outstanding.send(0), "once");
        assert!(outstanding.is_full(1));
        outstanding.pong(start + Duration::from_secs(1));
        assert!(outstanding.is_full(1), "nobody asked that");
        outstanding.pong(start);
        assert!(!outstanding.is_full(1_000) && outstanding.is_full(1_001));
        assert!(outstanding.send(0), "another ping is due");
    }

    #[test]
    fn only_so_many_pings_are_remembered() {
        let mut outstanding = Outstanding::default();
        outstanding.send(100);
        let at = |second| Moment::ZERO + Duration::from_secs(second);
        (0..=PINGS_MAX as u64).for_each(|second| outstanding.ping(at(second)));
        outstanding.pong(at(0));
        assert_eq!(outstanding.arrived, 0);
        outstanding.pong(at(1));
        assert_eq!(outstanding.arrived, 100);
    }
}
