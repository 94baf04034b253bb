//! How a snapshot gets across: what to send next, and what came.
//!
//! Both ends know nothing of Raft. Whatever carries large things better than messages of consensus do can
//! take their place.

use super::{Digest, LogPosition, Moment, Term, inflight::Inflight, snapshot::Image};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    time::Duration,
};

/// The most bytes kept that came before those in front of them.
const HELD_BYTES_MAX: u64 = 1024 * 1024;
/// The most gaps that are named at once.
pub(super) const MISSING_MAX: usize = 16;

/// A snapshot on its way to one node.
///
/// The first chunk goes alone: its answer says how much is there already, say from a leader before. Then
/// chunks follow one another as far as the window allows; those that are missing are sent again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Outgoing {
    image: Image,
    /// Everything before is there.
    received: u64,
    /// Everything before was sent.
    sent: u64,
    answered: bool,
    inflight: Inflight,
    /// What is to be sent once more.
    again: VecDeque<Range<u64>>,
    missing: Vec<Range<u64>>,
    retries: u32,
    /// When something was last given up.
    lost: Moment,
    /// When what was last answered was sent: an earlier answer that comes later says nothing new.
    newest: Moment,
}

impl Outgoing {
    pub fn new(image: Image) -> Self {
        Self {
            image,
            received: 0,
            sent: 0,
            answered: false,
            inflight: Inflight::default(),
            again: VecDeque::new(),
            missing: Vec::new(),
            retries: 0,
            lost: Moment::ZERO,
            newest: Moment::ZERO,
        }
    }

    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Whether anything of it is known to have come.
    pub fn is_answered(&self) -> bool {
        self.answered || self.received > 0
    }

    /// The next chunk, and where it belongs; none if the window is full or everything is on its way.
    pub fn next(&mut self, now: Moment, window_bytes: usize, chunk_bytes: usize) -> Option<(u64, Bytes)> {
        let chunk_bytes = chunk_bytes as u64;
        if let Some(range) = self.again.front_mut() {
            let chunk = self.image.chunk(range.start, chunk_bytes.min(range.end - range.start));
            let offset = range.start;
            range.start += chunk.len() as u64;
            self.again.pop_front_if(|range| range.start >= range.end);
            return Some((offset, chunk));
        }
        let room = if self.answered { self.inflight.has_room(window_bytes) } else { self.inflight.is_empty() };
        if !room || self.sent >= self.image.len() {
            return None;
        }
        let (offset, chunk) = (self.sent, self.image.chunk(self.sent, chunk_bytes));
        self.sent += chunk.len() as u64;
        self.inflight.sent(self.sent, chunk.len(), now);
        Some((offset, chunk))
    }

    /// What the receiver has, as it said about the chunk of `sent`. Gives back how long the answer took, if
    /// that can be told.
    pub fn acknowledged(
        &mut self,
        received: u64,
        missing: Vec<Range<u64>>,
        sent: Moment,
        now: Moment,
    ) -> Option<Duration> {
        if sent < self.newest || sent > now || received > self.image.len() {
            return None;
        }
        self.newest = sent;
        if received < self.received || !self.answered {
            self.begin_at(received);
            self.answered = true;
        }
        let at = self.inflight.answered(received);
        if received > self.received {
            self.received = received;
            self.sent = self.sent.max(received);
            self.retries = 0;
        }
        self.missing = missing;
        at.filter(|at| *at > self.lost).map(|at| now - at)
    }

    /// Goes on after what the receiver has; that may be less than before, if it began anew.
    fn begin_at(&mut self, received: u64) {
        self.received = received;
        self.sent = received;
        self.inflight.clear();
        self.again.clear();
    }

    /// Since when it waits for an answer, and how often it gave up. That everything is there must show in
    /// what the receiver then does.
    pub fn waits_since(&self) -> (Moment, u32) {
        (self.inflight.oldest().unwrap_or(self.newest).max(self.lost), self.retries)
    }

    /// What is known to be missing, as much as a window holds; the rest will be missed again. Whoever names a part twice
    /// gets it once.
    fn gaps(&mut self, window_bytes: u64) -> VecDeque<Range<u64>> {
        let (mut gaps, mut end, mut room) = (VecDeque::new(), self.received, window_bytes);
        for gap in std::mem::take(&mut self.missing) {
            if gap.start >= end && gap.start < gap.end && gap.end <= self.sent && room > 0 {
                end = gap.end;
                let bytes = room.min(gap.end - gap.start);
                gaps.push_back(gap.start..gap.start + bytes);
                room -= bytes;
            }
        }
        gaps
    }

    /// Gives up waiting: what is known to be missing goes again. If nothing is known, what is there has to be
    /// found out anew; and if everything is there, it goes unsaid that the last part was.
    pub fn lose(&mut self, now: Moment, window_bytes: usize, chunk_bytes: usize) {
        self.lost = now;
        self.retries += 1;
        let total = self.image.len();
        self.again = self.gaps(window_bytes as u64);
        if self.received == total {
            self.again.push_back(total.saturating_sub(chunk_bytes as u64)..total);
        } else if self.again.is_empty() {
            self.begin_at(self.received);
            self.answered = false;
        }
    }
}

/// A snapshot that is coming, in any order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Incoming {
    pub mark: LogPosition,
    /// The term of the leader that sends it.
    pub term: Term,
    digest: Digest,
    total: u64,
    /// The beginning, without a gap.
    front: Vec<u8>,
    /// What came before something in front of it, by its place.
    held: BTreeMap<u64, Bytes>,
    held_bytes: u64,
}

impl Incoming {
    pub fn new(mark: LogPosition, digest: Digest, total: u64, term: Term) -> Self {
        Self { mark, term, digest, total, front: Vec::new(), held: BTreeMap::new(), held_bytes: 0 }
    }

    /// Whether a chunk belongs to this one.
    pub fn is(&self, mark: LogPosition, digest: Digest, total: u64) -> bool {
        (self.mark, self.digest, self.total) == (mark, digest, total)
    }

    /// Takes a chunk in. What comes twice, or too far ahead, changes nothing.
    pub fn take(&mut self, offset: u64, chunk: Bytes) {
        let end = offset.saturating_add(chunk.len() as u64);
        let ahead = end.saturating_sub(self.received());
        if end > self.total || ahead == 0 || ahead > HELD_BYTES_MAX {
            return;
        }
        if offset > self.received() {
            return self.hold(offset, chunk);
        }
        self.join(offset, &chunk);
        while let Some(first) = self.held.first_entry().filter(|first| *first.key() <= self.front.len() as u64) {
            let (offset, chunk) = first.remove_entry();
            self.held_bytes -= chunk.len() as u64;
            self.join(offset, &chunk);
        }
    }

    /// Adds what a chunk has beyond the beginning that is here.
    fn join(&mut self, offset: u64, chunk: &[u8]) {
        let known = usize::try_from(self.received() - offset).unwrap_or(usize::MAX);
        self.front.extend_from_slice(chunk.get(known..).unwrap_or_default());
    }

    fn hold(&mut self, offset: u64, chunk: Bytes) {
        let bytes = chunk.len() as u64;
        let is_longest = self.held.get(&offset).is_none_or(|held| held.len() < chunk.len());
        if is_longest && self.held_bytes + bytes <= HELD_BYTES_MAX {
            let replaced = self.held.insert(offset, chunk);
            self.held_bytes += bytes - replaced.map_or(0, |replaced| replaced.len() as u64);
        }
    }

    /// Everything before is here.
    pub fn received(&self) -> u64 {
        self.front.len() as u64
    }

    /// The first gaps before something that is here.
    pub fn missing(&self) -> Vec<Range<u64>> {
        let mut missing = Vec::new();
        let mut end = self.received();
        for (offset, chunk) in &self.held {
            if *offset > end && missing.len() < MISSING_MAX {
                missing.push(end..*offset);
            }
            end = end.max(offset + chunk.len() as u64);
        }
        missing
    }

    pub fn is_complete(&self) -> bool {
        self.received() == self.total
    }

    /// The snapshot, if these are its bytes.
    pub fn finish(self) -> Option<Image> {
        Image::decode(self.front.into(), self.digest).filter(|image| image.position() == self.mark)
    }
}
