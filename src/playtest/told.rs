//! What happened last, to be told when something fails.

use super::machine::{Machine, end};
use crate::raft::{Input, LogIndex, Message, MessageBody, Moment, Node, Step};
use std::collections::{BTreeMap, VecDeque};

/// How many bytes of a snapshot a failure shows.
const BYTES_SHOWN_MAX: usize = 16;
/// How many events a failure shows.
const EVENTS_MAX: usize = 120;

/// The last events, as closely as somebody wishes to know them.
#[derive(Default)]
pub(super) struct Told {
    pub detail: Detail,
    events: VecDeque<(Moment, u64, Event)>,
}

/// How much is kept for a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Detail {
    /// Nothing: the run is told again if it fails.
    Nothing,
    /// What nodes heard, but for what happens all the time.
    #[default]
    Heard,
    /// Everything that nodes heard and decided.
    Decided,
}

enum Event {
    Heard(Input),
    Decided(Step),
    Happened(String),
}

impl Told {
    pub fn input(&mut self, now: Moment, node: u64, input: &Input) {
        if self.detail != Detail::Nothing && !is_routine(input) {
            self.tell(now, node, Event::Heard(shortened(input.clone())));
        }
    }

    /// Takes what a node decided since the last time.
    pub fn steps(&mut self, now: Moment, node: u64, taken: &mut Node) {
        if self.detail == Detail::Decided {
            taken.watch();
            for step in taken.take_steps() {
                self.tell(now, node, Event::Decided(step));
            }
        }
    }

    /// Something happened to the world around.
    pub fn happened(&mut self, now: Moment, what: impl FnOnce() -> String) {
        if self.detail != Detail::Nothing {
            self.tell(now, 0, Event::Happened(what()));
        }
    }

    fn tell(&mut self, now: Moment, node: u64, event: Event) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back((now, node, event));
    }

    /// Prints what happened last, and how everybody stands.
    pub fn print(&self, machines: &BTreeMap<u64, Machine>) {
        for (at, node, event) in &self.events {
            let at = at.0 as f64 / 1e6;
            match event {
                Event::Heard(Input::Receive { from, message: Message { term, body } }) => {
                    eprintln!("{at:>14.3} ms  node {node} hears {} in term {term}: {body:?}", from.0);
                }
                Event::Heard(input) => eprintln!("{at:>14.3} ms  node {node} {input:?}"),
                Event::Decided(step) => eprintln!("{at:>14.3} ms    node {node}, {step}"),
                Event::Happened(what) => eprintln!("{at:>14.3} ms  {what}"),
            }
        }
        machines.values().for_each(print_machine);
    }
}

fn print_machine(machine: &Machine) {
    let disk = &machine.disk.image;
    let stored = format!("stored: ballot {:?}, log to {}, commit {}", disk.ballot, end(disk), disk.commit);
    match &machine.node {
        Some(node) => eprintln!(
            "node {}: {:?} in {:?}, leader {:?}, log to {} (durably {}), commit {}, applied {}, snapshot {}, trouble {:?}, voters {:?}, learners {:?}; {stored}",
            machine.id,
            node.role_kind(),
            node.ballot(),
            node.leader(),
            node.last(),
            node.durable(),
            node.commit(),
            node.applied(),
            node.snapshot().map_or(LogIndex(0), |snapshot| snapshot.position.index),
            node.status().trouble,
            node.membership().voters().map(|id| id.0).collect::<Vec<_>>(),
            node.membership().learners().map(|id| id.0).collect::<Vec<_>>(),
        ),
        None if machine.disk.ruined => eprintln!("node {}: its store is lost", machine.id),
        None => eprintln!("node {}: stopped; {stored}", machine.id),
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

/// What happens all the time, and would crowd out what matters.
fn is_routine(input: &Input) -> bool {
    match input {
        Input::Wake | Input::Persisted(_) => true,
        Input::Receive { message: Message { body, .. }, .. } => {
            matches!(
                body,
                MessageBody::Heartbeat { .. }
                    | MessageBody::HeartbeatReply { .. }
                    | MessageBody::Snapshot { offset: 1.., .. }
                    | MessageBody::SnapshotReceived { .. }
            )
        }
        _ => false,
    }
}
