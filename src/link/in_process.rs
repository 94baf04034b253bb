//! Links inside one process, in virtual time, as bad as a test wants them to be.
//!
//! Everything follows from the seed and the calls made: same calls, same frames at the same moments.
//! Time passes only in [`Network::advance`].
//!
//! ```
//! use bevy_quorum::{link::{Link, LinkEvent, Lane, in_process::Network}, raft::Moment};
//!
//! let network = Network::new(7);
//! let (mut ada, mut bob) = (network.endpoint(), network.endpoint());
//! network.advance(Moment::ZERO);
//! let Some(LinkEvent::Opened { link, .. }) = ada.poll() else { panic!("everybody is connected") };
//! ada.send(link, Lane::Unreliable, "hello".into());
//! network.advance(Moment::ZERO);
//! let last = std::iter::from_fn(|| bob.poll()).last();
//! assert!(matches!(last, Some(LinkEvent::Received { .. })));
//! ```

use super::{Lane, Link, LinkEvent, LinkId, Plane};
use crate::raft::{Moment, NodeId};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

/// After how long a lost frame of a reliable lane is sent again, as SCTP does.
pub const RETRANSMISSION: Duration = Duration::from_secs(1);
/// After how long a connection to a killed endpoint is reported closed, as ICE does.
pub const VANISHED: Duration = Duration::from_secs(30);
/// The most events that wait for an endpoint; what comes on top is lost.
pub const INBOX_MAX: usize = 65_536;

/// One endpoint of a network, in the order they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub u32);

/// What frames suffer in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// How long every frame takes.
    pub delay: Duration,
    /// How much longer it takes at most; frames overtake one another by it.
    pub jitter: Duration,
    /// How many of a thousand frames are lost; on reliable lanes they only come later.
    pub loss_permille: u16,
    /// How many of a thousand unreliable frames come twice.
    pub duplication_permille: u16,
}

/// A network of endpoints that are all connected to one another.
#[derive(Clone)]
pub struct Network(Arc<Mutex<State>>);

impl Network {
    /// An empty network, where nothing is lost or late.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State { random: seed, ..State::default() })))
    }

    /// A new endpoint, connected to all that live, on both planes.
    pub fn endpoint(&self) -> Endpoint {
        let mut state = self.state();
        let address = Address(state.endpoints.len() as u32);
        state.endpoints.push(Inbox { alive: true, ..Inbox::default() });
        for other in (0..address.0).map(Address) {
            state.connect(other, address, Plane::Consensus);
            state.connect(other, address, Plane::Bulk);
        }
        drop(state);
        Endpoint { network: self.clone(), address }
    }

    /// What all frames suffer from now on, unless [`condition`](Self::condition) says otherwise.
    pub fn condition_all(&self, conditions: Conditions) {
        let mut state = self.state();
        state.conditions = conditions;
        state.conditions_between.clear();
    }

    /// What frames from one endpoint to another suffer from now on.
    pub fn condition(&self, from: Address, to: Address, conditions: Conditions) {
        self.state().conditions_between.insert((from, to), conditions);
    }

    /// Lets nothing through from one endpoint to another, until [`heal`](Self::heal).
    pub fn cut(&self, from: Address, to: Address) {
        self.state().cuts.insert((from, to));
    }

    /// Lets nothing through between `group` and all others, until [`heal`](Self::heal).
    pub fn partition(&self, group: &[Address]) {
        let mut state = self.state();
        let all = (0..state.endpoints.len() as u32).map(Address);
        for other in all.filter(|other| !group.contains(other)).collect::<Vec<_>>() {
            for member in group {
                state.cuts.insert((*member, other));
                state.cuts.insert((other, *member));
            }
        }
    }

    /// Lets everything through again.
    pub fn heal(&self) {
        self.state().cuts.clear();
    }

    /// Breaks all connections between two endpoints, as both notice at once. Nobody but they makes others.
    pub fn sever(&self, a: Address, b: Address) {
        let wakers = self.state().sever(a, b);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// An endpoint vanishes without a word; the others learn it after [`VANISHED`].
    pub fn kill(&self, address: Address) {
        self.state().kill(address);
    }

    /// When the next thing happens.
    pub fn next_due(&self) -> Option<Moment> {
        self.state().flying.keys().next().map(|(due, _)| *due)
    }

    /// Lets time pass until `now`, and arrive what arrives by then.
    pub fn advance(&self, now: Moment) {
        let wakers = self.state().advance(now);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One endpoint; a [`Link`]. Dropping it is like killing it.
pub struct Endpoint {
    network: Network,
    address: Address,
}

impl Endpoint {
    /// Its address.
    pub fn address(&self) -> Address {
        self.address
    }
}

impl Link for Endpoint {
    fn poll(&mut self) -> Option<LinkEvent> {
        self.network.state().inbox(self.address).events.pop_front()
    }

    fn send(&mut self, link: LinkId, lane: Lane, frame: Bytes) {
        self.network.state().send(self.address, link, lane, frame);
    }

    fn close(&mut self, link: LinkId) {
        self.network.state().close(link);
    }

    fn redial(&mut self, link: LinkId) {
        let mut state = self.network.state();
        if let Some(wire) = state.close(link) {
            state.connect(self.address, wire.to, wire.plane);
        }
    }

    fn seek(&mut self, plane: Plane, node: NodeId) {
        let mut state = self.network.state();
        let inbox = state.inbox(self.address);
        let sealed = self.address.0.to_string();
        inbox.events.push_back(LinkEvent::Signal { plane, to: node, sealed });
        let waker = inbox.waker.clone();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    fn hear(&mut self, plane: Plane, _: NodeId, sealed: String) {
        let Ok(caller) = sealed.parse() else { return };
        let mut state = self.network.state();
        if (caller as usize) < state.endpoints.len() {
            state.connect(Address(caller), self.address, plane);
        }
    }

    fn wake(&mut self, waker: Waker) {
        self.network.state().inbox(self.address).waker = Some(waker);
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.network.kill(self.address);
    }
}

#[derive(Default)]
struct State {
    now: Moment,
    random: u64,
    counted: u64,
    endpoints: Vec<Inbox>,
    wires: BTreeMap<LinkId, Wire>,
    flying: BTreeMap<(Moment, u64), Flight>,
    conditions: Conditions,
    conditions_between: BTreeMap<(Address, Address), Conditions>,
    cuts: BTreeSet<(Address, Address)>,
}

#[derive(Default)]
struct Inbox {
    alive: bool,
    events: VecDeque<LinkEvent>,
    waker: Option<Waker>,
}

/// One direction of a connection, under the id it has at its sender.
#[derive(Clone, Copy)]
struct Wire {
    to: Address,
    far: LinkId,
    plane: Plane,
}

struct Flight {
    from: Address,
    to: Address,
    event: LinkEvent,
    reliable: bool,
}

impl State {
    fn inbox(&mut self, address: Address) -> &mut Inbox {
        &mut self.endpoints[address.0 as usize]
    }

    fn connect(&mut self, a: Address, b: Address, plane: Plane) {
        if !self.inbox(a).alive || !self.inbox(b).alive {
            return;
        }
        let (at_a, at_b) = (LinkId(self.count()), LinkId(self.count()));
        self.wires.insert(at_a, Wire { to: b, far: at_b, plane });
        self.wires.insert(at_b, Wire { to: a, far: at_a, plane });
        self.fly(Flight { from: b, to: a, event: LinkEvent::Opened { link: at_a, plane }, reliable: true });
        self.fly(Flight { from: a, to: b, event: LinkEvent::Opened { link: at_b, plane }, reliable: true });
    }

    fn send(&mut self, from: Address, link: LinkId, lane: Lane, frame: Bytes) {
        assert!(!frame.is_empty() && frame.len() <= lane.bytes_max(), "{} bytes don't fit {lane:?}", frame.len());
        let Some(wire) = self.wires.get(&link).copied() else { return };
        let reliable = lane == Lane::reliable(lane.plane());
        let conditions = self.conditions_of(from, wire.to);
        let event = LinkEvent::Received { link: wire.far, lane, frame };
        if !reliable && self.chance(conditions.duplication_permille) {
            self.fly(Flight { from, to: wire.to, event: event.clone(), reliable });
        }
        self.fly(Flight { from, to: wire.to, event, reliable });
    }

    fn fly(&mut self, flight: Flight) {
        let conditions = self.conditions_of(flight.from, flight.to);
        let mut due = self.now + conditions.delay;
        let jitter = u64::try_from(conditions.jitter.as_nanos()).unwrap_or(u64::MAX);
        if jitter > 0 {
            due = due + Duration::from_nanos(self.next_random() % jitter);
        }
        while self.chance(conditions.loss_permille) {
            if !flight.reliable {
                return;
            }
            due = due + RETRANSMISSION;
        }
        let number = self.count();
        self.flying.insert((due, number), flight);
    }

    fn advance(&mut self, now: Moment) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.now = self.now.max(now);
        while let Some(next) = self.flying.first_entry().filter(|next| next.key().0 <= self.now) {
            let (due, _) = *next.key();
            let flight = next.remove();
            if self.cuts.contains(&(flight.from, flight.to)) {
                if flight.reliable {
                    let number = self.count();
                    self.flying.insert((due + RETRANSMISSION, number), flight);
                }
                continue;
            }
            wakers.extend(self.arrive(flight));
        }
        wakers
    }

    fn arrive(&mut self, flight: Flight) -> Option<Waker> {
        let (LinkEvent::Opened { link, .. } | LinkEvent::Received { link, .. } | LinkEvent::Closed(link)) =
            &flight.event
        else {
            return None;
        };
        if !self.wires.contains_key(link) {
            return None;
        }
        if matches!(flight.event, LinkEvent::Closed(_)) {
            self.wires.remove(link);
        }
        let inbox = self.inbox(flight.to);
        if inbox.alive && inbox.events.len() < INBOX_MAX {
            inbox.events.push_back(flight.event);
        }
        inbox.waker.clone()
    }

    /// Closes one end; the other one isn't told.
    fn close(&mut self, link: LinkId) -> Option<Wire> {
        self.wires.remove(&link)
    }

    fn sever(&mut self, a: Address, b: Address) -> Vec<Waker> {
        let owner = |wire: &Wire| self.wires.get(&wire.far).map(|back| back.to);
        let severed: Vec<(LinkId, Address)> = (self.wires.iter())
            .filter_map(|(link, wire)| Some((*link, owner(wire)?, wire.to)))
            .filter(|(_, from, to)| [(a, b), (b, a)].contains(&(*from, *to)))
            .map(|(link, from, _)| (link, from))
            .collect();
        let close = |(link, at): (LinkId, Address)| {
            self.wires.remove(&link);
            self.inbox(at).events.push_back(LinkEvent::Closed(link));
            self.inbox(at).waker.clone()
        };
        severed.into_iter().filter_map(close).collect()
    }

    fn kill(&mut self, address: Address) {
        *self.inbox(address) = Inbox::default();
        let ends: Vec<(LinkId, Wire)> =
            self.wires.iter().filter(|(_, wire)| wire.to == address).map(|(link, wire)| (*link, *wire)).collect();
        for (link, wire) in ends {
            let Some(back) = self.wires.remove(&wire.far) else { continue };
            let number = self.count();
            let flight = Flight { from: address, to: back.to, event: LinkEvent::Closed(link), reliable: true };
            self.flying.insert((self.now + VANISHED, number), flight);
        }
    }

    fn conditions_of(&self, from: Address, to: Address) -> Conditions {
        self.conditions_between.get(&(from, to)).copied().unwrap_or(self.conditions)
    }

    fn chance(&mut self, permille: u16) -> bool {
        permille > 0 && self.next_random() % 1_000 < u64::from(permille.min(999))
    }

    fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    /// SplitMix64.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
