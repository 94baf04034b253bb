//! The log in memory, durable or not yet, and the configurations and marks in it.

use super::{
    Command, Entries, Entry, LogIndex, LogPosition, LogTime, Membership, NodeId, Payload, Serial, Snapshot, Term,
    entries::Chain,
};
use bytes::Bytes;
use std::collections::VecDeque;

/// Consecutive entries after a base. What lies up to the base is committed, and a snapshot stands for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Log {
    /// The entry before the first.
    base: LogPosition,
    entries: Chain,
    last: LogPosition,
    /// The log time of the last entry, and of the one at the base.
    time: LogTime,
    base_time: LogTime,
    /// The configurations in it and where they are, in order, after the one at the base: at first nobody's.
    configurations: VecDeque<(LogIndex, Membership)>,
    before: (LogIndex, Membership),
    /// Where the snapshot and the marks after it are, in order, and how much was appended up to each.
    marks: VecDeque<(LogIndex, u64)>,
    /// How much was ever appended, in bytes, and how much of that was cut off.
    appended: u64,
    cut: u64,
}

impl Log {
    /// The log that goes on after `base`, with a snapshot of somewhere in it.
    pub fn new(base: LogPosition, snapshot: Option<&Snapshot>, entries: Vec<Entry>) -> Self {
        let mut log = Self { base, last: base, ..Self::default() };
        if let Some(snapshot) = snapshot {
            // Right from the snapshot on; nobody asks about what was before it.
            log.before = (snapshot.membership_index.min(base.index), snapshot.membership.clone());
            (log.time, log.base_time) = (snapshot.time, snapshot.time);
        }
        let mark = snapshot.map(|snapshot| snapshot.position.index);
        log.marks.extend(mark.map(|mark| (mark, 0)));
        for entry in entries {
            let is_before = Some(entry.index) <= mark;
            log.append(entry);
            if is_before {
                log.marks = mark.map(|mark| (mark, log.appended)).into_iter().collect();
            }
        }
        log
    }

    /// The entry before the first.
    pub fn base(&self) -> LogPosition {
        self.base
    }

    pub fn last(&self) -> LogPosition {
        self.last
    }

    /// The log time of the last entry.
    pub fn time(&self) -> LogTime {
        self.time
    }

    pub fn get(&self, index: LogIndex) -> Option<&Entry> {
        self.entries.get(index)
    }

    pub fn term_at(&self, index: LogIndex) -> Option<Term> {
        match index {
            // Mostly the last one is asked for.
            _ if index == self.last.index => Some(self.last.term),
            _ if index == self.base.index => Some(self.base.term),
            _ => self.get(index).map(|entry| entry.term),
        }
    }

    /// Whether this log holds the entry at `position`, and with it the same entries before (§3.5, Log Matching).
    pub fn holds(&self, position: LogPosition) -> bool {
        self.term_at(position.index) == Some(position.term)
    }

    pub fn position_at(&self, index: LogIndex) -> Option<LogPosition> {
        self.term_at(index).map(|term| LogPosition { term, index })
    }

    pub fn append(&mut self, entry: Entry) {
        self.count(&entry);
        self.entries.push(entry);
    }

    /// Appends commands of one author, the first of them with this serial, and gives their size.
    pub fn append_commands(
        &mut self,
        term: Term,
        time: LogTime,
        author: NodeId,
        first: Serial,
        bodies: impl ExactSizeIterator<Item = Bytes>,
    ) -> usize {
        assert!(term >= self.last.term, "terms only grow");
        let (next, count, mut bytes) = (self.last.index.next(), bodies.len() as u64, 0);
        let entries = bodies.enumerate().map(|(offset, body)| {
            let (serial, index) = (Serial(first.0 + offset as u64), LogIndex(next.0 + offset as u64));
            let entry = Entry { term, index, time, payload: Payload::Command(Command { author, serial, body }) };
            bytes += entry.bytes();
            entry
        });
        self.entries.append(next, entries);
        self.appended += bytes as u64;
        (self.last, self.time) = (LogPosition { term, index: LogIndex(self.last.index.0 + count) }, time);
        bytes
    }

    /// Adds those entries that come after the last; they are shared if they are many.
    pub fn extend(&mut self, entries: &Entries) {
        let last = self.last.index;
        entries.iter().filter(|entry| entry.index > last).for_each(|entry| self.count(entry));
        self.entries.extend(last.next(), entries);
    }

    /// Notes what an entry that is added changes.
    fn count(&mut self, entry: &Entry) {
        assert!(
            entry.index == self.last.index.next() && entry.term >= self.last.term,
            "an entry leaves a gap in the log"
        );
        self.appended += entry.bytes() as u64;
        match &entry.payload {
            Payload::Membership(membership) => self.configurations.push_back((entry.index, membership.clone())),
            Payload::Mark => self.marks.push_back((entry.index, self.appended)),
            _ => {}
        }
        (self.last, self.time) = (entry.position(), entry.time);
    }

    /// Drops the entries from `index` on, and with them their configurations (§4.1).
    pub fn truncate_from(&mut self, index: LogIndex) {
        self.truncate_entries_from(index);
        while self.configurations.back().is_some_and(|(configuration, _)| *configuration >= index) {
            self.configurations.pop_back();
        }
    }

    /// Forgets the configurations after `index`, and keeps their entries: a mistake.
    pub fn forget_configurations_after(&mut self, index: LogIndex) {
        self.configurations.truncate(self.configurations_until(index));
    }

    /// Drops the entries alone.
    pub fn truncate_entries_from(&mut self, index: LogIndex) {
        assert!(index > self.base.index, "what a snapshot stands for can't be dropped");
        self.appended -= self.entries.iter_from(index).map(|entry| entry.bytes() as u64).sum::<u64>();
        self.entries.truncate_from(index);
        self.last = self.entries.last().map_or(self.base, Entry::position);
        self.time = self.entries.last().map_or(self.base_time, |entry| entry.time);
        while self.marks.back().is_some_and(|(mark, _)| *mark >= index) {
            self.marks.pop_back();
        }
    }

    /// Drops the entries up to `index`, which a snapshot stands for.
    pub fn compact(&mut self, index: LogIndex) {
        let base = self.position_at(index).expect("what is cut off is in the log");
        while let Some(configuration) = self.configurations.pop_front_if(|(configuration, _)| *configuration <= index) {
            self.before = configuration;
        }
        let is_cut = |entry: &&Entry| entry.index <= index;
        self.cut +=
            self.entries.iter_from(LogIndex(0)).take_while(is_cut).map(|entry| entry.bytes() as u64).sum::<u64>();
        self.base_time = self.get(index).map_or(self.base_time, |entry| entry.time);
        self.entries.drop_to(index);
        self.base = base;
    }

    /// Forgets everything; the log goes on after a snapshot.
    pub fn reset(&mut self, snapshot: &Snapshot) {
        *self = Self::new(snapshot.position, Some(snapshot), Vec::new());
    }

    /// The base that leaves about `tail_bytes` of entries up to `index`.
    pub fn base_before(&self, index: LogIndex, tail_bytes: usize) -> LogIndex {
        let (mut base, mut bytes) = (index, 0);
        while let Some(entry) = self.get(base) {
            bytes += entry.bytes();
            if bytes > tail_bytes {
                break;
            }
            base = LogIndex(base.0 - 1);
        }
        base
    }

    /// The newest mark, or else where the snapshot is, and how much was appended since.
    pub fn last_mark(&self) -> (LogIndex, u64) {
        let (mark, until) = self.marks.back().copied().unwrap_or_default();
        (mark, self.appended - until)
    }

    /// The size of all entries.
    pub fn bytes(&self) -> u64 {
        self.appended - self.cut
    }

    /// How much was appended since a mark.
    pub fn bytes_since(&self, mark: LogIndex) -> u64 {
        let place = self.marks.iter().find(|(other, _)| *other == mark);
        self.appended - place.map_or(0, |(_, until)| *until)
    }

    /// Marks before this one are of no interest any more.
    pub fn forget_marks_before(&mut self, mark: LogIndex) {
        while self.marks.front().is_some_and(|(other, _)| *other < mark) {
            self.marks.pop_front();
        }
    }

    /// The entries from `from` to `to` that fit in `bytes_max`, but at least one if there is one, and their size.
    pub fn batch(&self, from: LogIndex, to: LogIndex, bytes_max: usize) -> (Entries, usize) {
        let mut bytes = 0;
        let fits = |entry: &Entry| {
            let size = entry.bytes();
            let fits = entry.index <= to && (bytes == 0 || bytes + size <= bytes_max);
            bytes += if fits { size } else { 0 };
            fits
        };
        let entries = self.entries.share_while(from, fits);
        (entries, bytes)
    }

    /// The size of the entries from `from` to `to`.
    pub fn bytes_between(&self, from: LogIndex, to: LogIndex) -> usize {
        self.entries_between(from, to).map(Entry::bytes).sum()
    }

    /// The entries from `from` to `to`.
    pub fn entries_between(&self, from: LogIndex, to: LogIndex) -> impl Iterator<Item = &Entry> {
        self.entries.iter_from(from).take_while(move |entry| entry.index <= to)
    }

    /// The same, shared.
    pub fn share_between(&self, from: LogIndex, to: LogIndex) -> Entries {
        self.entries.share_count(from, (to.0 + 1).saturating_sub(from.0))
    }

    /// All entries from `from` on.
    pub fn entries_from(&self, from: LogIndex) -> Entries {
        self.entries.share_from(from)
    }

    /// The last position that is neither after `index` nor of a later term than `term`: where two logs
    /// can at most agree, skipping a whole term at a time (§3.5, the optimization).
    pub fn agreement(&self, index: LogIndex, term: Term) -> LogPosition {
        let (mut low, mut high) = (self.base.index.0, index.min(self.last.index).0);
        if index < self.base.index || term < self.base.term {
            return LogPosition::default();
        }
        while low < high {
            let middle = LogIndex(high - (high - low) / 2);
            if self.term_at(middle) <= Some(term) { low = middle.0 } else { high = middle.0 - 1 }
        }
        self.position_at(LogIndex(low)).unwrap_or_default()
    }

    /// The configuration in force: the last one, committed or not (§4.1).
    pub fn membership(&self) -> &Membership {
        &self.configurations.back().unwrap_or(&self.before).1
    }

    /// Where the configuration in force is.
    pub fn membership_index(&self) -> LogIndex {
        self.configurations.back().unwrap_or(&self.before).0
    }

    /// The configuration that was in force at `index`; not before the base.
    pub fn membership_at(&self, index: LogIndex) -> &Membership {
        &self.configuration_at(index).1
    }

    /// Where the configuration in force at `index` is.
    pub fn membership_index_at(&self, index: LogIndex) -> LogIndex {
        self.configuration_at(index).0
    }

    /// The last configuration up to `index`, and every one after it.
    pub fn memberships_since(&self, index: LogIndex) -> impl Iterator<Item = &Membership> + Clone {
        let count = self.configurations_until(index);
        (count..=self.configurations.len()).map(|count| &self.configuration(count).1)
    }

    fn configuration_at(&self, index: LogIndex) -> &(LogIndex, Membership) {
        match self.configurations.back() {
            // Mostly the last one is asked for.
            Some(last) if last.0 <= index => last,
            _ => self.configuration(self.configurations_until(index)),
        }
    }

    fn configurations_until(&self, index: LogIndex) -> usize {
        self.configurations.partition_point(|(configuration, _)| *configuration <= index)
    }

    fn configuration(&self, count: usize) -> &(LogIndex, Membership) {
        count.checked_sub(1).map_or(&self.before, |place| &self.configurations[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[u64]) -> Log {
        let entry = |(place, term): (usize, &u64)| Entry {
            term: Term(*term),
            index: LogIndex(place as u64 + 1),
            time: LogTime(0),
            payload: Payload::Empty,
        };
        Log::new(LogPosition::default(), None, terms.iter().enumerate().map(entry).collect())
    }

    fn at(term: u64, index: u64) -> LogPosition {
        LogPosition { term: Term(term), index: LogIndex(index) }
    }

    #[test]
    fn an_empty_log_ends_before_the_first_entry() {
        assert_eq!(log(&[]).last(), LogPosition::default());
        assert!(log(&[]).holds(LogPosition::default()));
    }

    #[test]
    fn logs_agree_at_most_at_the_end_of_an_earlier_term() {
        let log = log(&[1, 1, 4, 4, 6]);
        assert_eq!(log.agreement(LogIndex(5), Term(5)), at(4, 4));
        assert_eq!(log.agreement(LogIndex(9), Term(9)), at(6, 5));
        assert_eq!(log.agreement(LogIndex(4), Term(3)), at(1, 2));
        assert_eq!(log.agreement(LogIndex(3), Term(0)), at(0, 0));
    }

    #[test]
    fn a_batch_holds_at_least_one_entry() {
        let log = log(&[1, 1, 1]);
        assert_eq!(log.batch(LogIndex(2), LogIndex(3), 1).0.len(), 1);
        assert_eq!(log.batch(LogIndex(2), LogIndex(3), 1_000).0.len(), 2);
        assert!(log.batch(LogIndex(4), LogIndex(3), 1_000).0.is_empty());
    }

    #[test]
    fn a_dropped_configuration_is_rolled_back() {
        let mut log = log(&[1]);
        let before = log.membership().clone();
        log.append(Entry {
            term: Term(1),
            index: LogIndex(2),
            time: LogTime(0),
            payload: Payload::Membership(Membership::default()),
        });
        assert_eq!(log.membership_index(), LogIndex(2));
        log.truncate_from(LogIndex(2));
        assert_eq!((log.membership_index(), log.membership()), (LogIndex(0), &before));
    }
}
