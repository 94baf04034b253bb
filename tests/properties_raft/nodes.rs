//! One node, and peers that may say anything at all: members and strangers, honest, confused or hostile.

use super::{
    draw::{Draw, ME, PEERS},
    store,
};
use arbtest::arbitrary::{Result, Unstructured};
use bevy_quorum::raft::{
    Ballot, Command, Config, Durable, Effect, Entry, Input, Joiner, LogIndex, LogPosition, LogTime, Marked, Message,
    MessageBody, Moment, Node, NodeId, Payload, Permission, ReadId, Serial, Term, Write, WriteId,
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// The most things that happen to one node.
const STEPS_MAX: usize = 400;
/// How many of its messages are remembered, to be answered.
const SENT_MAX: usize = 12;
/// The largest message: a frame on a reliable lane, less what is around it.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 - 12;
/// The most messages to one peer after one input: what waited for the disk, a window, and a few more.
const MESSAGES_MAX: usize = 1_024 + 256 + 64;
/// The largest state of its game.
const STATE_BYTES_MAX: usize = 20_000;

/// However nonsensical what it hears, whenever its writes complete: a node doesn't panic, its queues keep
/// their limits, it promises only what is durable, and term, vote, commit index and log go only forward.
pub fn bears_whatever_peers_say(bytes: &[u8]) {
    let mut u = Unstructured::new(bytes);
    // It ends when the bytes do.
    let _ = Bench::new(&mut u).and_then(|mut bench| bench.run(&mut u));
}

struct Bench {
    node: Node,
    config: Config,
    now: Moment,
    disk: Durable,
    writes: VecDeque<(WriteId, Write)>,
    sent: VecDeque<(NodeId, Message)>,
    /// Where the game was asked for its state.
    asked: Option<LogIndex>,
    reads: BTreeSet<ReadId>,
    lives: u64,
    known: Known,
}

/// What may not be taken back.
struct Known {
    ballot: Ballot,
    commit: LogPosition,
    applied: LogIndex,
}

impl Bench {
    fn new(u: &mut Unstructured) -> Result<Self> {
        let (config, disk) = (config(u)?, disk(u)?);
        let node = Node::new(ME, config.clone(), 1, disk.clone(), Moment::ZERO);
        let known = Known { ballot: node.ballot(), commit: LogPosition::default(), applied: node.applied() };
        let mut bench = Self {
            node,
            config,
            now: Moment::ZERO,
            disk,
            writes: VecDeque::new(),
            sent: VecDeque::new(),
            asked: None,
            reads: BTreeSet::new(),
            lives: 1,
            known,
        };
        bench.drain();
        Ok(bench)
    }

    fn run(&mut self, u: &mut Unstructured) -> Result<()> {
        for _ in 0..STEPS_MAX {
            if u.is_empty() {
                return Ok(());
            }
            self.step(u)?;
            self.drain();
        }
        Ok(())
    }

    fn step(&mut self, u: &mut Unstructured) -> Result<()> {
        match u.int_in_range(0..=23)? {
            0..=7 => self.hear(u)?,
            8..=11 => self.be_answered(u)?,
            12..=13 => self.wake(u)?,
            14..=16 => self.complete(),
            17 => drop(self.node.propose(self.now, Bytes::from(vec![2; u.int_in_range(0..=5_000)?]))),
            18 => {
                let id = ReadId(self.reads.last().map_or(1, |last| last.0 + 1));
                if self.node.read(self.now, id).is_ok() {
                    self.reads.insert(id);
                }
            }
            19 => self.link(u)?,
            20 => self.wish(u)?,
            21 => self.make_snapshot(u)?,
            22 => self.change(u)?,
            _ if u.ratio(1, 4)? => self.restart(u)?,
            _ => self.now = self.now + Duration::from_millis(u.int_in_range(0..=3_000)?),
        }
        Ok(())
    }

    fn draw<'a, 'b>(&'a self, u: &'a mut Unstructured<'b>) -> Draw<'a, 'b> {
        Draw { u, node: &self.node, now: self.now }
    }

    /// Somebody says something.
    fn hear(&mut self, u: &mut Unstructured) -> Result<()> {
        let from = self.draw(u).anybody()?;
        let message = self.draw(u).message()?;
        self.node.handle(self.now, Input::Receive { from, message });
        Ok(())
    }

    /// What it said lately is answered as it would like to be.
    fn be_answered(&mut self, u: &mut Unstructured) -> Result<()> {
        if self.sent.is_empty() {
            return self.wake(u);
        }
        let place = u.int_in_range(0..=self.sent.len() - 1)?;
        let (from, message) = &self.sent[place];
        if let Some(message) = pleasing_answer(message) {
            self.node.handle(self.now, Input::Receive { from: *from, message });
        }
        Ok(())
    }

    fn wake(&mut self, u: &mut Unstructured) -> Result<()> {
        let deadline = self.node.deadline();
        if deadline != Moment::NEVER {
            self.now = self.now.max(deadline);
        }
        if u.ratio(1, 8)? {
            self.now = self.now + Duration::from_millis(u.int_in_range(0..=20_000)?);
        }
        self.node.handle(self.now, Input::Wake);
        Ok(())
    }

    /// The oldest write is durable.
    fn complete(&mut self) {
        if let Some((id, write)) = self.writes.pop_front() {
            store::write(&mut self.disk, write);
            self.node.handle(self.now, Input::Persisted(id));
        }
    }

    fn link(&mut self, u: &mut Unstructured) -> Result<()> {
        let node = self.draw(u).anybody()?;
        let joiner = Joiner { node, key: [0; 32], permission: Permission::Editor };
        let input = if u.ratio(3, 4)? { Input::Linked(joiner) } else { Input::Unlinked(node) };
        self.node.handle(self.now, input);
        Ok(())
    }

    fn wish(&mut self, u: &mut Unstructured) -> Result<()> {
        let to = if u.arbitrary()? { Some(self.draw(u).anybody()?) } else { None };
        let input = match u.int_in_range(0..=8)? {
            0 => Input::Leave,
            1..=4 => Input::Priority(u.arbitrary()?),
            _ => Input::Transfer { to },
        };
        self.node.handle(self.now, input);
        Ok(())
    }

    fn make_snapshot(&mut self, u: &mut Unstructured) -> Result<()> {
        let index = if u.ratio(7, 8)? { self.asked } else { Some(self.draw(u).index()?) };
        if let Some(index) = index {
            let state = Bytes::from(vec![3; u.int_in_range(0..=STATE_BYTES_MAX)?]);
            self.node.handle(self.now, Input::Snapshotted { index, state });
        }
        Ok(())
    }

    /// Its own people want another configuration.
    fn change(&mut self, u: &mut Unstructured) -> Result<()> {
        if u.arbitrary()? {
            let node = self.draw(u).anybody()?;
            let _ = self.node.remove(self.now, node);
        } else {
            let membership = self.draw(u).membership()?;
            let _ = self.node.change(membership);
        }
        Ok(())
    }

    /// It ends, with some of what it was writing done, and starts again on what its store holds.
    fn restart(&mut self, u: &mut Unstructured) -> Result<()> {
        let done = u.int_in_range(0..=self.writes.len())?;
        for (_, write) in self.writes.drain(..).take(done) {
            store::write(&mut self.disk, write);
        }
        self.lives += 1;
        self.node = Node::new(ME, self.config.clone(), self.lives, self.disk.clone(), self.now);
        self.asked = None;
        self.reads.clear();
        // What was not durable, nobody was told.
        assert!(self.disk.ballot.term <= self.known.ballot.term);
        let commit = self.node.position_at(self.node.commit()).expect("what is committed is in the log");
        self.known = Known { ballot: self.disk.ballot, commit, applied: self.node.applied() };
        Ok(())
    }

    /// Does what the node wants done, and looks at it.
    fn drain(&mut self) {
        let (mut messages, mut chunks) = (BTreeMap::<NodeId, usize>::new(), BTreeMap::<NodeId, usize>::new());
        // A window of a snapshot, and as much again of what got lost; the last chunk may lie beyond.
        let chunk_bytes_max = 2 * (self.config.window_bytes + self.config.append_bytes_max);
        while let Some(effect) = self.node.poll() {
            match effect {
                Effect::Persist { id, write } => self.writes.push_back((id, write)),
                Effect::Send { to, message } => {
                    let count = messages.entry(to).or_default();
                    *count += 1;
                    assert!(*count <= MESSAGES_MAX, "{to} is sent {count} messages at once");
                    if let MessageBody::Snapshot { bytes, .. } = &message.body {
                        let sum = chunks.entry(to).or_default();
                        *sum += bytes.len();
                        assert!(*sum <= chunk_bytes_max, "{to} is sent {sum} bytes of a snapshot at once");
                    }
                    self.check_message(to, &message);
                    self.sent.push_back((to, message));
                }
                Effect::Apply(batch) => {
                    for applied in batch.applied() {
                        assert!(applied.index > self.known.applied, "{} is applied again", applied.index);
                        self.known.applied = applied.index;
                    }
                }
                Effect::Snapshot { position } => self.asked = Some(position.index),
                Effect::Restore(snapshot) => self.known.applied = snapshot.position.index,
                Effect::Read { id, .. } => assert!(self.reads.remove(&id), "read {id} ends twice"),
                Effect::Settled { .. } => {}
            }
            while self.sent.len() > SENT_MAX {
                self.sent.pop_front();
            }
        }
        self.check_node();
    }

    /// It fits a frame, and what it promises is durable.
    fn check_message(&self, to: NodeId, message: &Message) {
        let bytes = bincode::serde::encode_to_vec(message, bincode::config::standard()).expect("it has an encoding");
        assert!(bytes.len() <= MESSAGE_BYTES_MAX, "{} bytes: {message:?}", bytes.len());
        match &message.body {
            MessageBody::VoteReply { granted: true } => {
                let (given, durable) = (Ballot { term: message.term, vote: Some(to) }, self.disk.ballot);
                assert!(durable == given || durable.term > given.term, "{durable:?} is durable, {given:?} is told");
            }
            MessageBody::Appended { matched } => {
                assert!(*matched <= store::end(&self.disk) && message.term <= self.disk.ballot.term);
            }
            MessageBody::Forward { commands, .. } => {
                let durable = commands.iter().all(|(serial, _)| *serial <= self.disk.last_serial);
                assert!(durable, "{commands:?} were told, up to {} are durable", self.disk.last_serial);
            }
            _ => {}
        }
    }

    fn check_node(&mut self) {
        let Self { node, known, .. } = self;
        let (ballot, before) = (node.ballot(), known.ballot);
        let votes = ballot.term == before.term && before.vote.is_some();
        assert!(ballot.term >= before.term && (!votes || ballot == before), "{ballot:?} comes after {before:?}");
        assert!(node.commit() >= known.commit.index, "less is committed than before");
        // None if it was cut off since.
        let kept = node.position_at(known.commit.index).is_none_or(|position| position == known.commit);
        assert!(kept || known.commit == LogPosition::default(), "what was committed is another entry now");
        let snapshot = node.snapshot().map_or(LogIndex(0), |snapshot| snapshot.position.index);
        let order = [node.base().index, snapshot, node.applied(), node.commit(), node.last()];
        assert!(order.is_sorted(), "base, snapshot, applied, commit index, end of log: {order:?}");
        for load in node.load() {
            assert!(load.held <= load.limit, "{load:?}");
        }
        let _ = (node.status(), node.holdup(), node.deadline());
        let commit = node.position_at(node.commit()).expect("what is committed is in the log");
        *known = Known { ballot, commit, applied: known.applied };
    }
}

/// What the sender of a message hopes to hear.
fn pleasing_answer(message: &Message) -> Option<Message> {
    let term = message.term;
    let body = match &message.body {
        MessageBody::PreVote { .. } => MessageBody::PreVoteReply { asked: term, granted: true, ahead: None },
        MessageBody::Vote { .. } => MessageBody::VoteReply { granted: true },
        MessageBody::Append { previous, entries, .. } => {
            MessageBody::Appended { matched: LogIndex(previous.index.0 + entries.len() as u64) }
        }
        MessageBody::Heartbeat { round, sent, .. } => {
            let (round, sent, marked) = (*round, *sent, Marked { makes: true, ..Marked::default() });
            MessageBody::HeartbeatReply { priority: 100, round, sent, marked }
        }
        MessageBody::ReadIndex { question } => MessageBody::ReadIndexReply { question: *question, index: LogIndex(1) },
        MessageBody::Forward { commands, sent, .. } => {
            let appended = commands.last().map_or(Serial(0), |(serial, _)| *serial);
            MessageBody::Forwarded { appended, gap: false, holdup: None, sent: *sent }
        }
        MessageBody::Snapshot { mark, offset, bytes, sent, .. } => {
            let (mark, received, sent) = (mark.index, offset + bytes.len() as u64, *sent);
            MessageBody::SnapshotReceived { mark, received, missing: Vec::new(), sent }
        }
        MessageBody::TimeoutNow { last } => {
            let body = MessageBody::Vote { last: *last, transfer: true };
            return Some(Message { term: term.next(), body });
        }
        _ => return None,
    };
    Some(Message { term, body })
}

/// Settings as they ship, or so small that their limits are met.
fn config(u: &mut Unstructured) -> Result<Config> {
    let config = Config { makes_snapshots: u.ratio(3, 4)?, witness: u.ratio(1, 8)?, ..Config::default() };
    if u.ratio(1, 3)? {
        return Ok(config);
    }
    Ok(Config {
        append_bytes_max: 300,
        window_bytes: 4_000,
        forward_window_bytes: 1_000,
        uncommitted_bytes_max: 20_000,
        mark_bytes: 500,
        mark_entries: u.int_in_range(1..=20)?,
        tail_bytes: u.int_in_range(0..=1_000)?,
        log_bytes_max: 20_000,
        outbox_commands_max: 8,
        outbox_bytes_max: 20_000,
        reads_max: 4,
        ..config
    })
}

/// What the store of a node may hold: nothing, or a log that begins with a configuration.
fn disk(u: &mut Unstructured) -> Result<Durable> {
    match u.int_in_range(0..=7)? {
        0 => return Ok(Durable::default()),
        1 => return Ok(Durable::founding(ME, [0; 32])),
        2 => return Ok(Durable::continuing(ME, [0; 32], LogIndex(40), LogTime(9), Bytes::from_static(b"state"))),
        _ => {}
    }
    // Nobody's node: what is drawn here is close to an empty log.
    let nobody = Node::new(ME, Config::default(), 1, Durable::default(), Moment::ZERO);
    let membership = Draw { u, node: &nobody, now: Moment::ZERO }.membership()?;
    let entry = |term, index, payload| Entry { term: Term(term), index: LogIndex(index), time: LogTime(0), payload };
    let (mut log, mut term) = (vec![entry(1, 1, Payload::Membership(membership))], 1);
    for index in 2..=u.int_in_range(1..=60)? {
        term += u64::from(u.ratio(1, 8)?);
        let command = Command { author: PEERS[0], serial: Serial(index), body: Bytes::new() };
        let payload = if u.arbitrary()? { Payload::Command(command) } else { Payload::Empty };
        log.push(entry(term, index, payload));
    }
    let commit = LogIndex(u.int_in_range(1..=log.len() as u64)?);
    let ballot = Ballot { term: Term(term + u.int_in_range(0..=2)?), vote: None };
    Ok(Durable { ballot, log, commit, ..Durable::default() })
}
