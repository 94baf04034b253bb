//! One simulated computer: a node while it runs, a state machine, a clock, and a disk that outlives it.

use super::{clock::Clock, disk::Disk, registers::Registers, run::Event, sim::Reply, state::State};
use crate::raft::{
    Applied, Config, Decision, Dice, Durable, Entry, Holdup, Input, LogIndex, LogPosition, Membership, Moment, Node,
    NodeId, Payload, Permission, ReadId, Serial, Write,
};
use bytes::Bytes;
use std::{collections::BTreeMap, time::Duration};

pub(super) struct Machine {
    pub id: u64,
    pub permission: Permission,
    /// It only votes and stores.
    pub witness: bool,
    /// Running, or not.
    pub node: Option<Node>,
    pub disk: Disk,
    pub clock: Clock,
    /// Counts starts, so that completions of an earlier life are not mistaken.
    pub life: u64,
    /// What the state consists of: everything applied, in this life or before.
    pub applied: Vec<Applied>,
    /// What came of it.
    pub registers: Registers,
    /// The same, as the state machine of a game would have it.
    pub state: State,
    /// Its game makes no snapshots for now.
    pub dozes: bool,
    /// It has not yet restored the state that its store held when it started.
    pub starts_over: bool,
    /// The snapshot that it was asked for last, and has not made.
    pub asked: Option<(LogIndex, Bytes)>,
    /// What became of own commands that this life did not apply itself.
    pub settled: BTreeMap<Serial, Option<Decision>>,
    /// What this life wants to read.
    pub reading: BTreeMap<ReadId, Question>,
    /// What this life has read.
    pub read: BTreeMap<ReadId, Answer>,
    /// Its driver does nothing before this.
    pub asleep_until: Moment,
    /// Its driver runs only this often, as in a hidden tab.
    pub tick: Option<Duration>,
    /// What came while its driver did nothing.
    pub inbox: Vec<Event>,
    /// When its driver has something to do next, if nothing comes.
    pub wake_at: Moment,
}

/// What a client at a node was told.
pub(super) struct Outcome {
    pub node: u64,
    pub asked: Asked,
    pub at: Moment,
    /// What a swap or a read found.
    pub reply: Reply,
    /// It was carried out nowhere, and won't be.
    pub refused: bool,
}

/// What a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    Command(Serial),
    Read(ReadId),
}

/// What a read is about.
pub(super) struct Question {
    /// How many commands were carried out anywhere when it was asked.
    pub before: usize,
    pub key: u8,
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
    pub fn new(id: u64, permission: Permission, image: Durable) -> Self {
        Self {
            id,
            permission,
            witness: false,
            node: None,
            disk: Disk::new(image),
            clock: Clock::default(),
            life: 0,
            applied: Vec::new(),
            registers: Registers::default(),
            state: State::default(),
            dozes: false,
            starts_over: false,
            asked: None,
            settled: BTreeMap::new(),
            reading: BTreeMap::new(),
            read: BTreeMap::new(),
            asleep_until: Moment::ZERO,
            tick: None,
            inbox: Vec::new(),
            wake_at: Moment::NEVER,
        }
    }

    /// Starts on what its store holds; false if that can't be opened.
    pub fn start(&mut self, config: &Config, seed: u64, now: Moment) -> bool {
        self.disk.mutant = config.mutant;
        let Some(durable) = self.disk.open() else { return false };
        self.life += 1;
        self.applied.clear();
        self.registers = Registers::default();
        self.state = State::default();
        self.asked = None;
        self.settled.clear();
        self.starts_over = durable.snapshot.is_some();
        self.reading.clear();
        self.read.clear();
        let seed = seed.wrapping_add(self.life << 32);
        let config = Config { witness: self.witness, ..config.clone() };
        self.node = Some(Node::new(NodeId(self.id), config, seed, durable, self.clock.read(now)));
        self.plan_wake(now);
        true
    }

    /// Stops without a word; what was not synced meets its fate.
    pub fn crash(&mut self, dice: &mut Dice) {
        self.node = None;
        self.asleep_until = Moment::ZERO;
        self.inbox.clear();
        self.wake_at = Moment::NEVER;
        self.disk.crash(dice);
    }

    /// The configurations after `index` in its log, in memory and on disk.
    pub fn memberships_after(&self, index: LogIndex) -> impl Iterator<Item = &Membership> {
        let stored = self.disk.image.log.iter().filter(move |entry| entry.index > index);
        let last = self.node.as_ref().map_or(index, Node::last);
        let known = (index.0 + 1..=last.0).filter_map(|index| self.node.as_ref()?.entry(LogIndex(index)));
        stored.chain(known).filter_map(|entry| match &entry.payload {
            Payload::Membership(membership) => Some(membership),
            _ => None,
        })
    }

    /// The configuration in force on its disk, if there is one.
    pub fn stored_membership(&self) -> Option<&Membership> {
        let snapshot = self.disk.image.snapshot.as_ref().map(|snapshot| &snapshot.membership);
        self.memberships_after(LogIndex(0)).last().or(snapshot)
    }

    /// Whether it still runs, and was not started anew since.
    pub fn lives(&self, life: u64) -> bool {
        self.node.is_some() && self.life == life
    }

    /// When its driver takes in what comes at `now`.
    pub fn attends_at(&self, now: Moment) -> Moment {
        let awake = now.max(self.asleep_until);
        match self.tick {
            None => awake,
            Some(tick) => {
                let tick = u64::try_from(tick.as_nanos()).expect("ticks are short");
                Moment(awake.0.next_multiple_of(tick))
            }
        }
    }

    /// Whether its node wants to be woken.
    pub fn is_due(&self, now: Moment) -> bool {
        self.node.as_ref().is_some_and(|node| node.deadline() <= self.clock.read(now))
    }

    /// Notes when its driver has something to do next.
    pub fn plan_wake(&mut self, now: Moment) {
        let deadline = self.node.as_ref().map_or(Moment::NEVER, Node::deadline);
        let due = self.clock.when(deadline).max(now);
        self.wake_at = match () {
            () if self.node.is_none() => Moment::NEVER,
            () if !self.inbox.is_empty() => self.attends_at(now),
            () if deadline == Moment::NEVER => Moment::NEVER,
            () => self.attends_at(due),
        };
    }

    /// Hands its node an input, at the time that its clock shows.
    pub fn handle(&mut self, now: Moment, input: Input) {
        let now = self.clock.read(now);
        self.node.as_mut().expect("who hears something runs").handle(now, input);
    }
}

/// Applies a write as every store must.
///
/// # Panics
/// If it doesn't follow from what the disk holds.
pub fn absorb(disk: &mut Durable, write: Write) {
    if let Some(ballot) = write.ballot {
        let kept = ballot.term > disk.ballot.term || disk.ballot.vote.is_none() || ballot.vote == disk.ballot.vote;
        assert!(ballot.term >= disk.ballot.term && kept, "term and vote never go back: {:?} {ballot:?}", disk.ballot);
        disk.ballot = ballot;
    }
    if let Some(from) = write.truncate_from {
        assert!(from > disk.commit, "what is committed stays");
        disk.log.retain(|entry| entry.index < from);
    }
    if let Some(snapshot) = write.snapshot {
        assert!(snapshot.position.index > snapshot_index(disk), "a snapshot is replaced by a newer one");
        disk.snapshot = Some(snapshot);
    }
    if let Some(base) = write.compact {
        compact(disk, base);
    }
    for entry in &write.entries {
        assert_eq!(entry.index, end(disk).next(), "entries are written without gaps");
        disk.log.push(entry.clone());
    }
    if let Some(commit) = write.commit {
        assert!(commit >= disk.commit && commit <= end(disk), "the commit index grows within the log");
        disk.commit = commit;
    }
    if let Some(session) = write.session {
        assert!(disk.session < Some(session), "sessions follow one another");
        disk.session = Some(session);
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

/// The index of a disk's last entry.
pub(super) fn end(disk: &Durable) -> LogIndex {
    LogIndex(disk.base.index.0 + disk.log.len() as u64)
}

/// The entry that a disk's snapshot stands for.
pub(super) fn snapshot_index(disk: &Durable) -> LogIndex {
    disk.snapshot.as_ref().map_or(LogIndex(0), |snapshot| snapshot.position.index)
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
