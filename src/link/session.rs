//! Sessions: authenticated peers made of bare connections.
//!
//! Every connection, on either plane, begins with a hello and a proof from both sides. A node counts as
//! linked once a connection for consensus is proven; one for bulk may come later. Several connections
//! may lead to one node (somebody came back through another address, both called at once): frames are
//! taken from all of them and sent on the one proven last, and the others close once nothing comes
//! through them any more, so that nothing is lost while both sides change over.
//!
//! A silent peer is unlinked but its connection stays: a frozen page may wake up and go on.

use super::{
    Credentials, DATAGRAM_BYTES_MAX, Lane, Link, LinkEvent, LinkId, Plane, RefusalReason, Refusals, SendError,
    SessionEvent, UnlinkReason,
    connection::Connection,
    neighbourhood::Neighbourhood,
    peer::{Peer, SessionStats},
};
use crate::{
    raft::{Moment, NodeId},
    wire::{ByeReason, Frame, FrameBody, Payload, SessionTag},
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, VecDeque},
    task::Waker,
    time::Duration,
};

/// The most connections at a time, over both planes.
pub const LINKS_MAX: usize = 1_024;
/// The most connections at a time that wait for a proof; the oldest gives way.
pub const UNPROVEN_LINKS_MAX: usize = 64;
/// The most connections for one plane to one node; the oldest gives way.
pub const NODE_LINKS_MAX: usize = 4;
/// The most frames looked at in one call of [`Sessions::poll`].
pub const FRAMES_PER_POLL: usize = 256;
/// How often a peer is pinged for its round trip and its liveness.
pub const PING_INTERVAL: Duration = Duration::from_millis(500);
/// How often a silent peer is, and a connection for bulk.
pub const SLOW_PING_INTERVAL: Duration = Duration::from_secs(2);
/// After how long without a frame a peer counts as unlinked.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);
/// After how long without a frame a connection is given up, so that another one may be tried.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(120);
/// How many frames of other sessions are shown one by one, for each connection; all are counted.
pub const FOREIGN_FRAMES_SHOWN: u32 = 8;

/// All sessions of a node, over one transport.
pub struct Sessions {
    pub(super) link: Box<dyn Link>,
    credentials: Credentials,
    nonces: blake3::OutputReader,
    pub(super) connections: BTreeMap<LinkId, Connection>,
    pub(super) peers: BTreeMap<NodeId, Peer>,
    pub(super) neighbourhood: Neighbourhood,
    events: VecDeque<SessionEvent>,
    refusals: Refusals,
    waker: Option<Waker>,
    left: bool,
}

impl Sessions {
    /// Meets peers over `link` with `credentials`. From `seed` come the nonces: it must be random, and
    /// never used before.
    pub fn new(link: Box<dyn Link>, credentials: Credentials, seed: [u8; 32]) -> Self {
        let nonces = blake3::Hasher::new_derive_key("bevy_quorum hello: nonces").update(&seed).finalize_xof();
        Self {
            link,
            credentials,
            nonces,
            connections: BTreeMap::new(),
            peers: BTreeMap::new(),
            neighbourhood: Neighbourhood::default(),
            events: VecDeque::new(),
            refusals: Refusals::default(),
            waker: None,
            left: false,
        }
    }

    /// The oldest event not taken yet; looks at no more than [`FRAMES_PER_POLL`] frames for it. If
    /// there was more to look at, it wakes whoever polls.
    pub fn poll(&mut self, now: Moment) -> Option<SessionEvent> {
        for _ in 0..FRAMES_PER_POLL {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let event = self.link.poll()?;
            self.take(now, event);
        }
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
        self.events.pop_front()
    }

    /// Sends `payload` to a linked node: what fits a datagram unreliably, the rest reliably.
    ///
    /// # Errors
    /// When the node isn't linked, leaves too much unanswered, or the payload is too large; otherwise nothing is promised.
    pub fn send(&mut self, to: NodeId, payload: Payload) -> Result<(), SendError> {
        let link = self.peers.get(&to).filter(|peer| peer.linked).and_then(|peer| peer.preferred(Plane::Consensus));
        let link = link.ok_or(SendError::Unlinked(to))?;
        let connection = &self.connections[&link];
        let bytes = Frame { tag: connection.tag(), body: FrameBody::Payload(payload) }.encode()?;
        if connection.outstanding.is_full(bytes.len()) {
            return Err(SendError::Unanswered(to));
        }
        let lane = if bytes.len() <= DATAGRAM_BYTES_MAX { Lane::Unreliable } else { Lane::Reliable };
        self.transmit(link, lane, bytes);
        Ok(())
    }

    /// Does what is due at `now`: hellos said again, pings, timeouts, peers that fell silent, links that are missing.
    pub fn tick(&mut self, now: Moment) {
        let links: Vec<LinkId> = self.connections.keys().copied().collect();
        for link in links {
            self.tick_connection(now, link);
        }
        let silent = |peer: &Peer| peer.linked && now >= peer.stats.heard_at + SILENCE_MAX;
        let silent: Vec<NodeId> = self.peers.iter().filter(|(_, peer)| silent(peer)).map(|(node, _)| *node).collect();
        for node in silent {
            self.unlink(node, UnlinkReason::Silent);
        }
        self.mend(now);
    }

    /// When [`tick`](Self::tick) is next due.
    pub fn deadline(&self) -> Moment {
        let connections = self.connections.values().map(|connection| match connection.proven {
            None => connection.timeout.min(connection.hello_due),
            Some(_) => connection.ping_due,
        });
        let peers = self.peers.values().filter(|peer| peer.linked).map(|peer| peer.stats.heard_at + SILENCE_MAX);
        connections.chain(peers).min().unwrap_or(Moment::NEVER)
    }

    /// How the link to a node does.
    pub fn stats(&self, node: NodeId) -> Option<SessionStats> {
        let peer = self.peers.get(&node)?;
        let connection = peer.preferred(Plane::Consensus).and_then(|link| self.connections.get(&link));
        Some(SessionStats { relayed: connection.and_then(|connection| connection.relayed), ..peer.stats })
    }

    /// The nodes that are linked, in order of their ids.
    pub fn linked(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.peers.iter().filter(|(_, peer)| peer.linked).map(|(node, _)| *node)
    }

    /// The tag of the session with a node, on one plane.
    pub fn tag(&self, node: NodeId, plane: Plane) -> Option<SessionTag> {
        let link = self.peers.get(&node)?.preferred(plane)?;
        self.connections.get(&link).map(Connection::tag)
    }

    /// What was refused so far.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Says goodbye to everybody and closes all connections, for good.
    pub fn leave(&mut self) {
        self.left = true;
        while let Some(link) = self.connections.keys().next().copied() {
            self.hang_up(link, ByeReason::Leaving, UnlinkReason::Left);
        }
    }

    /// Whom to wake when [`poll`](Self::poll) has something to say.
    pub fn wake(&mut self, waker: Waker) {
        self.link.wake(waker.clone());
        self.waker = Some(waker);
    }

    pub(super) fn own(&self) -> NodeId {
        self.credentials.node()
    }

    fn take(&mut self, now: Moment, event: LinkEvent) {
        match event {
            LinkEvent::Opened { link, plane } => self.open(now, link, plane),
            LinkEvent::Received { link, lane, frame } => self.receive(now, link, lane, &frame),
            LinkEvent::Closed(link) => self.forget(link, UnlinkReason::Closed),
            LinkEvent::Relayed { link, relayed } => {
                if let Some(connection) = self.connections.get_mut(&link) {
                    connection.relayed = Some(relayed);
                }
            }
            LinkEvent::Signal { plane, to, sealed } => self.send_signal(now, plane, to, sealed),
            LinkEvent::Rendezvous(rendezvous) => self.events.push_back(SessionEvent::Rendezvous(rendezvous)),
        }
    }

    fn open(&mut self, now: Moment, link: LinkId, plane: Plane) {
        if self.left {
            return self.link.close(link);
        }
        self.make_room();
        let mut nonce = [0; 16];
        self.nonces.fill(&mut nonce);
        let connection = Connection::new(now, self.credentials.hello(nonce, plane));
        self.connections.insert(link, connection);
        if self.connections.len() > LINKS_MAX {
            return self.refuse(link, RefusalReason::NoRoom);
        }
        self.tick_connection(now, link);
    }

    fn make_room(&mut self) {
        let unproven = |(link, connection): (&LinkId, &Connection)| connection.proven.is_none().then_some(*link);
        let unproven: Vec<LinkId> = self.connections.iter().filter_map(unproven).collect();
        if unproven.len() >= UNPROVEN_LINKS_MAX {
            self.refuse(unproven[0], RefusalReason::NoRoom);
        }
    }

    fn receive(&mut self, now: Moment, link: LinkId, lane: Lane, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&link) else { return };
        match connection.read(lane, bytes) {
            Ok(None) => {}
            Ok(Some(body)) => {
                connection.heard_at = now;
                self.hear(now, link, lane, bytes.len(), body);
            }
            Err(RefusalReason::OtherSession) => self.pass_over(link),
            Err(reason) => self.refuse(link, reason),
        }
    }

    fn hear(&mut self, now: Moment, link: LinkId, lane: Lane, bytes: usize, body: FrameBody) {
        if let Some(peer) = self.peer_of(link) {
            peer.hear(now, lane.plane(), bytes);
        }
        match body {
            FrameBody::Hello(hello) => {
                let repeated = self.repeats_a_hello(link, &hello.nonce);
                let Some(connection) = self.connections.get_mut(&link) else { return };
                let heard = if repeated { Err(RefusalReason::ReplayedHello) } else { connection.hear_hello(hello) };
                match heard.map(|transcript| self.credentials.prove(transcript)) {
                    Ok(proof) => self.say(link, lane, SessionTag::NONE, FrameBody::Proof(proof)),
                    Err(reason) => self.refuse(link, reason),
                }
            }
            FrameBody::Proof(proof) => {
                let Some(connection) = self.connections.get_mut(&link) else { return };
                match connection.hear_proof(&self.credentials, &proof) {
                    Ok(true) => self.admit(now, link),
                    Ok(false) => {}
                    Err(reason) => self.refuse(link, reason),
                }
            }
            FrameBody::Bye(reason) => self.hear_bye(link, reason),
            FrameBody::Ping(clock) => self.answer(link, lane, FrameBody::Pong(clock)),
            FrameBody::Pong(clock) => {
                if let Some(connection) = self.connections.get_mut(&link) {
                    connection.outstanding.pong(Moment(clock));
                }
                if let Some(peer) = self.peer_of(link) {
                    peer.time(now, Moment(clock));
                }
            }
            FrameBody::Payload(payload) => {
                let Some(from) = self.connections[&link].claimed_node() else { return };
                self.events.push_back(SessionEvent::Frame { from, payload });
            }
            FrameBody::Neighbours(nodes) => {
                let Some(from) = self.connections[&link].claimed_node() else { return };
                self.neighbourhood.hear(from, nodes);
            }
            FrameBody::Signal(signal) => {
                let Some(from) = self.connections[&link].claimed_node() else { return };
                self.hear_signal(now, from, signal);
            }
        }
        self.revive(link);
    }

    /// Whether another connection began with this nonce.
    fn repeats_a_hello(&self, link: LinkId, nonce: &[u8; 16]) -> bool {
        let said = |connection: &Connection| {
            connection.ours.nonce == *nonce
                || connection.theirs.as_ref().is_some_and(|their| their.hello.nonce == *nonce)
        };
        self.connections.iter().any(|(other, connection)| *other != link && said(connection))
    }

    /// A connection was proven: from now on, it is the one to its node.
    fn admit(&mut self, now: Moment, link: LinkId) {
        let connection = &self.connections[&link];
        let (Some(theirs), Some(permission)) = (&connection.theirs, connection.proven) else { return };
        let (node, key, plane) = (theirs.hello.node, theirs.hello.key, connection.plane);
        let peer = self.peers.entry(node).or_insert_with(|| Peer::new(now));
        let surplus = peer.prefer(plane, link);
        if plane == Plane::Consensus {
            peer.permission = permission;
            peer.stats.heard_at = now;
            peer.linked = true;
            self.events.push_back(SessionEvent::Linked { node, key, permission });
        }
        if let Some(surplus) = surplus {
            self.hang_up(surplus, ByeReason::Superseded, UnlinkReason::Closed);
        }
    }

    /// A node that was silent speaks again.
    fn revive(&mut self, link: LinkId) {
        let Some(connection) = self.connections.get(&link) else { return };
        let (Some(theirs), Some(_), Plane::Consensus) = (&connection.theirs, connection.proven, connection.plane)
        else {
            return;
        };
        let (node, key) = (theirs.hello.node, theirs.hello.key);
        if let Some(peer) = self.peers.get_mut(&node).filter(|peer| !peer.linked) {
            peer.linked = true;
            self.events.push_back(SessionEvent::Linked { node, key, permission: peer.permission });
        }
    }

    fn hear_bye(&mut self, link: LinkId, reason: ByeReason) {
        if reason == ByeReason::Leaving {
            let node = self.peer_of(link).is_some().then(|| self.connections[&link].claimed_node()).flatten();
            let links = node.and_then(|node| self.peers.get(&node)).map_or(vec![link], |peer| peer.links());
            return links.into_iter().for_each(|link| {
                self.link.close(link);
                self.forget(link, UnlinkReason::Left);
            });
        }
        self.link.close(link);
        if reason == ByeReason::Superseded {
            return self.forget(link, UnlinkReason::Closed);
        }
        self.note(link, RefusalReason::ByPeer(reason));
        self.forget(link, UnlinkReason::Refused);
    }

    /// Refuses a single frame: late ones of an earlier session are nobody's fault.
    fn pass_over(&mut self, link: LinkId) {
        let Some(connection) = self.connections.get_mut(&link) else { return };
        connection.foreign_frames = connection.foreign_frames.saturating_add(1);
        if connection.foreign_frames <= FOREIGN_FRAMES_SHOWN {
            self.note(link, RefusalReason::OtherSession);
        } else {
            self.refusals.count(RefusalReason::OtherSession);
        }
    }

    /// Refuses a whole connection.
    fn refuse(&mut self, link: LinkId, reason: RefusalReason) {
        self.note(link, reason);
        self.hang_up(link, reason.bye(), UnlinkReason::Refused);
    }

    /// Counts a refusal and shows it.
    fn note(&mut self, link: LinkId, reason: RefusalReason) {
        self.refusals.count(reason);
        let node = self.connections.get(&link).and_then(Connection::claimed_node);
        if let Some(peer) = self.peer_of(link) {
            peer.stats.refused += 1;
        }
        self.events.push_back(SessionEvent::Refused { link, node, reason });
    }

    fn hang_up(&mut self, link: LinkId, bye: ByeReason, reason: UnlinkReason) {
        if let Some(connection) = self.connections.get(&link) {
            let tag = if connection.proven.is_some() { connection.tag() } else { SessionTag::NONE };
            let lane = Lane::reliable(connection.plane);
            self.say(link, lane, tag, FrameBody::Bye(bye));
        }
        self.link.close(link);
        self.forget(link, reason);
    }

    /// Drops what is known of a connection, and its node with the last one.
    fn forget(&mut self, link: LinkId, reason: UnlinkReason) {
        let Some(connection) = self.connections.remove(&link) else { return };
        let (Some(node), Some(_)) = (connection.claimed_node(), connection.proven) else { return };
        let Some(peer) = self.peers.get_mut(&node) else { return };
        peer.lose(connection.plane, link);
        if peer.preferred(Plane::Consensus).is_none() {
            self.unlink(node, reason);
        }
        if self.peers.get(&node).is_some_and(|peer| peer.links().is_empty()) {
            self.peers.remove(&node);
        }
    }

    fn unlink(&mut self, node: NodeId, reason: UnlinkReason) {
        if let Some(peer) = self.peers.get_mut(&node).filter(|peer| peer.linked) {
            peer.linked = false;
            self.events.push_back(SessionEvent::Unlinked { node, reason });
        }
    }

    fn tick_connection(&mut self, now: Moment, link: LinkId) {
        let Some(connection) = self.connections.get_mut(&link) else { return };
        let (plane, tag) = (connection.plane, connection.tag());
        if connection.proven.is_some() {
            return self.tick_proven(now, link, plane, tag);
        }
        if now >= connection.timeout {
            return self.time_out(link);
        }
        if now >= connection.hello_due {
            connection.hello_due = now + super::HELLO_INTERVAL;
            let hello = FrameBody::Hello(connection.ours.clone());
            self.say(link, Lane::reliable(plane), SessionTag::NONE, hello);
        }
    }

    fn tick_proven(&mut self, now: Moment, link: LinkId, plane: Plane, tag: SessionTag) {
        let Some(connection) = self.connections.get_mut(&link).filter(|connection| now >= connection.ping_due) else {
            return;
        };
        let quiet = now >= connection.heard_at + SILENCE_MAX;
        let slow = quiet || plane == Plane::Bulk;
        connection.ping_due = now + if slow { SLOW_PING_INTERVAL } else { PING_INTERVAL };
        let abandoned = now >= connection.heard_at + ABANDONED_AFTER;
        let preferred = self.peer_of(link).is_some_and(|peer| peer.preferred(plane) == Some(link));
        if quiet && !preferred {
            self.hang_up(link, ByeReason::Superseded, UnlinkReason::Closed);
        } else if abandoned {
            self.link.redial(link);
            self.forget(link, UnlinkReason::Silent);
        } else if preferred {
            if let Some(connection) = self.connections.get_mut(&link) {
                connection.outstanding.ping(now);
            }
            self.say(link, Lane::unreliable(plane), tag, FrameBody::Ping(now.0));
        }
    }

    fn time_out(&mut self, link: LinkId) {
        self.note(link, RefusalReason::TimedOut);
        self.connections.remove(&link);
        self.link.redial(link);
    }

    pub(super) fn answer(&mut self, link: LinkId, lane: Lane, body: FrameBody) {
        let tag = self.connections[&link].tag();
        self.say(link, lane, tag, body);
    }

    fn say(&mut self, link: LinkId, lane: Lane, tag: SessionTag, body: FrameBody) {
        let bytes = Frame { tag, body }.encode().expect("what a session says itself is small");
        self.transmit(link, lane, bytes);
    }

    fn transmit(&mut self, link: LinkId, lane: Lane, bytes: Bytes) {
        if let Some(peer) = self.peer_of(link) {
            peer.stats.frames_out += 1;
            peer.stats.bytes_out += bytes.len() as u64;
        }
        if let Some(connection) = self.connections.get_mut(&link)
            && connection.outstanding.send(bytes.len())
        {
            connection.ping_due = Moment::ZERO;
        }
        self.link.send(link, lane, bytes);
    }

    /// The node at the other end of a proven connection.
    fn peer_of(&mut self, link: LinkId) -> Option<&mut Peer> {
        let connection = self.connections.get(&link).filter(|connection| connection.proven.is_some())?;
        self.peers.get_mut(&connection.claimed_node()?)
    }
}
