//! The log in memory, durable or not yet, and the configurations in it.

use super::{Entry, LogIndex, LogPosition, LogTime, Membership, Payload, Term};

/// Consecutive entries from index 1. A snapshot will take the place of a first part of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Log {
    entries: Vec<Entry>,
    /// Where the configurations are, in order.
    configurations: Vec<LogIndex>,
    /// The configuration before the first entry: nobody.
    before: Membership,
}

impl Log {
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut log = Self { entries: Vec::new(), configurations: Vec::new(), before: Membership::default() };
        for entry in entries {
            log.append(entry);
        }
        log
    }

    pub fn last(&self) -> LogPosition {
        self.entries.last().map_or_else(LogPosition::default, Entry::position)
    }

    /// The log time of the last entry.
    pub fn time(&self) -> LogTime {
        self.entries.last().map_or(LogTime(0), |entry| entry.time)
    }

    pub fn get(&self, index: LogIndex) -> Option<&Entry> {
        self.entries.get(usize::try_from(index.0.checked_sub(1)?).ok()?)
    }

    pub fn term_at(&self, index: LogIndex) -> Option<Term> {
        if index == LogIndex(0) { Some(Term(0)) } else { self.get(index).map(|entry| entry.term) }
    }

    /// Whether this log holds the entry at `position`, and with it the same entries before (§3.5, Log Matching).
    pub fn holds(&self, position: LogPosition) -> bool {
        self.term_at(position.index) == Some(position.term)
    }

    pub fn position_at(&self, index: LogIndex) -> Option<LogPosition> {
        self.term_at(index).map(|term| LogPosition { term, index })
    }

    pub fn append(&mut self, entry: Entry) {
        let last = self.last();
        assert!(entry.index == last.index.next() && entry.term >= last.term, "an entry leaves a gap in the log");
        if matches!(entry.payload, Payload::Membership(_)) {
            self.configurations.push(entry.index);
        }
        self.entries.push(entry);
    }

    /// Drops the entries from `index` on, and with them their configurations (§4.1).
    pub fn truncate_from(&mut self, index: LogIndex) {
        assert!(index.0 >= 1, "the place before the log can't be dropped");
        self.entries.truncate(usize::try_from(index.0 - 1).unwrap_or(usize::MAX));
        while self.configurations.last().is_some_and(|configuration| *configuration >= index) {
            self.configurations.pop();
        }
    }

    /// The entries from `from` that fit in `bytes_max`, but at least one if there is one, and their size.
    pub fn batch(&self, from: LogIndex, bytes_max: usize) -> (Vec<Entry>, usize) {
        let start = usize::try_from(from.0.saturating_sub(1)).unwrap_or(usize::MAX).min(self.entries.len());
        let mut bytes = 0;
        let mut count = 0;
        for entry in &self.entries[start..] {
            let size = entry.bytes();
            if count > 0 && bytes + size > bytes_max {
                break;
            }
            bytes += size;
            count += 1;
        }
        (self.entries[start..start + count].to_vec(), bytes)
    }

    /// The last position that is neither after `index` nor of a later term than `term`: where two logs
    /// can at most agree, skipping a whole term at a time (§3.5, the optimization).
    pub fn agreement(&self, index: LogIndex, term: Term) -> LogPosition {
        let end = usize::try_from(index.0).unwrap_or(usize::MAX).min(self.entries.len());
        let count = self.entries[..end].partition_point(|entry| entry.term <= term);
        if count == 0 { LogPosition::default() } else { self.entries[count - 1].position() }
    }

    /// The configuration in force: the last one, committed or not (§4.1).
    pub fn membership(&self) -> &Membership {
        self.membership_at(self.last().index)
    }

    /// Where the configuration in force is.
    pub fn membership_index(&self) -> LogIndex {
        self.configurations.last().copied().unwrap_or_default()
    }

    /// The configuration that was in force at `index`.
    pub fn membership_at(&self, index: LogIndex) -> &Membership {
        let count = self.configurations.partition_point(|configuration| *configuration <= index);
        self.configuration(count)
    }

    /// The last configuration up to `index`, and every one after it.
    pub fn memberships_since(&self, index: LogIndex) -> impl Iterator<Item = &Membership> + Clone {
        let count = self.configurations.partition_point(|configuration| *configuration <= index);
        (count..=self.configurations.len()).map(|count| self.configuration(count))
    }

    fn configuration(&self, count: usize) -> &Membership {
        let entry = count.checked_sub(1).and_then(|place| self.get(self.configurations[place]));
        match entry.map(|entry| &entry.payload) {
            Some(Payload::Membership(membership)) => membership,
            _ => &self.before,
        }
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
        Log::new(terms.iter().enumerate().map(entry).collect())
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
        assert_eq!(log.batch(LogIndex(2), 1).0.len(), 1);
        assert_eq!(log.batch(LogIndex(2), 1_000).0.len(), 2);
        assert!(log.batch(LogIndex(4), 1_000).0.is_empty());
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
