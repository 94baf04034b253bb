//! The state space: what can happen next, and how far.
//!
//! **Time.** Nobody has any patience: whatever waits for time may happen now, or later, as the checker likes. Clocks
//! stand still, so nothing in a state depends on when it was reached; only [`Act::Outwait`] moves one, further than any
//! patience reaches.
//!
//! **Crashes** lose what is not durable, and come whenever the checker likes. A node that is down for a while is a node
//! to which nothing happens for a while, so that to stop and to start again are one step.

use crate::{
    hashed::{Hashed, hash_of},
    invariants::Broken,
    machine::{Act, Machine},
    network::{Envelope, is_carried},
    properties,
    state::{Feat, State},
    story::Chapter,
};
use bevy_quorum::raft::{Config, Durable, Message, MessageBody, NodeId, RoleKind};
use stateright::{Model, Property};
use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

/// What is looked at, and how far.
#[derive(Clone)]
pub struct Scope {
    pub nodes: Vec<(NodeId, Durable)>,
    pub config: Config,
    /// What has happened before.
    pub history: Vec<Chapter>,
    pub bounds: Bounds,
    pub known: Known,
}

/// How far a scope goes. Whatever is not named here has no bounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// Nobody campaigns beyond this term.
    pub terms: u64,
    /// How many entries a log may have.
    pub entries: u64,
    /// Whether nodes crash.
    pub crashes: bool,
    /// Whether anything happens while a disk writes; otherwise every write is durable in the step that begins it.
    pub slow_disks: bool,
    /// Whether a leader shows unasked that it is there.
    pub heartbeats: bool,
    /// Whether members say unasked that they are there; they do where leaders may hear nobody for a while.
    pub notices: bool,
    /// Whether candidates take from voters what their logs lack.
    pub loans: bool,
    /// How often a leader hears nobody for longer than its patience.
    pub silences: u8,
    /// How many commands are proposed.
    pub commands: u8,
    /// How many reads are asked of leaders. Who is deposed asks again, under new numbers: such a scope has no end.
    pub reads: u8,
    /// How many changes of the configuration are asked for, beside those that leaders make by themselves.
    pub changes: u8,
    /// How many hand-overs of the office are asked for.
    pub transfers: u8,
}

/// Something that happens. Machines are named by their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something at one machine.
    At(usize, Act),
    /// A node sounds another out, which answers.
    Sound(usize, usize),
}

/// What an act comes to at a machine that has this hash. The same happens in many states.
pub type Known = Arc<Mutex<HashMap<(u64, u64), Outcome>>>;

#[derive(Clone)]
pub enum Outcome {
    Impossible,
    /// An assertion fails.
    Fails,
    Done(Arc<Done>),
}

pub struct Done {
    machine: Arc<Hashed<Machine>>,
    sent: Vec<Arc<Hashed<Envelope>>>,
    feat: Option<Feat>,
}

impl Model for Scope {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        let machines = self.nodes.iter().map(|(id, disk)| Hashed::new(Machine::new(*id, &self.config, disk.clone())));
        let mut state = State::new(machines.collect());
        for at in 0..self.nodes.len() {
            state.inspect(at);
        }
        let state = self.tell(state);
        assert_eq!(state.broken, None, "a scope begins in good order");
        vec![state]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        if state.broken.is_some() {
            return;
        }
        let arrivals = state.network.envelopes().filter_map(|envelope| self.arrival(envelope));
        events.extend(arrivals);
        for at in 0..state.machines.len() {
            let others = (0..state.machines.len()).filter(|other| *other != at);
            events.extend(self.acts(state, at).into_iter().map(|act| Event::At(at, act)));
            if self.bounds.loans && state.node(at).role_kind() == RoleKind::Candidate {
                events.extend(others.map(|other| Event::Sound(at, other)));
            }
        }
    }

    fn next_state(&self, state: &State, event: Event) -> Option<State> {
        let mut next = State { feat: None, ..state.clone() };
        self.happen(&mut next, &event)?;
        let changed = next.machines != state.machines || next.network != state.network || next.broken.is_some();
        Some(next).filter(|_| changed)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.nodes().all(|node| node.last().0 <= self.bounds.entries)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

impl Scope {
    pub fn new(nodes: Vec<(NodeId, Durable)>, config: Config, history: Vec<Chapter>, bounds: Bounds) -> Self {
        Self { nodes, config, history, bounds, known: Known::default() }
    }

    /// What may happen at one machine, beside arrivals.
    fn acts(&self, state: &State, at: usize) -> Vec<Act> {
        let (bounds, spent, machine) = (&self.bounds, &state.spent, &state.machines[at].it);
        let node = &machine.node;
        let (role, has_room) = (node.role_kind(), node.last().0 < bounds.entries);
        let others = || state.machines.iter().map(|other| &other.it).filter(|other| other.node.id() != node.id());
        let mut acts = Vec::new();
        acts.extend(machine.writing.is_some().then_some(Act::Sync));
        acts.extend(bounds.crashes.then_some(Act::Crash));
        acts.extend((spent.commands < bounds.commands && has_room).then_some(Act::Propose));
        if role == RoleKind::Candidate {
            acts.push(Act::Refuse);
        }
        if role != RoleKind::Leader && node.term().0 < bounds.terms {
            acts.extend([Act::Wake, Act::Encourage]);
        }
        let later = others().filter(|other| other.disk.ballot.term > node.term());
        acts.extend(later.map(|other| outdated(other, node.id())));
        if role != RoleKind::Leader {
            return acts;
        }
        acts.extend(bounds.heartbeats.then_some(Act::Wake));
        let reads = spent.reads < bounds.reads && machine.reading.is_none();
        acts.extend(reads.then(|| Act::Read(state.record.it.committed())));
        if bounds.notices || bounds.silences > 0 {
            acts.extend(others().map(|other| Act::Notice(other.node.id())));
        }
        acts.extend((spent.silences < bounds.silences).then_some(Act::Outwait));
        let members = || node.membership().members.keys().copied();
        if spent.changes < bounds.changes && has_room {
            acts.extend(members().map(Act::Turn));
        }
        if spent.transfers < bounds.transfers {
            acts.extend(members().filter(|member| *member != node.id()).map(Act::HandOver));
        }
        let strangers = others().map(|other| other.node.id()).filter(|id| members().all(|member| member != *id));
        acts.extend(strangers.map(Act::Meet));
        acts
    }

    /// Lets something happen. None if it can't.
    pub fn happen(&self, state: &mut State, event: &Event) -> Option<()> {
        match event {
            Event::At(at, act) => {
                let spent = &mut state.spent;
                match act {
                    Act::Outwait => spent.silences += 1,
                    Act::Propose => spent.commands += 1,
                    Act::Read(_) => spent.reads += 1,
                    Act::Turn(_) => spent.changes += 1,
                    Act::HandOver(_) => spent.transfers += 1,
                    _ => {}
                }
                self.step(state, *at, act)
            }
            Event::Sound(at, whom) => {
                let answer = self.answer(state, *at, *whom)?;
                self.step(state, *at, &Act::Hear(answer))
            }
        }
    }

    /// The event that an envelope arrives.
    pub fn arrival(&self, envelope: &Arc<Hashed<Envelope>>) -> Option<Event> {
        let at = self.nodes.iter().position(|(node, _)| *node == envelope.it.to)?;
        Some(Event::At(at, Act::Hear(envelope.clone())))
    }

    /// What one answers to the pre-vote of another.
    fn answer(&self, state: &State, at: usize, whom: usize) -> Option<Arc<Hashed<Envelope>>> {
        let (node, to) = (state.node(at), state.id(whom));
        let body = MessageBody::PreVote { last: node.position_at(node.last())? };
        let envelope = Envelope { from: node.id(), to, message: Message { term: node.term().next(), body } };
        match self.outcome(&state.machines[whom], &Act::Hear(Hashed::new(envelope))) {
            Outcome::Done(done) => done.sent.first().cloned(),
            _ => None,
        }
    }

    /// Lets one machine act, sends what comes of it, and looks whether all is well. None if it can't act so.
    fn step(&self, state: &mut State, at: usize, act: &Act) -> Option<()> {
        let done = match self.outcome(&state.machines[at], act) {
            Outcome::Impossible => return None,
            Outcome::Fails => {
                state.broken = Some(Broken::Assertion);
                return Some(());
            }
            Outcome::Done(done) => done,
        };
        done.sent.iter().filter(|envelope| is_carried(&envelope.it.message)).for_each(|it| state.network.carry(it));
        state.feat = done.feat;
        if state.machines[at] != done.machine {
            state.machines[at] = done.machine.clone();
            state.inspect(at);
        }
        for machine in &state.machines {
            state.network.forget_spent(&machine.it, self);
        }
        Some(())
    }

    /// What comes of an act at a machine, wherever else it happens.
    fn outcome(&self, machine: &Arc<Hashed<Machine>>, act: &Act) -> Outcome {
        let name = (machine.hash, hash_of(act));
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = known().get(&name) {
            return outcome.clone();
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| self.try_out(&machine.it, act))).unwrap_or(Outcome::Fails);
        known().insert(name, outcome.clone());
        outcome
    }

    fn try_out(&self, before: &Machine, act: &Act) -> Outcome {
        let (mut machine, from) = (before.clone(), before.node.id());
        machine.read = None;
        let Some(mut sent) = machine.act(act, &self.config) else { return Outcome::Impossible };
        while !self.bounds.slow_disks
            && let Some(more) = machine.act(&Act::Sync, &self.config)
        {
            sent.extend(more);
        }
        let sent = sent.into_iter().map(|(to, message)| Hashed::new(Envelope { from, to, message }));
        let feat = Feat::of(act, &before.node, &machine.node);
        Outcome::Done(Arc::new(Done { sent: sent.collect(), feat, machine: Hashed::new(machine) }))
    }
}

/// A node learns that another is in a later term.
pub fn outdated(other: &Machine, to: NodeId) -> Act {
    let message = Message { term: other.disk.ballot.term, body: MessageBody::Outdated };
    Act::Hear(Hashed::new(Envelope { from: other.node.id(), to, message }))
}
