//! Virtual time: the queue of what happens next, and what a driver does for its node.

use super::{Cluster, machine::Machine, state::State};
use crate::raft::{Effect, Input, Joiner, Message, MessageBody, Moment, NodeId, WriteId};
use std::time::Duration;

/// Something that is going to happen.
pub(super) enum Event {
    /// An input reaches a node.
    Input { to: u64, life: Option<u64>, input: Input },
    /// A write reaches the disk.
    Sync { at: u64, life: u64, id: WriteId },
}

/// How many bytes of a snapshot a failure shows.
const BYTES_SHOWN_MAX: usize = 16;
/// How many events a failure shows.
const TRACE_MAX: usize = 60;

impl Cluster {
    /// Lets virtual time pass.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.step(end) {}
        self.now = end;
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
    fn step(&mut self, end: Moment) -> bool {
        let event = self.queue.first_key_value().map_or(Moment::NEVER, |((at, _), _)| *at);
        let wake = self.machines.values().map(|machine| (machine.wake_at(), machine.id)).min();
        let (wake, sleeper) = wake.unwrap_or((Moment::NEVER, 0));
        if event.min(wake) > end {
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
            Event::Input { to, life, input } => {
                let Some(machine) = self.machines.get(&to) else { return };
                if machine.asleep_until > self.now {
                    let at = machine.asleep_until;
                    self.schedule(at, Event::Input { to, life, input });
                } else if life.is_none_or(|life| life == machine.life) {
                    self.input(to, input);
                }
            }
            Event::Sync { at, life, id } => {
                let Some(machine) = self.machines.get_mut(&at) else { return };
                if machine.life == life && machine.node.is_some() {
                    machine.sync(id);
                    let input = Input::Persisted(id);
                    self.happen(Event::Input { to: at, life: Some(life), input });
                }
            }
        }
    }

    /// Feeds one input to a running node, and does what it wants done.
    pub(super) fn input(&mut self, to: u64, input: Input) {
        let now = self.now;
        let Some(node) = self.machines.get_mut(&to).and_then(|machine| machine.node.as_mut()) else { return };
        if !is_routine(&input) {
            self.trace.push_back((now, to, shortened(input.clone())));
        }
        if self.trace.len() > TRACE_MAX {
            self.trace.pop_front();
        }
        node.handle(now, input);
        self.settle(to);
    }

    /// Does what a node wants done, until it wants nothing more.
    pub(super) fn settle(&mut self, at: u64) {
        let Some(mut machine) = self.machines.remove(&at) else { return };
        while let Some(effect) = machine.node.as_mut().and_then(crate::raft::Node::poll) {
            self.carry_out(&mut machine, effect);
        }
        self.machines.insert(at, machine);
        if let Some(node) = &self.machines[&at].node {
            self.referee.inspect(node, &self.machines);
        }
    }

    fn carry_out(&mut self, machine: &mut Machine, effect: Effect) {
        match effect {
            Effect::Persist { id, write } => {
                let node = machine.node.as_mut().expect("who wants something runs");
                self.referee.inspect_write(node, &write);
                machine.unsynced.push_back((id, write));
                if machine.disk_latency.is_zero() {
                    machine.sync(id);
                    let node = machine.node.as_mut().expect("who wants something runs");
                    node.handle(self.now, Input::Persisted(id));
                } else {
                    let at = self.now + machine.disk_latency;
                    self.schedule(at, Event::Sync { at: machine.id, life: machine.life, id });
                }
            }
            Effect::Send { to, message } => {
                let receiver = self.machines.get(&to.0).and_then(|machine| machine.node.as_ref());
                self.referee.inspect_message(machine, to, receiver, &message);
                self.sent += 1;
                for delay in self.network.delays(machine.id, to.0, &mut self.dice) {
                    let input = Input::Receive { from: NodeId(machine.id), message: message.clone() };
                    self.schedule(self.now + delay, Event::Input { to: to.0, life: None, input });
                }
            }
            Effect::Apply(applied) => {
                self.referee.inspect_applied(NodeId(machine.id), machine.applied.len(), &applied);
                machine.state.apply(&applied);
                machine.applied.push(applied);
            }
            Effect::Snapshot { position } => {
                let asked = (position.index, machine.state.bytes(self.ballast));
                self.snapshots += 1;
                machine.asked = Some(asked);
                if !machine.dozes {
                    self.make_snapshot(machine);
                }
            }
            Effect::Restore(snapshot) => {
                self.restores += 1;
                machine.state = State::restore(&snapshot.state);
                machine.applied = self.referee.inspect_restored(NodeId(machine.id), &machine.state).to_vec();
            }
        }
    }

    /// A machine's game answers with the snapshot that it was asked for last.
    pub(super) fn make_snapshot(&mut self, machine: &mut Machine) {
        let (Some(node), Some((index, state))) = (&mut machine.node, machine.asked.take()) else { return };
        if self.game_latency.is_zero() {
            node.handle(self.now, Input::Snapshotted { index, state });
        } else {
            let input = Input::Snapshotted { index, state };
            let event = Event::Input { to: machine.id, life: Some(machine.life), input };
            self.schedule(self.now + self.game_latency, event);
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

/// What happens all the time, and would crowd out what matters.
fn is_routine(input: &Input) -> bool {
    match input {
        Input::Wake | Input::Persisted(_) => true,
        Input::Receive { message: Message { body, .. }, .. } => {
            matches!(body, MessageBody::Heartbeat { .. } | MessageBody::HeartbeatReply { .. })
        }
        _ => false,
    }
}

/// What is worth showing of an input: of a snapshot only the beginning.
fn shortened(mut input: Input) -> Input {
    let bytes = match &mut input {
        Input::Receive { message: Message { body: MessageBody::Snapshot { bytes, .. }, .. }, .. } => bytes,
        Input::Snapshotted { state, .. } => state,
        _ => return input,
    };
    bytes.truncate(BYTES_SHOWN_MAX);
    input
}
