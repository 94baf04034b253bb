//! One simulated computer: a node while it runs, and a disk that outlives it.

use crate::raft::{
    Applied, Config, Durable, Holdup, LogIndex, Moment, Node, NodeId, Permission, ReadId, Write, WriteId,
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

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
    /// What this life has applied.
    pub applied: Vec<Applied>,
    /// What this life wants to read, and how many commands were carried out anywhere when it was asked.
    pub reading: BTreeMap<ReadId, usize>,
    /// What this life has read.
    pub read: BTreeMap<ReadId, Answer>,
    /// Its driver does nothing before this.
    pub asleep_until: Moment,
}

/// How a read ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// As the core says.
    pub outcome: Result<LogIndex, Holdup>,
    /// How many commands this node had carried out.
    pub applied: usize,
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
            reading: BTreeMap::new(),
            read: BTreeMap::new(),
            asleep_until: Moment::ZERO,
        }
    }

    pub fn start(&mut self, config: &Config, seed: u64, now: Moment) {
        self.life += 1;
        self.applied.clear();
        self.reading.clear();
        self.read.clear();
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
        disk.log.truncate(usize::try_from(from.0 - 1).expect("logs fit in memory"));
    }
    for entry in write.entries {
        assert_eq!(entry.index.0, disk.log.len() as u64 + 1, "entries are written without gaps");
        disk.log.push(entry);
    }
    if let Some(commit) = write.commit {
        assert!(commit >= disk.commit && commit.0 <= disk.log.len() as u64, "the commit index grows within the log");
        disk.commit = commit;
    }
    for (serial, body) in write.outbox_put {
        assert_eq!(serial, disk.last_serial.next(), "serials have no gaps");
        disk.last_serial = serial;
        disk.outbox.insert(serial, body);
    }
    if let Some(settled) = write.outbox_settled {
        disk.outbox = disk.outbox.split_off(&settled.next());
    }
}
