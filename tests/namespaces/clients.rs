//! Those who use the room: each has one operation open at a time, at one of the peers, and asks again soon after
//! the answer. All they saw is written down in the order in which it happened.

use crate::{
    faults::Dice,
    party::Party,
    peer::{Fate, Order},
    register::{Act, Operation, Register},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Clients of each peer.
const CLIENTS: usize = 4;
/// Registers in use at a time.
const KEYS: u64 = 4;
/// After so many operations, other registers are used, so that no history becomes too long to check.
const EPOCH: u64 = 500;
/// How long a client thinks, at most.
const THINKS_MS: u64 = 80;

/// Something that a client saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It asked; before the peer heard of it.
    Asked { client: usize, operation: Operation },
    /// It was told; after the peer knew of it.
    Told { number: u64, fate: Fate },
}

impl Event {
    /// What was asked for.
    pub fn asked(&self) -> Option<Operation> {
        match self {
            Self::Asked { operation, .. } => Some(*operation),
            Self::Told { .. } => None,
        }
    }
}

struct Client {
    /// A name that is not used again once it waits in vain.
    name: usize,
    peer: usize,
    open: Option<u64>,
    due: Instant,
}

/// All clients.
pub struct Clients {
    clients: Vec<Client>,
    dice: Dice,
    operations: BTreeMap<u64, Operation>,
    /// What each register held, as somebody was told last.
    seen: BTreeMap<u64, u64>,
    names: usize,
    /// What happened.
    pub history: Vec<Event>,
}

impl Clients {
    pub fn of(peers: usize, seed: u64) -> Self {
        let client = |name| Client { name, peer: name % peers, open: None, due: Instant::now() };
        Self {
            clients: (0..peers * CLIENTS).map(client).collect(),
            dice: Dice::new(seed),
            operations: BTreeMap::new(),
            seen: BTreeMap::new(),
            names: peers * CLIENTS,
            history: Vec::new(),
        }
    }

    /// Those who have thought enough ask, unless their peer is killed or stopped; says when the next one has.
    pub fn ask(&mut self, party: &mut Party) -> Instant {
        let now = Instant::now();
        self.ask_if(party, |client, party| client.due <= now && party.seats[client.peer].is_up());
        let idle = self.clients.iter().filter(|client| client.open.is_none() && client.due > now);
        idle.map(|client| client.due).min().unwrap_or(now + Duration::from_millis(THINKS_MS))
    }

    /// Everybody at a peer asks. If it is stopped, that is the first it hears of when it goes on, and the others may
    /// have done much since then.
    pub fn ask_at(&mut self, peer: usize, party: &mut Party) {
        self.ask_if(party, |client, _| client.peer == peer);
    }

    fn ask_if(&mut self, party: &mut Party, may: impl Fn(&Client, &Party) -> bool) {
        for place in 0..self.clients.len() {
            let client = &self.clients[place];
            if client.open.is_none() && may(client, party) {
                let (name, peer) = (client.name, client.peer);
                let operation = self.choose();
                self.operations.insert(operation.number, operation);
                self.clients[place].open = Some(operation.number);
                self.history.push(Event::Asked { client: name, operation });
                party.tell(peer, &Order::Do(operation));
            }
        }
    }

    fn choose(&mut self) -> Operation {
        let number = self.operations.len() as u64 + 1;
        let key = number / EPOCH * KEYS + self.dice.below(KEYS);
        let seen = self.seen.get(&key).copied().unwrap_or_default();
        // The number of a write is its value, so that each value is written once.
        let act = match self.dice.below(5) {
            0 => Act::Write(number),
            1 => Act::Swap { from: seen, to: number },
            2 => Act::Read,
            _ => Act::Look,
        };
        Operation { number, key, act }
    }

    /// Something was settled.
    pub fn tell(&mut self, (number, fate): (u64, Fate)) {
        self.history.push(Event::Told { number, fate });
        if let Fate::Answered(held) = fate {
            let Operation { key, act, .. } = self.operations[&number];
            let mut register = Register(held);
            register.answer(act);
            self.seen.insert(key, register.0);
        }
        let due = Instant::now() + Duration::from_millis(self.dice.below(THINKS_MS));
        let renamed = fate == Fate::Unknown;
        if let Some(client) = self.clients.iter_mut().find(|client| client.open == Some(number)) {
            (client.open, client.due) = (None, due);
            if renamed {
                client.name = self.names;
                self.names += 1;
            }
        }
    }

    /// The peer was killed: who waited for it goes on under another name, and may yet be told.
    pub fn give_up(&mut self, peer: usize) {
        for client in self.clients.iter_mut().filter(|client| client.peer == peer && client.open.is_some()) {
            (client.name, client.open) = (self.names, None);
            self.names += 1;
        }
    }

    /// How many wait for an answer.
    pub fn waiting(&self) -> usize {
        self.clients.iter().filter(|client| client.open.is_some()).count()
    }

    /// How many operations there were.
    pub fn asked(&self) -> usize {
        self.operations.len()
    }

    /// How many of them were answered.
    pub fn answered(&self) -> usize {
        let answered = |event: &Event| match event {
            Event::Told { number, fate: Fate::Answered(_) } => Some(*number),
            _ => None,
        };
        self.history.iter().filter_map(answered).collect::<BTreeSet<u64>>().len()
    }
}
