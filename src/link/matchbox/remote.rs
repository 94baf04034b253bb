//! Another node that may be connected to, as the roster knows it.

use super::{doubling::doubled, signal::Word};
use crate::raft::{Moment, NodeId};
use matchbox_socket::{PeerId, PeerSignal};
use std::{collections::BTreeSet, time::Duration};

/// How long a call may take until it is given up and made again.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long after a failure one calls again, at first; it doubles with every failure in a row. matchbox
/// never forgets a call that came to nothing, so that there must not be many.
pub(super) const CALL_AGAIN_MIN: Duration = Duration::from_secs(1);
/// How long after a failure one calls again, at most.
pub(super) const CALL_AGAIN_MAX: Duration = Duration::from_secs(300);
/// How often somebody may call us.
pub(super) const CALLED_INTERVAL_MIN: Duration = Duration::from_millis(500);

/// A way on which signals get to somebody; better ones come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// Through the server at one of the addresses, which calls it like this.
    Server {
        /// Which of the addresses.
        rank: usize,
        /// The name there.
        peer: PeerId,
    },
    /// Through members that are linked to it, and to us.
    Members(NodeId),
}

impl Way {
    /// Which of the servers it leads through, if it does.
    pub(super) fn rank(self) -> Option<usize> {
        match self {
            Self::Server { rank, .. } => Some(rank),
            Self::Members(_) => None,
        }
    }
}

/// An attempt to connect, the last one with that node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// Which of the caller's.
    pub(super) number: u64,
    /// What matchbox calls it.
    pub(super) name: PeerId,
    /// How the two speak about it.
    pub(super) way: Way,
    began_at: Moment,
}

/// Another node.
#[derive(Default)]
pub(super) struct Remote {
    /// Which of its lives we know it in.
    pub(super) life: Option<u64>,
    /// At most one through each server and one through members.
    pub(super) ways: BTreeSet<Way>,
    pub(super) attempt: Option<Attempt>,
    /// Nothing is to be done about it: it is connected, or not wanted.
    pub(super) settled: bool,
    /// The highest number of its calls that was taken.
    called: u64,
    failures: u32,
    call_at: Option<Moment>,
}

impl Remote {
    /// It can be reached by this way, and not by an older one through the same server.
    pub(super) fn add(&mut self, way: Way) {
        self.ways.retain(|other| other.rank() != way.rank());
        self.ways.insert(way);
    }

    /// It should be called as soon as may be, unless that is under way.
    pub(super) fn want(&mut self, now: Moment) {
        if !self.settled && self.attempt.is_none() && self.call_at.is_none() {
            self.call_at = Some(now);
        }
    }

    /// It should be called again, though a connection stood once: that one is of no use.
    pub(super) fn want_again(&mut self, now: Moment) {
        if self.settled {
            self.settled = false;
            let patience = doubled(CALL_TIMEOUT, self.failures, CALL_AGAIN_MAX);
            let earliest = self.attempt.map_or(now, |attempt| attempt.began_at + patience);
            self.call_at = Some(now.max(earliest));
        }
        self.want(now);
    }

    /// When to call it.
    pub(super) fn deadline(&self) -> Option<Moment> {
        if self.settled || self.ways.is_empty() {
            return None;
        }
        let patience = doubled(CALL_TIMEOUT, self.failures, CALL_AGAIN_MAX);
        self.call_at.or(self.attempt.map(|attempt| attempt.began_at + patience))
    }

    /// By which way to call it: another one after each failure.
    pub(super) fn way(&mut self) -> Option<Way> {
        if self.attempt.is_some() && self.call_at.is_none() {
            self.failures += 1;
        }
        let turn = self.failures as usize % self.ways.len().max(1);
        self.ways.iter().nth(turn).copied()
    }

    /// An attempt begins; returns the name of the one that it takes the place of.
    pub(super) fn begin(&mut self, now: Moment, number: u64, name: PeerId, way: Way) -> Option<PeerId> {
        (self.settled, self.call_at) = (false, None);
        self.attempt.replace(Attempt { number, name, way, began_at: now }).map(|old| old.name)
    }

    /// Whether this is a call to be taken; it is taken once.
    pub(super) fn is_called(&mut self, now: Moment, word: &Word) -> bool {
        let Word::Attempt { number, signal: PeerSignal::Offer(_) } = word else { return false };
        let too_soon = self.attempt.is_some_and(|attempt| now < attempt.began_at + CALLED_INTERVAL_MIN);
        let taken = *number > self.called && !too_soon;
        if taken {
            self.called = *number;
        }
        taken
    }

    pub(super) fn connected(&mut self) {
        (self.settled, self.failures, self.call_at) = (true, 0, None);
    }

    pub(super) fn broken(&mut self, now: Moment) {
        let wait = doubled(CALL_AGAIN_MIN, self.failures, CALL_AGAIN_MAX);
        self.failures += 1;
        (self.settled, self.attempt, self.call_at) = (false, None, Some(now + wait));
    }

    pub(super) fn closed(&mut self) {
        (self.settled, self.call_at) = (true, None);
    }
}
