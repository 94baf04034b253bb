//! What is written, what is being written, and what waits for it.
//!
//! One write is under way at a time; what comes up meanwhile is gathered into the next. So a slow disk
//! makes larger writes, not more of them, and completions can't be mistaken for one another.

use super::{
    Ballot, Entries, LogIndex, LogPosition, Message, NodeId, Serial, Snapshot, Term, Write, WriteId, log::Log,
    outbox::Outbox,
};
use std::{collections::VecDeque, sync::Arc};

/// The most messages that wait for the disk; more are lost, as any message may be.
pub(super) const HELD_MAX: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Durability {
    staged: Staged,
    under_way: Option<UnderWay>,
    last: WriteId,
    /// The log is durable up to here.
    log: LogIndex,
    /// The ballot is durable as of this term.
    ballot: Ballot,
    /// The session that the outbox durably belongs to.
    session: Option<LogIndex>,
    /// Where the log ends once what is under way is done; what comes after it is staged.
    submitted: LogIndex,
    /// Where the log ends once what is staged is done too.
    staged_log: LogIndex,
    /// The last own command that was handed to the store, and the last that will be.
    submitted_command: Serial,
    staged_command: Serial,
    /// Entries after this one hold own commands that are not durable, up to that one.
    withheld: Option<(LogIndex, Serial)>,
    /// The commit index as last handed to the store.
    commit: LogIndex,
    /// Messages, each behind the write that makes it true.
    held: VecDeque<(WriteId, NodeId, Message)>,
}

/// What the next write changes beside what it adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Staged {
    ballot: Option<Ballot>,
    truncate_from: Option<LogIndex>,
    snapshot: Option<Arc<Snapshot>>,
    compact: Option<LogPosition>,
    session: Option<LogIndex>,
    outbox_settled: Option<Serial>,
}

/// What becomes durable with the write under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct UnderWay {
    id: WriteId,
    log: LogIndex,
    ballot: Ballot,
    session: Option<LogIndex>,
    outbox: Option<Serial>,
}

impl Durability {
    pub fn new(ballot: Ballot, session: Option<LogIndex>, log: LogIndex, commit: LogIndex, command: Serial) -> Self {
        Self {
            staged: Staged::default(),
            under_way: None,
            last: WriteId(0),
            log,
            ballot,
            session,
            submitted: log,
            staged_log: log,
            submitted_command: command,
            staged_command: command,
            withheld: None,
            commit,
            held: VecDeque::new(),
        }
    }

    /// The end of the durable log. What was overwritten since does not count.
    pub fn log(&self) -> LogIndex {
        self.log
    }

    pub fn term(&self) -> Term {
        self.ballot.term
    }

    pub fn ballot(&self) -> Ballot {
        self.ballot
    }

    pub fn session(&self) -> Option<LogIndex> {
        self.session
    }

    pub fn is_idle(&self) -> bool {
        self.under_way.is_none() && !self.is_urgent()
    }

    pub fn stage_ballot(&mut self, ballot: Ballot) {
        self.staged.ballot = Some(ballot);
    }

    /// The log has grown, up to here.
    pub fn stage_log(&mut self, last: LogIndex) {
        self.staged_log = last;
    }

    /// Where the log ends once everything staged is durable.
    pub fn staged_log(&self) -> LogIndex {
        self.staged_log
    }

    /// Overwrites the log from `from` on.
    ///
    /// What is under way is about entries that are gone: its completion must not vouch for those that take
    /// their places.
    pub fn stage_truncation(&mut self, from: LogIndex) {
        let kept = LogIndex(from.0 - 1);
        if from <= self.submitted {
            let earlier = self.staged.truncate_from.map_or(from, |earlier| earlier.min(from));
            self.staged.truncate_from = Some(earlier);
            self.submitted = kept;
        }
        self.staged_log = kept;
        self.log = self.log.min(kept);
        if let Some(under_way) = &mut self.under_way {
            under_way.log = under_way.log.min(kept);
        }
    }

    /// What is durable, and what will be once what is under way is done.
    pub fn vouched(&self) -> (LogIndex, Option<LogIndex>) {
        (self.log, self.under_way.as_ref().map(|under_way| under_way.log))
    }

    /// Vouches for entries whatever took their places: a mistake.
    pub fn vouch(&mut self, (log, under_way): (LogIndex, Option<LogIndex>)) {
        self.log = log;
        if let (Some(under_way), Some(log)) = (&mut self.under_way, under_way) {
            under_way.log = log;
        }
    }

    /// Keeps a snapshot.
    pub fn stage_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.staged.snapshot = Some(snapshot);
    }

    /// Lets the log begin after `base`.
    pub fn stage_compaction(&mut self, base: LogPosition) {
        self.staged.compact = Some(base);
        self.staged_log = self.staged_log.max(base.index);
    }

    pub fn stage_session(&mut self, session: LogIndex) {
        self.staged.session = Some(session);
    }

    /// The outbox has grown, up to here.
    pub fn stage_command(&mut self, serial: Serial) {
        self.staged_command = serial;
    }

    pub fn stage_settled(&mut self, serial: Serial) {
        self.staged.outbox_settled = Some(serial);
    }

    /// Sends `message` once everything staged and under way is durable; at once if nothing is.
    pub fn hold(&mut self, to: NodeId, message: Message) -> Option<(NodeId, Message)> {
        let needed = match &self.under_way {
            _ if self.is_urgent() => self.last.next(),
            Some(under_way) => under_way.id,
            None => return Some((to, message)),
        };
        let held = (needed, to, message);
        // Who asks twice while the disk is busy is answered once.
        if self.held.len() < HELD_MAX && !self.held.contains(&held) {
            self.held.push_back(held);
        }
        None
    }

    /// Whether the commit index, or what it settled, has yet to be written.
    pub fn is_behind(&self, commit: LogIndex) -> bool {
        commit > self.commit || self.staged.outbox_settled.is_some()
    }

    /// Own commands, up to `last`, are in the log behind `index` before they are durable. Nobody may be told of them.
    pub fn withhold(&mut self, index: LogIndex, last: Serial) {
        let earliest = self.withheld.map_or(index, |(earlier, _)| earlier.min(index));
        self.withheld = Some((earliest, last));
    }

    /// How much of a log that ends at `last` others may be told. Commands become durable with their entries or before.
    pub fn tellable(&self, last: LogIndex) -> LogIndex {
        self.withheld.map_or(last, |(index, _)| index.max(self.log).min(last))
    }

    /// Whether a write is under way.
    pub fn is_writing(&self) -> bool {
        self.under_way.is_some()
    }

    /// Begins the next write, if there is cause and none is under way. The commit index rides along;
    /// with `even_idle` it is cause enough.
    pub fn begin(&mut self, log: &Log, outbox: &Outbox, commit: LogIndex, even_idle: bool) -> Option<(WriteId, Write)> {
        let cause = self.is_urgent() || (even_idle && self.is_behind(commit));
        if self.under_way.is_some() || !cause {
            return None;
        }
        let has_entries = self.staged_log > self.submitted;
        let has_commands = self.staged_command > self.submitted_command;
        let new = outbox.between(self.submitted_command.next(), self.staged_command);
        let Staged { ballot, truncate_from, snapshot, compact, session, outbox_settled } = &mut self.staged;
        let write = Write {
            ballot: ballot.take(),
            truncate_from: truncate_from.take(),
            snapshot: snapshot.take(),
            compact: compact.take(),
            session: session.take(),
            outbox_settled: outbox_settled.take(),
            entries: match has_entries {
                true => log.entries_from(self.submitted.max(log.base().index).next()),
                false => Entries::default(),
            },
            commit: (commit > self.commit).then_some(commit),
            outbox_put: new.map(|(serial, body)| (serial, body.clone())).collect(),
        };
        self.commit = self.commit.max(commit);
        self.submitted_command = self.staged_command;
        self.last = self.last.next();
        self.submitted = log.last().index;
        self.staged_log = self.submitted;
        self.under_way = Some(UnderWay {
            id: self.last,
            log: self.submitted,
            ballot: write.ballot.unwrap_or(self.ballot),
            session: write.session.or(self.session),
            outbox: has_commands.then_some(self.submitted_command),
        });
        Some((self.last, write))
    }

    /// A write is durable. Gives back the last own command that became so; the messages that waited for it
    /// come out of [`release`](Self::release).
    pub fn finish(&mut self, id: WriteId) -> Option<Serial> {
        assert!(id <= self.last, "the store vouches for a write it never got");
        let done = self.under_way.take_if(|under_way| under_way.id <= id)?;
        self.log = self.log.max(done.log);
        self.ballot = done.ballot;
        self.session = done.session;
        self.withheld.take_if(|(_, last)| Some(*last) <= done.outbox);
        done.outbox
    }

    /// How many messages wait.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// A message that need not wait any longer.
    pub fn release(&mut self) -> Option<(NodeId, Message)> {
        let done = self.under_way.as_ref().map_or(self.last, |under_way| WriteId(under_way.id.0 - 1));
        let (_, to, message) = self.held.pop_front_if(|(needed, ..)| *needed <= done)?;
        Some((to, message))
    }

    /// Numbers writes from the beginning again, if nothing knows of one.
    #[cfg(feature = "playtest")]
    pub fn renumber(&mut self) {
        if self.under_way.is_none() && self.held.is_empty() {
            self.last = WriteId(0);
        }
    }

    fn is_urgent(&self) -> bool {
        let staged = &self.staged;
        staged.ballot.is_some()
            || staged.truncate_from.is_some()
            || staged.snapshot.is_some()
            || staged.compact.is_some()
            || staged.session.is_some()
            || self.staged_log > self.submitted
            || self.staged_command > self.submitted_command
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::raft::{Config, Entry, LogTime, MessageBody, Payload};
    use bytes::Bytes;
    use std::collections::BTreeMap;

    fn entry(index: u64, term: u64) -> Entry {
        Entry { term: Term(term), index: LogIndex(index), time: LogTime(0), payload: Payload::Empty }
    }

    /// A log, and what becomes of it on the disk.
    struct Desk {
        log: Log,
        durability: Durability,
    }

    impl Desk {
        fn new() -> Self {
            let durability = Durability::new(Ballot::default(), None, LogIndex(0), LogIndex(0), Serial(0));
            Self { log: Log::default(), durability }
        }

        fn append(&mut self, term: u64, indexes: std::ops::RangeInclusive<u64>) {
            for index in indexes {
                self.log.append(entry(index, term));
                self.durability.stage_log(LogIndex(index));
            }
        }

        fn truncate_from(&mut self, index: u64) {
            self.log.truncate_from(LogIndex(index));
            self.durability.stage_truncation(LogIndex(index));
        }

        fn begin(&mut self) -> (WriteId, Write) {
            self.durability.begin(&self.log, &outbox(), LogIndex(0), false).unwrap()
        }
    }

    fn outbox() -> Outbox {
        Outbox::new(BTreeMap::new(), Serial(0), None)
    }

    fn message() -> Message {
        Message { term: Term(1), body: MessageBody::Retire }
    }

    #[test]
    fn a_completion_vouches_for_nothing_that_was_overwritten() {
        let mut desk = Desk::new();
        desk.append(1, 1..=3);
        let (first, _) = desk.begin();
        desk.truncate_from(2);
        desk.append(2, 2..=3);
        desk.durability.finish(first);
        assert_eq!(desk.durability.log(), LogIndex(1));
        let (second, write) = desk.begin();
        let entries = vec![entry(2, 2), entry(3, 2)];
        assert_eq!((write.truncate_from, write.entries), (Some(LogIndex(2)), entries.into()));
        desk.durability.finish(second);
        assert_eq!(desk.durability.log(), LogIndex(3));
    }

    #[test]
    fn what_was_never_handed_over_needs_no_truncation() {
        let mut desk = Desk::new();
        desk.append(1, 1..=2);
        desk.truncate_from(2);
        let (_, write) = desk.begin();
        assert_eq!((write.truncate_from, write.entries), (None, vec![entry(1, 1)].into()));
    }

    #[test]
    fn a_command_is_withheld_until_it_is_durable() {
        let mut desk = Desk::new();
        desk.append(1, 1..=1);
        let (first, _) = desk.begin();
        desk.durability.finish(first);
        let mut outbox = outbox();
        desk.durability.stage_command(outbox.add(Bytes::new(), &Config::default()).unwrap());
        desk.durability.withhold(LogIndex(1), outbox.last());
        desk.append(1, 2..=3);
        assert_eq!(desk.durability.tellable(desk.log.last().index), LogIndex(1));
        let (second, write) = desk.durability.begin(&desk.log, &outbox, LogIndex(0), false).unwrap();
        assert_eq!((write.outbox_put.len(), write.entries.len()), (1, 2));
        desk.append(1, 4..=4);
        assert_eq!(desk.durability.tellable(desk.log.last().index), LogIndex(1));
        desk.durability.finish(second);
        assert_eq!(desk.durability.tellable(desk.log.last().index), LogIndex(4));
    }

    #[test]
    fn a_promise_waits_for_its_own_write_not_the_one_before() {
        let mut desk = Desk::new();
        desk.append(1, 1..=1);
        let (first, _) = desk.begin();
        desk.durability.stage_ballot(Ballot { term: Term(2), vote: Some(NodeId(9)) });
        assert_eq!(desk.durability.hold(NodeId(9), message()), None);
        desk.durability.finish(first);
        assert_eq!(desk.durability.release(), None);
        let (second, _) = desk.begin();
        assert_eq!(desk.durability.release(), None);
        desk.durability.finish(second);
        assert!(desk.durability.release().is_some());
    }

    #[test]
    fn a_disk_that_never_answers_holds_only_so_much() {
        let mut desk = Desk::new();
        desk.append(1, 1..=1);
        let (write, _) = desk.begin();
        (0..2 * HELD_MAX as u64).for_each(|node| assert_eq!(desk.durability.hold(NodeId(node), message()), None));
        desk.durability.finish(write);
        assert_eq!(std::iter::from_fn(|| desk.durability.release()).count(), HELD_MAX);
    }

    #[test]
    fn who_asks_twice_while_the_disk_is_busy_is_answered_once() {
        let mut desk = Desk::new();
        desk.append(1, 1..=1);
        let (write, _) = desk.begin();
        (0..2).for_each(|_| assert_eq!(desk.durability.hold(NodeId(9), message()), None));
        desk.durability.finish(write);
        assert_eq!(std::iter::from_fn(|| desk.durability.release()).count(), 1);
    }

    #[test]
    fn the_commit_index_alone_is_written_only_when_asked() {
        let mut desk = Desk::new();
        desk.append(1, 1..=4);
        let (first, _) = desk.begin();
        desk.durability.finish(first);
        assert_eq!(desk.durability.begin(&desk.log, &outbox(), LogIndex(4), false), None);
        let (_, write) = desk.durability.begin(&desk.log, &outbox(), LogIndex(4), true).unwrap();
        assert_eq!(write.commit, Some(LogIndex(4)));
    }
}
