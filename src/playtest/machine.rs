//! One simulated computer: a node while it runs, a disk that outlives it, and a state machine.

use super::state::State;
use crate::raft::{
    Applied, Config, Durable, Entry, LogIndex, LogPosition, Moment, Node, NodeId, Permission, Write, WriteId,
};
use bytes::Bytes;
use std::{collections::VecDeque, time::Duration};

pub(super) struct Machine {
    pub id: u64,
    pub permission: Permission,
    /// Running, or not.
    pub node: Option<Node>,
    /// What survives a crash.
    pub disk: Durable,
    pub disk_latency: Duration,
    /// Handed to the disk, not durable yet.
    pub unsynced: VecDeque<(WriteId, Write)>,
    /// Counts starts, so that completions of an earlier life are not mistaken.
    pub life: u64,
    /// What the state consists of: everything applied, in this life or before.
    pub applied: Vec<Applied>,
    /// The same, as the state machine of a game would have it.
    pub state: State,
    /// Its game makes no snapshots for now.
    pub dozes: bool,
    /// The last one that it has not made.
    pub asked: Option<(LogIndex, Bytes)>,
    /// Its driver does nothing before this.
    pub asleep_until: Moment,
}

impl Machine {
    pub fn new(id: u64, permission: Permission, disk: Durable) -> Self {
        Self {
            id,
            permission,
            node: None,
            disk,
            disk_latency: Duration::ZERO,
            unsynced: VecDeque::new(),
            life: 0,
            applied: Vec::new(),
            state: State::default(),
            dozes: false,
            asked: None,
            asleep_until: Moment::ZERO,
        }
    }

    pub fn start(&mut self, config: &Config, seed: u64, now: Moment) {
        self.life += 1;
        self.applied.clear();
        self.state = State::default();
        self.asked = None;
        let seed = seed.wrapping_add(self.life << 32);
        self.node = Some(Node::new(NodeId(self.id), config.clone(), seed, self.disk.clone(), now));
    }

    /// Stops without a word. What was not synced is lost, unless `lucky`: then it just made it.
    pub fn crash(&mut self, lucky: bool) {
        self.node = None;
        self.asleep_until = Moment::ZERO;
        if let Some((_, write)) = self.unsynced.pop_front().filter(|_| lucky) {
            absorb(&mut self.disk, write);
        }
        self.unsynced.clear();
    }

    /// The oldest write becomes durable.
    pub fn sync(&mut self, id: WriteId) {
        let (first, write) = self.unsynced.pop_front().expect("a write is under way");
        assert_eq!(first, id, "writes become durable in order");
        absorb(&mut self.disk, write);
    }

    /// When its node wants to be woken.
    pub fn wake_at(&self) -> Moment {
        self.node.as_ref().map_or(Moment::NEVER, |node| node.deadline().max(self.asleep_until))
    }
}

/// Applies a write as every store must, and checks that it can be.
fn absorb(disk: &mut Durable, write: Write) {
    if let Some(ballot) = write.ballot {
        let kept = ballot.term > disk.ballot.term || disk.ballot.vote.is_none() || ballot.vote == disk.ballot.vote;
        assert!(ballot.term >= disk.ballot.term && kept, "term and vote never go back: {:?} {ballot:?}", disk.ballot);
        disk.ballot = ballot;
    }
    if let Some(from) = write.truncate_from {
        assert!(from > disk.commit, "what is committed stays");
        disk.log.truncate(usize::try_from(from.0 - 1 - disk.base.index.0).expect("logs fit in memory"));
    }
    if let Some(snapshot) = write.snapshot {
        let before = disk.snapshot.as_ref().map_or(LogIndex(0), |before| before.position.index);
        assert!(snapshot.position.index > before, "a snapshot is replaced by a newer one");
        disk.snapshot = Some(snapshot);
    }
    if let Some(base) = write.compact {
        compact(disk, base);
    }
    for entry in write.entries.iter() {
        assert_eq!(entry.index, end(disk).next(), "entries are written without gaps");
        disk.log.push(entry.clone());
    }
    if let Some(commit) = write.commit {
        assert!(commit >= disk.commit && commit <= end(disk), "the commit index grows within the log");
        disk.commit = commit;
    }
    let snapshot = disk.snapshot.as_ref().map_or(LogIndex(0), |snapshot| snapshot.position.index);
    assert!(disk.base.index <= snapshot && snapshot <= disk.commit, "a snapshot stands for what is not in the log");
    for (serial, body) in write.outbox_put {
        assert_eq!(serial, disk.last_serial.next(), "serials have no gaps");
        disk.last_serial = serial;
        disk.outbox.insert(serial, body);
    }
    if let Some(settled) = write.outbox_settled {
        disk.outbox = disk.outbox.split_off(&settled.next());
    }
}

/// The index of a disk's last entry.
pub(super) fn end(disk: &Durable) -> LogIndex {
    LogIndex(disk.base.index.0 + disk.log.len() as u64)
}

/// The entry at `index` on a disk, if it is not cut off.
pub(super) fn entry(disk: &Durable, index: LogIndex) -> Option<&Entry> {
    let place = index.0.checked_sub(disk.base.index.0 + 1)?;
    disk.log.get(usize::try_from(place).ok()?)
}

/// Lets the log on a disk begin after `base`.
fn compact(disk: &mut Durable, base: LogPosition) {
    assert!(base.index > disk.base.index, "a log is never cut twice at one place");
    match entry(disk, base.index) {
        Some(entry) => assert_eq!(entry.position(), base, "what is cut off is what the node means"),
        None => assert!(end(disk) < base.index, "a log goes on after what it is cut off at"),
    }
    disk.log.retain(|entry| entry.index > base.index);
    disk.base = base;
}
