//! Virtual time: the queue of what happens next, and what a driver does for its node.

use super::{Cluster, machine::Answer, referee::Check, state::State};
use crate::raft::{Effect, Input, Joiner, LogIndex, Message, Moment, Node, NodeId, Write, WriteId};
use bytes::Bytes;
use std::time::Duration;

/// How long a store keeps a hint before it syncs it alone.
const HINT_DELAY: Duration = Duration::from_millis(500);

/// Something that is going to happen.
pub(super) enum Event {
    /// A message reaches a node, if the connection that it was sent on still stands.
    Arrive { to: u64, from: u64, connection: u64, message: Message },
    /// A node learns that a write is durable.
    Complete { to: u64, life: u64, id: WriteId },
    /// A node's game has made a snapshot.
    Make { to: u64, life: u64, index: LogIndex, state: Bytes },
    /// A write reaches the disk.
    Sync { at: u64, life: u64, id: WriteId },
    /// Hints reach the disk.
    SyncHints { at: u64, life: u64 },
}

impl Cluster {
    /// Lets virtual time pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_to(self.now + duration);
    }

    pub(super) fn run_to(&mut self, end: Moment) {
        while self.step(end) {}
        self.now = self.now.max(end);
    }

    /// Lets virtual time pass until something is so, and says how long that took.
    ///
    /// # Panics
    /// If it takes longer than `limit`.
    pub fn run_until(&mut self, limit: Duration, so: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now;
        while !so(self) {
            assert!(self.step(start + limit), "not so within {limit:?}");
        }
        self.now - start
    }

    /// Makes the next thing happen, if it happens until `end`. Messages come before timers.
    pub(super) fn step(&mut self, end: Moment) -> bool {
        let event = self.queue.first_key_value().map_or(Moment::NEVER, |((at, _), _)| *at);
        let wake = self.machines.values().map(|machine| (machine.wake_at, machine.id)).min();
        let (wake, sleeper) = wake.unwrap_or((Moment::NEVER, 0));
        if event.min(wake) > end || event.min(wake) == Moment::NEVER {
            return false;
        }
        self.now = self.now.max(event.min(wake));
        if event <= wake {
            if let Some((_, event)) = self.queue.pop_first() {
                self.happen(event);
            }
        } else {
            self.input(sleeper, Input::Wake);
        }
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive { to, from, connection, .. } => {
                if self.network.connection(from, to) == connection {
                    self.deliver(to, event);
                }
            }
            Event::Complete { to, .. } | Event::Make { to, .. } => self.deliver(to, event),
            Event::Sync { at, life, id } => {
                if self.machines.get(&at).is_some_and(|machine| machine.lives(life)) && self.sync(at, id) {
                    self.deliver(at, Event::Complete { to: at, life, id });
                }
            }
            Event::SyncHints { at, life } => {
                if let Some(machine) = self.machines.get_mut(&at).filter(|machine| machine.lives(life)) {
                    machine.disk.sync_hints();
                }
            }
        }
    }

    /// Hands something to a node once its driver attends.
    fn deliver(&mut self, to: u64, event: Event) {
        let Some(machine) = self.machines.get(&to) else { return };
        let at = machine.attends_at(self.now);
        if at > self.now {
            return self.schedule(at, event);
        }
        match event {
            Event::Arrive { from, message, .. } => self.input(to, Input::Receive { from: NodeId(from), message }),
            Event::Complete { life, id, .. } if machine.lives(life) => self.input(to, Input::Persisted(id)),
            Event::Make { life, index, state, .. } if machine.lives(life) => {
                self.input(to, Input::Snapshotted { index, state });
            }
            _ => {}
        }
    }

    /// Feeds one input to a running node, and does what it wants done.
    pub(super) fn input(&mut self, to: u64, input: Input) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&to).filter(|machine| machine.node.is_some()) else { return };
        self.told.input(now, to, &input);
        machine.handle(now, input);
        self.settle(to);
    }

    /// Does what a node wants done, until it wants nothing more.
    pub(super) fn settle(&mut self, at: u64) {
        while let Some(effect) = self.machine_mut(at).node.as_mut().and_then(Node::poll) {
            self.carry_out(at, effect);
        }
        let now = self.now;
        let machine = self.machines.get_mut(&at).expect("who wants something is there");
        let Some(node) = &mut machine.node else { return };
        self.told.steps(now, at, node);
        machine.plan_wake();
        self.referee.inspect(&self.machines[&at], &self.machines);
    }

    fn carry_out(&mut self, at: u64, effect: Effect) {
        match effect {
            Effect::Persist { id, write } => {
                self.referee.inspect_write(&self.machines[&at], &write);
                self.persist(at, id, write);
            }
            Effect::Send { to, message } => {
                self.referee.inspect_message(&self.machines[&at], to, &message, &self.machines);
                self.send(at, to.0, message);
            }
            Effect::Apply(applied) => {
                let machine = self.machine_mut(at);
                let (author, serial) = (applied.command.author.0, applied.command.serial);
                let once = author != at || !machine.settled.contains_key(&serial);
                Check::ExactlyOnce.holds(once, || format!("{at} applies {serial} though it was told its end"));
                machine.state.apply(&applied);
                machine.applied.push(applied);
                self.referee.inspect_applied(&self.machines[&at]);
            }
            Effect::Settled { serial, decision } => {
                let machine = self.machine_mut(at);
                let once = machine.settled.insert(serial, decision).is_none();
                Check::ExactlyOnce.holds(once, || format!("{at} is told the end of {serial} twice"));
                self.referee.inspect_settled(&self.machines[&at], serial);
            }
            Effect::Snapshot { position } => {
                self.snapshots += 1;
                let ballast = self.ballast;
                let machine = self.machine_mut(at);
                machine.asked = Some((position.index, machine.state.bytes(ballast)));
                if !machine.dozes {
                    self.make_snapshot(at);
                }
            }
            Effect::Restore(snapshot) => {
                self.restores += 1;
                let state = State::restore(&snapshot.state);
                let applied = self.referee.inspect_restored(at, &state).to_vec();
                let machine = self.machine_mut(at);
                (machine.state, machine.applied) = (state, applied);
            }
            Effect::Read { id, outcome } => {
                let machine = self.machine_mut(at);
                let applied = machine.applied.len();
                let before = machine.reading.remove(&id).expect("a read ends once");
                assert!(outcome.is_err() || applied >= before, "node {at} reads what is out of date");
                machine.read.insert(id, Answer { outcome, applied });
            }
        }
    }

    /// A machine's game answers with the snapshot that it was asked for last.
    pub(super) fn make_snapshot(&mut self, to: u64) {
        let (now, latency) = (self.now, self.game_latency);
        let machine = self.machine_mut(to);
        let Some((index, state)) = machine.asked.take().filter(|_| machine.node.is_some()) else { return };
        if latency.is_zero() {
            machine.handle(now, Input::Snapshotted { index, state });
        } else {
            let life = machine.life;
            self.schedule(now + latency, Event::Make { to, life, index, state });
        }
    }

    /// Hands a write to the disk; one that takes no time is done at once.
    fn persist(&mut self, at: u64, id: WriteId, write: Write) {
        let now = self.now;
        let machine = self.machines.get_mut(&at).expect("who writes has a disk");
        let takes = machine.disk.takes(&mut self.dice);
        machine.disk.submit(id, write);
        if !takes.is_zero() {
            let life = machine.life;
            self.schedule(now + takes, Event::Sync { at, life, id });
        } else if self.sync(at, id) {
            self.machine_mut(at).handle(now, Input::Persisted(id));
        }
    }

    /// Syncs a write; false if that fails.
    fn sync(&mut self, at: u64, id: WriteId) -> bool {
        let later = self.now + HINT_DELAY;
        let machine = self.machine_mut(at);
        let (synced, life) = (machine.disk.sync(id), machine.life);
        if machine.disk.has_hints() {
            self.schedule(later, Event::SyncHints { at, life });
        }
        synced
    }

    fn send(&mut self, from: u64, to: u64, message: Message) {
        self.sent += 1;
        let connection = self.network.connection(from, to);
        for at in self.network.arrivals(self.now, from, to, &mut self.dice) {
            self.schedule(at, Event::Arrive { to, from, connection, message: message.clone() });
        }
    }

    pub(super) fn schedule(&mut self, at: Moment, event: Event) {
        self.scheduled += 1;
        self.queue.insert((at, self.scheduled), event);
    }

    /// Two running nodes learn that they are linked.
    pub(super) fn link(&mut self, a: u64, b: u64) {
        for (to, other) in [(a, b), (b, a)] {
            let Some(machine) = self.machines.get(&other) else { continue };
            let joiner = Joiner { node: NodeId(other), key: [0; 32], permission: machine.permission };
            self.input(to, Input::Linked(joiner));
        }
    }
}
