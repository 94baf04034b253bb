//! Virtual time: the queue of what happens next, and what a driver does for its node.

use super::{
    Cluster,
    machine::{Answer, Asked, Outcome},
    referee::Check,
    registers::Registers,
    sim::Reply,
    state::State,
};
use crate::raft::{Applied, Decision, Effect, Input, Joiner, Message, Moment, Node, NodeId, Write, WriteId};
use std::time::Duration;

/// How long a store keeps a hint before it syncs it alone.
const HINT_DELAY: Duration = Duration::from_millis(500);

/// Something that is going to happen.
pub(super) enum Event {
    /// A message reaches a node, if the connection that it was sent on still stands.
    Arrive { to: u64, from: u64, connection: u64, message: Message },
    /// A node learns something from its own machine.
    Tell { to: u64, life: u64, input: Input },
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
            self.wake(sleeper);
        }
        true
    }

    /// A driver attends again: it takes in what came meanwhile, and then looks at the clock.
    fn wake(&mut self, node: u64) {
        for event in std::mem::take(&mut self.machine_mut(node).inbox) {
            self.hand_over(node, event);
        }
        let now = self.now;
        if self.machine_mut(node).is_due(now) {
            self.input(node, Input::Wake);
        }
        self.machine_mut(node).plan_wake(now);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive { to, from, connection, .. } => {
                if self.network.connection(from, to) == connection {
                    self.deliver(to, event);
                }
            }
            Event::Tell { to, .. } => self.deliver(to, event),
            Event::Sync { at, life, id } => {
                if self.machines.get(&at).is_some_and(|machine| machine.lives(life)) && self.sync(at, id) {
                    self.tell(at, Input::Persisted(id));
                }
            }
            Event::SyncHints { at, life } => {
                if let Some(machine) = self.machines.get_mut(&at).filter(|machine| machine.lives(life)) {
                    machine.disk.sync_hints();
                }
            }
        }
    }

    /// Gives a running node any input, as soon as its driver attends.
    pub fn tell(&mut self, to: u64, input: Input) {
        let life = self.machines.get(&to).map_or(0, |machine| machine.life);
        self.deliver(to, Event::Tell { to, life, input });
    }

    /// Hands something to a node once its driver attends.
    fn deliver(&mut self, to: u64, event: Event) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&to).filter(|machine| machine.node.is_some()) else { return };
        if machine.attends_at(now) > now {
            machine.inbox.push(event);
            return machine.plan_wake(now);
        }
        self.hand_over(to, event);
    }

    fn hand_over(&mut self, to: u64, event: Event) {
        match event {
            Event::Arrive { from, message, .. } => self.input(to, Input::Receive { from: NodeId(from), message }),
            Event::Tell { life, input, .. } if self.machines[&to].lives(life) => self.input(to, input),
            _ => {}
        }
    }

    /// Feeds one input to a running node, and does what it wants done.
    pub(super) fn input(&mut self, to: u64, input: Input) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&to).filter(|machine| machine.node.is_some()) else { return };
        self.told.input(now, to, &input);
        if let Input::Receive { from, .. } = &input {
            self.referee.heard(now, machine, *from);
        }
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
        machine.plan_wake(now);
        self.referee.inspect(now, &self.machines[&at], &self.machines);
    }

    fn apply(&mut self, at: u64, applied: Applied) {
        let (now, machine) = (self.now, self.machine_mut(at));
        let reply = Reply::Found(machine.registers.apply(&applied));
        let serial = applied.command.serial;
        let (asked, refused) = (Asked::Command(serial), applied.refusal.is_some());
        let is_own = applied.command.author == NodeId(at);
        let once = !is_own || !machine.settled.contains_key(&serial);
        Check::ExactlyOnce.holds(once, || format!("{at} applies {serial} though it was told its end"));
        machine.state.apply(&applied);
        machine.applied.push(applied);
        if is_own {
            self.outcomes.push(Outcome { node: at, asked, at: now, reply, refused });
        }
        self.referee.inspect_applied(&self.machines[&at]);
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
            Effect::Apply(batch) => batch.applied().for_each(|applied| self.apply(at, applied)),
            Effect::Settled { serial, decision } => {
                let (now, machine) = (self.now, self.machine_mut(at));
                let once = machine.settled.insert(serial, decision).is_none();
                Check::ExactlyOnce.holds(once, || format!("{at} is told the end of {serial} twice"));
                self.referee.inspect_settled(&self.machines[&at], serial);
                match decision {
                    Some(Decision { refusal, .. }) => {
                        let (asked, refused) = (Asked::Command(serial), refusal.is_some());
                        self.outcomes.push(Outcome { node: at, asked, at: now, reply: Reply::Done, refused });
                    }
                    None => self.forgotten += 1,
                }
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
                let starts_over = std::mem::take(&mut self.machine_mut(at).starts_over);
                self.installs += u64::from(!starts_over);
                let state = State::restore(&snapshot.state);
                let applied = self.referee.inspect_restored(at, &state).to_vec();
                let machine = self.machine_mut(at);
                machine.registers = Registers::of(&applied);
                (machine.state, machine.applied) = (state, applied);
            }
            Effect::Read { id, outcome } => {
                let (now, machine) = (self.now, self.machine_mut(at));
                let applied = machine.applied.len();
                let question = machine.reading.remove(&id).expect("a read ends once");
                let (reply, refused) = (Reply::Found(machine.registers.get(question.key)), outcome.is_err());
                let fresh = refused || applied >= question.before;
                Check::FreshReads
                    .holds(fresh, || format!("{at} reads after {applied} of {} commands", question.before));
                machine.read.insert(id, Answer { outcome, applied });
                self.outcomes.push(Outcome { node: at, asked: Asked::Read(id), at: now, reply, refused });
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
            let input = Input::Snapshotted { index, state };
            self.schedule(now + latency, Event::Tell { to, life, input });
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
            self.tell(to, Input::Linked(joiner));
        }
    }
}
