//! What a leader knows of one follower.

use super::{
    Config, LogIndex, LogPosition, Marked, Moment,
    inflight::{Inflight, RoundTrip},
    log::Log,
    shipment::Outgoing,
    snapshot::Image,
    timing::Peak,
};
use bytes::Bytes;
use std::{ops::Range, time::Duration};

/// How far a follower is, and what is on its way to it.
///
/// At first the leader takes the logs to be equal, for mostly they are, and messages follow one another without
/// waiting (streaming), as far as the window allows (§10.2.2). Once it has reason to doubt that, one message at a
/// time looks for the place where they meet (probing). What lies before the leader's log goes as a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    /// The log agrees up to here, durably.
    pub matched: LogIndex,
    /// What is sent next.
    pub next: LogIndex,
    /// Where the search for the meeting place goes on while nothing is known to match.
    probe: LogIndex,
    /// The commit index as last told.
    pub commit_told: LogIndex,
    /// How far the leader's own log is durable, as last told.
    pub durable_told: LogIndex,
    /// The last round of heartbeats that it answered.
    pub round: u64,
    /// When it asked to give up its vote, if it did.
    pub retiring: Option<Moment>,
    /// Its priority, once it told.
    pub priority: Option<u8>,
    /// Since when it is that.
    pub priority_since: Moment,
    /// What it last said of its snapshots.
    pub marked: Option<Marked>,
    /// The snapshot that it is sent.
    shipment: Option<Outgoing>,
    /// The longest that it recently took to answer a heartbeat, once it did.
    pub delay: Option<Peak>,
    streaming: bool,
    inflight: Inflight,
    round_trip: RoundTrip,
    retries: u32,
    /// Answers to what was sent before this are about a stream that was given up.
    restarted: Moment,
    /// When it was last heard, or excused.
    heard: Moment,
    /// When the last heartbeat that it answered was sent: then it was there in fact.
    proven: Option<Moment>,
    /// Its silence was excused by a gap in our own time.
    excused: bool,
    /// Since when it is heard without a break.
    present: Option<Moment>,
}

impl Progress {
    /// `now` counts as heard, so that an election grants everybody the time to answer.
    pub fn new(next: LogIndex, now: Moment) -> Self {
        Self {
            matched: LogIndex(0),
            next,
            probe: next,
            commit_told: LogIndex(0),
            durable_told: LogIndex(0),
            round: 0,
            retiring: None,
            priority: None,
            priority_since: now,
            marked: None,
            shipment: None,
            delay: None,
            streaming: true,
            inflight: Inflight::default(),
            round_trip: RoundTrip::default(),
            retries: 0,
            restarted: now,
            heard: now,
            proven: None,
            excused: false,
            present: None,
        }
    }

    pub fn heard(&self) -> Moment {
        self.heard
    }

    /// Whether it has answered within `patience`.
    pub fn is_heard(&self, now: Moment, patience: Duration) -> bool {
        now - self.heard <= patience
    }

    /// Whether it was there within `patience` in fact: who is only excused, or whose answer was long on its way, may be
    /// long gone.
    pub fn is_proven(&self, now: Moment, patience: Duration, config: &Config) -> bool {
        // An answer is a round trip old when it comes, and the patience is the majority's.
        let patience = patience.max(self.round_trip.patience(1)).min(config.election_timeout_max);
        self.proven.is_some_and(|proven| now - proven <= patience)
    }

    /// For how long it has answered without a break.
    pub fn presence(&self, now: Moment) -> Option<Duration> {
        self.present.map(|since| now - since)
    }

    /// It answered something.
    pub fn answered(&mut self, now: Moment, config: &Config) {
        let was_heard = self.is_heard(now, config.election_timeout_max);
        if !was_heard || self.present.is_none() {
            self.present = Some(now);
        }
        self.heard = now;
        self.excused = false;
        if !was_heard {
            self.restart(now);
            // There may be a newer one by now; what came of this one is not lost, if it is that again.
            self.shipment = None;
        }
    }

    /// Treats it as heard, once: our own clock had a gap, in which we could not hear anybody.
    pub fn excuse(&mut self, now: Moment) {
        if !std::mem::replace(&mut self.excused, true) {
            self.heard = now;
        }
    }

    /// An answer came to a heartbeat, which spares the disk. What it answers can't be from before `since`.
    pub fn observe_heartbeat(&mut self, sent: Moment, since: Moment, now: Moment, patience: Duration) {
        if (since..=now).contains(&sent) {
            self.proven = self.proven.max(Some(sent));
            self.round_trip.observe_network(now - sent);
            self.delay.get_or_insert_default().observe(now - sent, patience);
        }
    }

    /// Everything up to `matched` is durable there.
    pub fn appended(&mut self, matched: LogIndex, now: Moment) {
        if matched < self.matched || matched == LogIndex(0) {
            return;
        }
        self.matched = matched;
        self.next = self.next.max(matched.next());
        // After a second attempt nobody knows which of the two was answered (Karn).
        if let Some(sent) = self.inflight.answered(matched.0).filter(|_| self.retries == 0) {
            self.round_trip.observe(now - sent);
        }
        self.streaming = true;
        self.retries = 0;
    }

    /// An append had nothing to join; `hint` is where the logs may agree.
    pub fn mismatched(&mut self, hint: LogPosition, sent: Moment, log: &Log, now: Moment) {
        // Once for each attempt, whatever the follower says about the time.
        if !(self.restarted..=now).contains(&sent) {
            return;
        }
        // §3.5: back over whole terms, on both sides, instead of one entry for each round trip.
        let agreement = log.agreement(hint.index, hint.term);
        let next = agreement.index.next().max(self.matched.next()).min(self.next);
        // A log that holds our entry at `hint` agrees up to there: an append before was lost or overtaken.
        let streaming = self.streaming && agreement == hint;
        self.restart(now);
        self.next = next;
        self.probe = next;
        self.streaming = streaming;
    }

    /// Whether something can be sent of a log that begins after `base`.
    pub fn is_ready(&self, base: LogIndex, last: LogIndex, now: Moment, config: &Config) -> bool {
        let room = if self.streaming { self.inflight.has_room(config.window_bytes) } else { self.inflight.is_empty() };
        self.next > base && self.next <= last && room && self.is_heard(now, config.election_timeout_max)
    }

    /// Whether everything up to `last` is there, or on its way and not overdue.
    pub fn is_caught_up(&self, last: LogIndex, now: Moment) -> bool {
        let overdue = self.inflight.oldest().is_some_and(|oldest| oldest + self.round_trip.patience(0) < now);
        self.matched == last || (self.streaming && self.matched > LogIndex(0) && self.next > last && !overdue)
    }

    /// Entries up to `last` are on their way.
    pub fn sent(&mut self, last: LogIndex, bytes: usize, now: Moment) {
        if !self.streaming {
            self.probe = self.next;
        }
        self.inflight.sent(last.0, bytes, now);
        self.next = last.next();
    }

    /// How many messages are on their way, and their bytes.
    pub fn under_way(&self) -> (usize, usize) {
        self.inflight.size()
    }

    /// When what is on its way must be taken for lost; a follower that answers nothing is left alone.
    pub fn retry_at(&self, now: Moment, config: &Config) -> Moment {
        if !self.is_heard(now, config.election_timeout_max) {
            return Moment::NEVER;
        }
        let at = |(since, retries): (Moment, u32)| since + self.round_trip.patience(retries);
        let append = self.inflight.oldest().map_or(Moment::NEVER, |oldest| at((oldest, self.retries)));
        self.shipment.as_ref().map_or(Moment::NEVER, |shipment| at(shipment.waits_since())).min(append)
    }

    /// Gives up on what is overdue, and looks again for where the logs meet.
    pub fn lose(&mut self, now: Moment, config: &Config) {
        if self.inflight.oldest().is_some_and(|oldest| oldest + self.round_trip.patience(self.retries) <= now) {
            self.restart(now);
            self.retries += 1;
        }
        if let Some(shipment) = &mut self.shipment {
            let (since, retries) = shipment.waits_since();
            if since + self.round_trip.patience(retries) <= now {
                shipment.lose(now, config.window_bytes, config.append_bytes_max);
            }
        }
    }

    /// After which entry the log is on its way to it, or will be once it has the snapshot that is.
    pub fn goes_on_after(&self) -> Option<LogIndex> {
        let matched = Some(self.matched).filter(|matched| self.streaming && *matched > LogIndex(0));
        self.ships().or(matched)
    }

    fn ships(&self) -> Option<LogIndex> {
        self.shipment.as_ref().map(|shipment| shipment.image().index())
    }

    /// Decides whether it is sent a snapshot, in a log that begins after `base`. One that is on its way
    /// goes on while the log can join it, or no transfer that takes longer than the next mark would ever end.
    pub fn choose_shipment(&mut self, stored: &Image, base: LogIndex) {
        let wanted = self.marked.and_then(|marked| marked.wants).is_some_and(|wanted| wanted <= stored.index());
        let is_outdated = |shipment: &Outgoing| {
            let index = shipment.image().index();
            index < base || (index < stored.index() && !shipment.is_answered())
        };
        if self.next > base && !wanted {
            self.shipment = None;
        } else if self.shipment.as_ref().is_none_or(is_outdated) {
            self.shipment = Some(Outgoing::new(stored.clone()));
        }
    }

    /// The next part of its snapshot: of what, where it belongs, and the part.
    pub fn next_chunk(&mut self, now: Moment, config: &Config) -> Option<(&Image, u64, Bytes)> {
        if !self.is_heard(now, config.election_timeout_max) {
            return None;
        }
        let shipment = self.shipment.as_mut()?;
        let (offset, bytes) = shipment.next(now, config.window_bytes, config.append_bytes_max)?;
        Some((shipment.image(), offset, bytes))
    }

    /// It says what is there of the snapshot of `mark`.
    pub fn shipped(&mut self, mark: LogIndex, received: u64, missing: Vec<Range<u64>>, sent: Moment, now: Moment) {
        let Some(shipment) = self.shipment.as_mut().filter(|shipment| shipment.image().index() == mark) else {
            return;
        };
        if let Some(sample) = shipment.acknowledged(received, missing, sent, now) {
            self.round_trip.observe(sample);
        }
    }

    fn restart(&mut self, now: Moment) {
        self.inflight.clear();
        self.next = if self.matched > LogIndex(0) { self.matched.next() } else { self.probe };
        self.streaming = false;
        self.restarted = now;
    }
}
