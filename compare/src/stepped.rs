//! Clusters whose nodes are stepped by hand: messages in queues, time as a number.

use crate::{
    allocations,
    contender::{Contender, Load, Stuck, Wire},
    machine::{Machine, Supply},
};
use std::{collections::VecDeque, fmt::Debug, time::Duration};

/// How much time passes in a turn in which something happened, and in one in which nothing did.
const TURN: Duration = Duration::from_micros(100);
const IDLE_TURN: Duration = Duration::from_millis(10);
/// More turns than anything here takes.
const TURNS_MAX: u64 = 100_000_000;

/// A node that does nothing by itself.
pub trait Participant: Sized {
    const NAME: &'static str;
    const SETTINGS: &'static [Self::Settings];
    type Settings: Copy + Debug + 'static;
    type Message;

    /// The members of a new cluster.
    fn group(nodes: usize, settings: Self::Settings) -> Vec<Self>;
    /// What came since the last turn, first of all the time.
    fn pass_time(&mut self, now: Duration);
    fn receive(&mut self, from: usize, message: Self::Message);
    fn propose(&mut self, body: Vec<u8>);
    /// Carries out everything that follows from it, and says what is to be sent to whom.
    fn work(&mut self, sent: &mut Vec<(usize, Self::Message)>);

    fn leads(&self) -> bool;
    fn machine(&self) -> &Machine;
    fn encode(message: Self::Message) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Self::Message;
}

/// A cluster of them, and the network between.
pub struct Stepped<P: Participant> {
    nodes: Vec<P>,
    inboxes: Vec<VecDeque<(usize, P::Message)>>,
    sent: Vec<(usize, P::Message)>,
    leader: usize,
    cut: Option<usize>,
    now: Duration,
    wire: Wire,
    wire_bytes: u64,
    leader_allocations: u64,
    supply: Supply,
}

impl<P: Participant> Stepped<P> {
    /// Every node once, the leader first.
    fn turn(&mut self) {
        let mut idle = true;
        for place in 0..self.nodes.len() {
            let node = (self.leader + place) % self.nodes.len();
            let before = allocations::taken();
            self.nodes[node].pass_time(self.now);
            while let Some((from, message)) = self.inboxes[node].pop_front() {
                self.nodes[node].receive(from, message);
            }
            let mut sent = std::mem::take(&mut self.sent);
            self.nodes[node].work(&mut sent);
            if node == self.leader {
                self.leader_allocations += allocations::taken() - before;
            }
            idle &= sent.is_empty();
            for (to, message) in sent.drain(..) {
                self.deliver(node, to, message);
            }
            self.sent = sent;
        }
        self.now += if idle { IDLE_TURN } else { TURN };
    }

    fn deliver(&mut self, from: usize, to: usize, message: P::Message) {
        if self.cut == Some(from) || self.cut == Some(to) {
            return;
        }
        let message = match self.wire {
            Wire::Moved => message,
            Wire::Encoded => {
                let bytes = P::encode(message);
                self.wire_bytes += bytes.len() as u64;
                P::decode(&bytes)
            }
        };
        self.inboxes[to].push_back((from, message));
    }

    fn turn_until(&mut self, done: impl Fn(&Self) -> bool) {
        let mut turns = 0;
        while !done(self) {
            self.turn();
            turns += 1;
            assert!(turns < TURNS_MAX, "{} gets nowhere", P::NAME);
        }
    }

    fn propose(&mut self, bytes: usize) {
        let body = self.supply.next(bytes);
        let before = allocations::taken();
        self.nodes[self.leader].propose(body);
        self.leader_allocations += allocations::taken() - before;
    }

    fn find_leader(&mut self, mut suits: impl FnMut(usize) -> bool) {
        let mut found =
            |cluster: &Self| (0..cluster.nodes.len()).find(|node| suits(*node) && cluster.nodes[*node].leads());
        while found(self).is_none() {
            self.turn();
        }
        self.leader = found(self).expect("just found");
    }
}

impl<P: Participant> Contender for Stepped<P> {
    const NAME: &'static str = P::NAME;
    const SETTINGS: &'static [P::Settings] = P::SETTINGS;
    type Settings = P::Settings;

    fn start(nodes: usize, settings: P::Settings, wire: Wire) -> Self {
        let mut cluster = Self {
            nodes: P::group(nodes, settings),
            inboxes: (0..nodes).map(|_| VecDeque::new()).collect(),
            sent: Vec::new(),
            leader: 0,
            cut: None,
            now: Duration::ZERO,
            wire,
            wire_bytes: 0,
            leader_allocations: 0,
            supply: Supply::default(),
        };
        cluster.find_leader(|_| true);
        cluster
    }

    fn carry_out(&mut self, load: Load) -> Result<(), Stuck> {
        let before = self.nodes[self.leader].machine().applied();
        let mut proposed = 0;
        loop {
            let applied = self.nodes[self.leader].machine().applied() - before;
            if applied >= load.commands {
                return Ok(());
            }
            while proposed < load.commands && proposed < applied + load.window {
                self.propose(load.bytes);
                proposed += 1;
            }
            self.turn();
        }
    }

    fn catch_up(&mut self, node: usize, applied: u64) -> Result<(), Stuck> {
        self.turn_until(|cluster| cluster.nodes[node].machine().applied() >= applied);
        Ok(())
    }

    fn leader(&self) -> usize {
        self.leader
    }

    fn cut(&mut self, node: usize) {
        self.cut = Some(node);
    }

    fn heal(&mut self) {
        self.cut = None;
    }

    fn append_in_vain(&mut self, commands: u64, bytes: usize) {
        (0..commands).for_each(|_| self.propose(bytes));
        self.turn();
    }

    fn depose(&mut self) {
        let old = self.leader;
        self.find_leader(|node| node != old);
    }

    fn machines(&self) -> Vec<Machine> {
        self.nodes.iter().map(|node| node.machine().clone()).collect()
    }

    fn wire_bytes(&self) -> u64 {
        self.wire_bytes
    }

    fn leader_allocations(&self) -> Option<u64> {
        Some(self.leader_allocations)
    }
}
