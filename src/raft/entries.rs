//! Consecutive entries that log, followers, writes and messages share instead of copying.

use super::{Entry, LogIndex};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeSeq};
use std::{
    collections::VecDeque,
    fmt,
    hash::{Hash, Hasher},
    ops::Range,
    sync::{Arc, OnceLock},
};

/// The most entries of one segment.
const SEGMENT_MAX: usize = 128;
/// From how many on entries stay where somebody else put them.
const ADOPTED_MIN: usize = 32;
/// The fewest that room is made for.
const SEGMENT_MIN: usize = 4;

/// Places that are filled once, one after the other, and never change then. Whoever knows that a place is
/// filled may share it.
type Slots = Arc<[OnceLock<Entry>]>;

/// A run of consecutive entries, cheap to clone: it refers to where they lie.
#[derive(Clone, Default)]
pub struct Entries {
    first: Option<Part>,
    rest: Vec<Part>,
}

/// Filled places of one segment, at least one of them.
#[derive(Clone, Debug)]
struct Part {
    slots: Slots,
    filled: Range<usize>,
}

impl Part {
    fn of(entries: impl IntoIterator<Item = Entry>) -> Option<Self> {
        let slots: Slots = entries.into_iter().map(OnceLock::from).collect();
        let filled = 0..slots.len();
        (!filled.is_empty()).then_some(Self { slots, filled })
    }

    fn slots(&self) -> &[OnceLock<Entry>] {
        &self.slots[self.filled.clone()]
    }
}

/// Goes through entries in order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    slots: std::slice::Iter<'a, OnceLock<Entry>>,
    rest: std::slice::Iter<'a, Part>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a Entry;

    fn next(&mut self) -> Option<&'a Entry> {
        loop {
            if let Some(slot) = self.slots.next() {
                return slot.get();
            }
            self.slots = self.rest.next()?.slots().iter();
        }
    }
}

impl<'a> IntoIterator for &'a Entries {
    type Item = &'a Entry;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        let first = self.first.as_ref().map_or(&[][..], Part::slots);
        Iter { slots: first.iter(), rest: self.rest.iter() }
    }
}

impl Entries {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.parts().map(|part| part.filled.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The entries in order.
    pub fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.first.iter().chain(&self.rest)
    }

    fn push(&mut self, part: Part) {
        match self.first {
            None => self.first = Some(part),
            Some(_) => self.rest.push(part),
        }
    }
}

impl From<Vec<Entry>> for Entries {
    fn from(entries: Vec<Entry>) -> Self {
        entries.into_iter().collect()
    }
}

impl FromIterator<Entry> for Entries {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self { first: Part::of(entries), rest: Vec::new() }
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Entries {}

impl Hash for Entries {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        self.iter().for_each(|entry| entry.hash(state));
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.len()))?;
        for entry in self.iter() {
            sequence.serialize_element(entry)?;
        }
        sequence.end()
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

/// Entries that grow at the end and are dropped at both ends. What was shared of them stays as it was.
#[derive(Clone, Default)]
pub(super) struct Chain {
    segments: VecDeque<Segment>,
}

/// The entries from `first` on that lie together. A clone of the chain refers to the same places; which of
/// the two fills the next one first keeps it, the other goes on in a segment of its own.
#[derive(Clone)]
struct Segment {
    first: LogIndex,
    part: Part,
    /// There may be more places, for this chain to fill.
    is_open: bool,
}

impl Segment {
    fn next(&self) -> LogIndex {
        LogIndex(self.first.0 + self.part.filled.len() as u64)
    }

    /// Where the entry at `index` lies.
    fn place(&self, index: LogIndex) -> Option<usize> {
        let offset = usize::try_from(index.0.checked_sub(self.first.0)?).ok()?;
        (offset < self.part.filled.len()).then_some(self.part.filled.start + offset)
    }

    /// The part from `from` on.
    fn part_from(&self, from: LogIndex) -> Range<usize> {
        self.place(from).unwrap_or(self.part.filled.start)..self.part.filled.end
    }
}

impl Chain {
    pub fn last(&self) -> Option<&Entry> {
        self.segments.back().and_then(|segment| segment.part.slots[segment.part.filled.end - 1].get())
    }

    pub fn get(&self, index: LogIndex) -> Option<&Entry> {
        let segment = &self.segments[self.segment_of(index)?];
        segment.part.slots[segment.place(index)?].get()
    }

    /// Adds an entry, whose index is the last one's successor.
    pub fn push(&mut self, mut entry: Entry) {
        if let Some(Segment { part: Part { slots, filled }, is_open: true, .. }) = self.segments.back_mut()
            && let Some(slot) = slots.get(filled.end)
        {
            match slot.set(entry) {
                Ok(()) => return filled.end += 1,
                Err(refused) => entry = refused,
            }
        }
        self.push_segment(entry);
    }

    /// Adds entries, the first at `first`, the last one's successor: many as a segment of their own.
    pub fn append(&mut self, first: LogIndex, entries: impl ExactSizeIterator<Item = Entry>) {
        if entries.len() < ADOPTED_MIN {
            return entries.for_each(|entry| self.push(entry));
        }
        let part = Part::of(entries);
        self.segments.extend(part.map(|part| Segment { first, part, is_open: false }));
    }

    /// Makes room that grows with the chain, so that short ones stay small.
    fn push_segment(&mut self, entry: Entry) {
        let first = entry.index;
        let count = self.segments.front().map_or(0, |front| first.0 - front.first.0);
        let room = usize::try_from(count).unwrap_or(SEGMENT_MAX).clamp(SEGMENT_MIN, SEGMENT_MAX);
        let slots: Slots = std::iter::once(OnceLock::from(entry)).chain((1..room).map(|_| OnceLock::new())).collect();
        self.segments.push_back(Segment { first, part: Part { slots, filled: 0..1 }, is_open: true });
    }

    /// Adds the entries from `from` on, the last one's successor: many that lie together by reference.
    pub fn extend(&mut self, from: LogIndex, entries: &Entries) {
        let mut first = entries.iter().next().map_or(from, |entry| entry.index);
        for part in entries.parts() {
            let segment = Segment { first, part: part.clone(), is_open: false };
            first = segment.next();
            if first <= from {
                continue;
            }
            let filled = segment.part_from(from);
            if filled.len() >= ADOPTED_MIN {
                let first = from.max(segment.first);
                self.segments.push_back(Segment { first, part: Part { filled, ..segment.part }, is_open: false });
            } else {
                part.slots[filled].iter().filter_map(OnceLock::get).for_each(|entry| self.push(entry.clone()));
            }
        }
    }

    /// Drops the entries from `index` on.
    pub fn truncate_from(&mut self, index: LogIndex) {
        while self.segments.back().is_some_and(|segment| segment.first >= index) {
            self.segments.pop_back();
        }
        if let Some(segment) = self.segments.back_mut()
            && let Some(place) = segment.place(index)
        {
            segment.part.filled.end = place;
        }
    }

    /// Drops the entries up to `index`.
    pub fn drop_to(&mut self, index: LogIndex) {
        while self.segments.front().is_some_and(|segment| segment.next() <= index.next()) {
            self.segments.pop_front();
        }
        if let Some(segment) = self.segments.front_mut()
            && let Some(place) = segment.place(index)
        {
            segment.part.filled.start = place + 1;
            segment.first = index.next();
        }
    }

    /// The entries from `from` on.
    pub fn iter_from(&self, from: LogIndex) -> impl Iterator<Item = &Entry> {
        let start = match self.segment_of(from) {
            Some(segment) => segment,
            None if self.starts_after(from) => 0,
            None => self.segments.len(),
        };
        let part = move |segment: &Segment| segment.part_from(from);
        let segments = self.segments.range(start..);
        segments.flat_map(move |segment| segment.part.slots[part(segment)].iter().filter_map(OnceLock::get))
    }

    /// The entries from `from` on, shared.
    pub fn share_from(&self, from: LogIndex) -> Entries {
        self.share(from, <[_]>::len)
    }

    /// The entries from `from` on, shared, for as long as they fit.
    pub fn share_while(&self, from: LogIndex, mut fits: impl FnMut(&Entry) -> bool) -> Entries {
        self.share(from, |slots| slots.iter().filter_map(OnceLock::get).take_while(|entry| fits(entry)).count())
    }

    /// So many entries from `from` on, shared.
    pub fn share_count(&self, from: LogIndex, count: u64) -> Entries {
        let mut missing = usize::try_from(count).unwrap_or(usize::MAX);
        self.share(from, |slots| {
            let taken = slots.len().min(missing);
            missing -= taken;
            taken
        })
    }

    /// Shares as many of each segment as `count` says, until it says fewer than there are.
    fn share(&self, from: LogIndex, mut count: impl FnMut(&[OnceLock<Entry>]) -> usize) -> Entries {
        let mut shared = Entries::default();
        let Some(start) = self.segment_of(from) else { return shared };
        for segment in self.segments.range(start..) {
            let part = segment.part_from(from);
            let filled = part.start..part.start + count(&segment.part.slots[part.clone()]);
            let is_all = filled.len() == part.len();
            if !filled.is_empty() {
                shared.push(Part { slots: segment.part.slots.clone(), filled });
            }
            if !is_all {
                break;
            }
        }
        shared
    }

    fn starts_after(&self, index: LogIndex) -> bool {
        self.segments.front().is_some_and(|segment| segment.first > index)
    }

    /// Which segment the entry at `index` lies in. Most are asked for near the end, and most segments are full.
    fn segment_of(&self, index: LogIndex) -> Option<usize> {
        let last = self.segments.back()?;
        if index >= last.first {
            return (index < last.next()).then_some(self.segments.len() - 1);
        }
        if self.starts_after(index) {
            return None;
        }
        let behind = usize::try_from(last.first.0.saturating_sub(index.0)).ok()?.div_ceil(SEGMENT_MAX);
        let guess = self.segments.len().saturating_sub(1 + behind);
        let holds = |place: &usize| self.segments[*place].first <= index && index < self.segments[*place].next();
        let near = (guess..self.segments.len().min(guess + 3)).find(holds);
        near.or_else(|| self.segments.partition_point(|segment| segment.first <= index).checked_sub(1))
    }

    fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.segments.iter().flat_map(|segment| segment.part.slots().iter().filter_map(OnceLock::get))
    }
}

impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Chain {}

impl Hash for Chain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.iter().for_each(|entry| entry.hash(state));
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::raft::{LogTime, Payload, Term};

    fn entry(term: u64, index: u64) -> Entry {
        Entry { term: Term(term), index: LogIndex(index), time: LogTime(0), payload: Payload::Empty }
    }

    fn chain(indexes: std::ops::RangeInclusive<u64>) -> Chain {
        let mut chain = Chain::default();
        indexes.for_each(|index| chain.push(entry(1, index)));
        chain
    }

    fn terms<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u64> {
        entries.map(|entry| entry.term.0).collect()
    }

    #[test]
    fn a_chain_behaves_as_a_list() {
        let mut state = 7_u64;
        let mut roll = |sides: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % sides
        };
        let (mut chain, mut model) = (Chain::default(), VecDeque::new());
        let mut kept: Vec<(Entries, Vec<Entry>, Chain)> = Vec::new();
        for step in 0..3_000 {
            let first = model.front().map_or(1, |entry: &Entry| entry.index.0);
            let next = first + model.len() as u64;
            match roll(10) {
                0 => {
                    let from = first + roll(model.len() as u64 + 1);
                    chain.truncate_from(LogIndex(from));
                    model.truncate((from - first) as usize);
                }
                1 if model.len() > 3 => {
                    let to = first + roll(model.len() as u64 - 1);
                    chain.drop_to(LogIndex(to));
                    model.drain(..=(to - first) as usize);
                }
                2 if !model.is_empty() => {
                    let (from, count) = (roll(model.len() as u64), roll(400) as usize);
                    let expected: Vec<Entry> = model.iter().skip(from as usize).take(count).cloned().collect();
                    let end = first + from + count as u64;
                    let shared = chain.share_while(LogIndex(first + from), |entry| entry.index.0 < end);
                    assert_eq!(chain.share_from(LogIndex(first + from)).len(), model.len() - from as usize);
                    kept.push((shared, expected, chain.clone()));
                }
                // A clone may fill the shared places first.
                3 if !kept.is_empty() => {
                    let place = roll(kept.len() as u64) as usize;
                    let clone = &mut kept[place].2;
                    if let Some(last) = clone.last().map(|entry| entry.index.0) {
                        clone.push(entry(9_999, last + 1));
                    }
                }
                4 => {
                    let overlap = roll(20).min(model.len() as u64);
                    let new: Vec<Entry> = (next..next + roll(300)).map(|index| entry(step, index)).collect();
                    let old = model.range(model.len() - overlap as usize..).cloned();
                    let entries: Entries = old.chain(new.iter().cloned()).collect();
                    chain.extend(LogIndex(next), &entries);
                    model.extend(new);
                }
                _ => {
                    for index in next..next + roll(200) {
                        chain.push(entry(step, index));
                        model.push_back(entry(step, index));
                    }
                }
            }
            let first = model.front().map_or(1, |entry: &Entry| entry.index.0);
            assert!(chain.iter().eq(&model));
            assert_eq!(chain.last(), model.back());
            for _ in 0..5 {
                let place = roll(model.len() as u64 + 3);
                assert_eq!(chain.get(LogIndex(first + place)), model.get(place as usize));
                let rest: Vec<&Entry> = model.iter().skip(place as usize).collect();
                assert!(chain.iter_from(LogIndex(first + place)).eq(rest));
            }
            assert_eq!(chain.get(LogIndex(first - 1)), None);
        }
        assert!(kept.iter().all(|(shared, expected, _)| shared.iter().eq(expected) && shared.len() == expected.len()));
    }

    #[test]
    fn what_is_shared_is_not_copied() {
        let chain = chain(1..=10);
        let shared = chain.share_from(LogIndex(2));
        assert!(std::ptr::eq(shared.iter().next().unwrap(), chain.get(LogIndex(2)).unwrap()));
    }

    #[test]
    fn of_two_clones_each_keeps_its_own_next_entry() {
        let mut one = chain(1..=2);
        let mut other = one.clone();
        one.push(entry(2, 3));
        other.push(entry(3, 3));
        assert_eq!((terms(one.iter()), terms(other.iter())), (vec![1, 1, 2], vec![1, 1, 3]));
    }

    #[test]
    fn what_was_shared_survives_being_overwritten() {
        let mut chain = chain(1..=3);
        let shared = chain.share_from(LogIndex(2));
        chain.truncate_from(LogIndex(2));
        chain.push(entry(5, 2));
        assert_eq!((terms(shared.iter()), terms(chain.iter())), (vec![1, 1], vec![1, 5]));
    }
}
