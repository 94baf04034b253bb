//! Links over real WebRTC, with a real signaling server that comes and goes.
//!
//! Time is the world's here: tests wait for what must happen, and fail only long after it should have.
#![cfg(all(feature = "webrtc", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used)]

use bevy_quorum::{
    link::{
        Credentials, Lane, Link, LinkEvent, LinkId, Plane, Rendezvous, SessionEvent, Sessions, UnlinkReason,
        matchbox::{MatchboxConfig, MatchboxLink},
    },
    raft::{Moment, NodeId, Permission},
    wire::{ClusterId, Frame, Invitation, Payload, Secret, SessionTag, Whisper},
};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use matchbox_signaling::SignalingServer;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    task::{Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A signaling server that dies with its runtime.
struct Signaling {
    address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Signaling {
    fn start() -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        Self::start_at((Ipv4Addr::LOCALHOST, port).into())
    }

    fn start_at(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut server = SignalingServer::full_mesh_builder(address).build();
        runtime.block_on(async { server.bind() }).unwrap();
        runtime.spawn(server.serve());
        Self { address, runtime: Some(runtime) }
    }

    fn config(&self) -> MatchboxConfig {
        config(&[self])
    }

    /// Ends it without a goodbye to anybody; returns its address.
    fn kill(mut self) -> SocketAddr {
        self.runtime.take().unwrap().shutdown_timeout(Duration::from_secs(5));
        self.address
    }
}

/// Meets others at these servers; whoever uses it says who it is.
fn config(servers: &[&Signaling]) -> MatchboxConfig {
    let urls = servers.iter().map(|server| format!("ws://{}", server.address));
    MatchboxConfig::new(NodeId(0), urls, "room", Secret::from_bytes([7; 32])).without_ice_servers()
}

/// Links of as many nodes.
fn links<const N: usize>(config: &MatchboxConfig) -> [MatchboxLink; N] {
    let node = |number| NodeId(number as u64 + 1);
    std::array::from_fn(|number| MatchboxLink::new(MatchboxConfig { node: node(number), ..config.clone() }).unwrap())
}

/// The sessions whose connections a test breaks.
type Severed = Arc<Mutex<BTreeSet<SessionTag>>>;

/// A link whose connections can be broken one by one.
struct Severable {
    link: MatchboxLink,
    severed: Severed,
    tags: BTreeMap<LinkId, SessionTag>,
}

impl Link for Severable {
    fn poll(&mut self) -> Option<LinkEvent> {
        let severed = self.severed.lock().unwrap();
        let broken = self.tags.iter().find(|(_, tag)| severed.contains(tag)).map(|(link, _)| *link);
        let Some(broken) = broken else { return self.link.poll() };
        self.tags.remove(&broken);
        self.link.redial(broken);
        Some(LinkEvent::Closed(broken))
    }

    fn send(&mut self, link: LinkId, lane: Lane, frame: Bytes) {
        let (tag, _) = Frame::split(&frame, lane.bytes_max()).unwrap();
        self.tags.insert(link, tag);
        self.link.send(link, lane, frame);
    }

    fn close(&mut self, link: LinkId) {
        self.tags.remove(&link);
        self.link.close(link);
    }

    fn redial(&mut self, link: LinkId) {
        self.tags.remove(&link);
        self.link.redial(link);
    }

    fn seek(&mut self, plane: Plane, node: NodeId) {
        self.link.seek(plane, node);
    }

    fn rest(&mut self, plane: Plane, node: NodeId) {
        self.link.rest(plane, node);
    }

    fn hear(&mut self, plane: Plane, from: NodeId, sealed: String) {
        self.link.hear(plane, from, sealed);
    }

    fn wake(&mut self, waker: Waker) {
        self.link.wake(waker);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn waker() -> Waker {
    Arc::new(Unpark(thread::current())).into()
}

struct Peer {
    node: NodeId,
    sessions: Sessions,
    severed: Severed,
    events: Vec<SessionEvent>,
}

/// Peers that one thread looks after.
struct Party {
    began: Instant,
    peers: Vec<Peer>,
}

impl Party {
    fn new() -> Self {
        Self { began: Instant::now(), peers: Vec::new() }
    }

    fn join(&mut self, name: u8, config: MatchboxConfig) -> usize {
        let key = SigningKey::from_bytes(&[name; 32]);
        let mut invitation = Invitation::new(["ws://127.0.0.1:3536"], Permission::Editor).unwrap();
        (invitation.cluster, invitation.secret) = (ClusterId([1; 16]), Secret::from_bytes([2; 32]));
        let credentials = Credentials::new(key, &invitation);
        let node = credentials.node();
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let (link, severed) = (MatchboxLink::new(MatchboxConfig { node, ..config }).unwrap(), Severed::default());
        let link = Severable { link, severed: severed.clone(), tags: BTreeMap::new() };
        let mut sessions = Sessions::new(Box::new(link), credentials, seed);
        sessions.wake(waker());
        self.peers.push(Peer { node, sessions, severed, events: Vec::new() });
        self.peers.len() - 1
    }

    fn step(&mut self) {
        let now = Moment::ZERO + self.began.elapsed();
        for peer in &mut self.peers {
            while let Some(event) = peer.sessions.poll(now) {
                peer.events.push(event);
            }
            if now >= peer.sessions.deadline() {
                peer.sessions.tick(now);
            }
        }
        thread::park_timeout(Duration::from_millis(10));
    }

    fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !condition(self) {
            let events: Vec<_> = self.peers.iter().map(|peer| &peer.events).collect();
            assert!(began.elapsed() < PATIENCE, "still waiting until {what}: {events:#?}");
            self.step();
        }
    }

    fn all_linked(&self) -> bool {
        let everybody: BTreeSet<NodeId> = self.peers.iter().map(|peer| peer.node).collect();
        self.peers.iter().all(|peer| {
            let mut known: BTreeSet<NodeId> = peer.sessions.linked().collect();
            known.insert(peer.node);
            known == everybody
        })
    }

    /// Breaks both connections between two peers.
    fn sever(&mut self, a: usize, b: usize) {
        let node = self.peers[b].node;
        for plane in [Plane::Consensus, Plane::Bulk] {
            let tag = self.peers[a].sessions.tag(node, plane).unwrap();
            for peer in [a, b] {
                self.peers[peer].severed.lock().unwrap().insert(tag);
            }
        }
    }

    /// Whether two peers have a connection for bulk, too.
    fn is_whole(&self, a: usize, b: usize) -> bool {
        self.peers[a].sessions.tag(self.peers[b].node, Plane::Bulk).is_some()
    }

    fn whisper(&mut self, from: usize, to: usize, sequence: u32) {
        let to = self.peers[to].node;
        let whisper = Whisper { kind: 1, sequence, body: Bytes::from_static(b"hi") };
        let _ = self.peers[from].sessions.send(to, Payload::Whisper(whisper));
    }

    fn heard(&self, by: usize, wanted: u32) -> bool {
        self.peers[by].events.iter().any(|event| {
            matches!(event, SessionEvent::Frame { payload: Payload::Whisper(Whisper { sequence, .. }), .. } if *sequence == wanted)
        })
    }

    /// Says something until it is heard: whispers may be lost.
    fn talk(&mut self, from: usize, to: usize, sequence: u32) {
        let began = Instant::now();
        while !self.heard(to, sequence) {
            assert!(began.elapsed() < PATIENCE, "{from} is not heard by {to}");
            self.whisper(from, to, sequence);
            self.step();
        }
    }

    fn unlinked(&self, by: usize, node: NodeId) -> bool {
        self.peers[by]
            .events
            .iter()
            .any(|event| matches!(event, SessionEvent::Unlinked { node: of, .. } if *of == node))
    }

    fn rendezvous(&self, of: usize) -> Option<&Rendezvous> {
        self.peers[of].events.iter().rev().find_map(|event| match event {
            SessionEvent::Rendezvous(rendezvous) => Some(rendezvous),
            _ => None,
        })
    }
}

#[test]
fn three_links_carry_frames_on_all_four_lanes() {
    let signaling = Signaling::start();
    let mut links: [_; 3] = links(&signaling.config());
    let mut opened: Vec<BTreeSet<(LinkId, Plane)>> = vec![BTreeSet::new(); 3];
    let mut received: Vec<BTreeSet<(LinkId, Lane)>> = vec![BTreeSet::new(); 3];
    links.iter_mut().for_each(|link| link.wake(waker()));
    let frame = |lane: Lane| Bytes::from(vec![lane as u8 + 1; lane.bytes_max()]);
    let began = Instant::now();
    while received.iter().any(|received| received.len() < 8) {
        assert!(began.elapsed() < PATIENCE, "opened {opened:?}, received {received:?}");
        for (place, link) in links.iter_mut().enumerate() {
            while let Some(event) = link.poll() {
                match event {
                    LinkEvent::Opened { link: id, plane } => {
                        opened[place].insert((id, plane));
                        link.send(id, Lane::reliable(plane), frame(Lane::reliable(plane)));
                    }
                    LinkEvent::Received { link: id, lane, frame: bytes } => {
                        assert_eq!(bytes, frame(lane));
                        received[place].insert((id, lane));
                    }
                    _ => {}
                }
            }
            // What is unreliable may be lost, so it is said until everybody heard it.
            for (id, plane) in &opened[place] {
                link.send(*id, Lane::unreliable(*plane), frame(Lane::unreliable(*plane)));
            }
        }
        thread::park_timeout(Duration::from_millis(50));
    }
    assert!(opened.iter().all(|opened| opened.len() == 4));
}

#[test]
fn links_outlive_the_signaling_server_and_new_ones_are_made_when_it_is_back() {
    let signaling = Signaling::start();
    let mut party = Party::new();
    for name in 1..=3 {
        party.join(name, signaling.config());
    }
    party.until("three peers are linked", Party::all_linked);

    // The first peer dies, and the signaling server that it hosted with it.
    let died = party.peers.remove(0).node;
    let address = signaling.kill();
    party.until("the others notice that the server is gone", |party| {
        (0..2).all(|peer| matches!(party.rendezvous(peer), Some(Rendezvous::Lost(_))))
    });
    party.talk(0, 1, 1);
    party.talk(1, 0, 2);

    // Both come back on the same address, and somebody new comes too.
    let signaling = Signaling::start_at(address);
    let returned = party.join(1, signaling.config());
    assert_eq!(party.peers[returned].node, died);
    party.join(4, signaling.config());
    party.until("the returned, the new and the old peers are linked", Party::all_linked);
    for (from, to) in [(0, returned), (returned, 0), (3, 1), (1, 3), (returned, 3), (0, 1)] {
        party.talk(from, to, 10 + (from * 4 + to) as u32);
    }
    let (first, second) = (party.peers[0].node, party.peers[1].node);
    assert!(!party.unlinked(0, second) && !party.unlinked(1, first), "who stayed was interrupted");
}

#[test]
fn a_peer_that_leaves_says_so_over_the_wire() {
    let signaling = Signaling::start();
    let mut party = Party::new();
    party.join(1, signaling.config());
    party.join(2, signaling.config());
    party.until("both are linked", Party::all_linked);
    let mut leaving = party.peers.remove(1);
    leaving.sessions.leave();
    drop(leaving.sessions);
    let left = SessionEvent::Unlinked { node: leaving.node, reason: UnlinkReason::Left };
    party.until("the goodbye arrives", |party| party.peers[0].events.contains(&left));
}

#[test]
fn a_link_given_up_is_made_again_by_whoever_made_it() {
    let signaling = Signaling::start();
    let mut links: [_; 2] = links(&signaling.config());
    let mut opened: Vec<Vec<LinkId>> = vec![Vec::new(); 2];
    let mut given_up = false;
    let began = Instant::now();
    while opened.iter().any(|opened| opened.len() < 2) {
        assert!(began.elapsed() < PATIENCE, "opened {opened:?}");
        for (link, opened) in links.iter_mut().zip(&mut opened) {
            while let Some(event) = link.poll() {
                if let LinkEvent::Opened { link: id, plane: Plane::Consensus } = event {
                    opened.push(id);
                }
            }
        }
        if !given_up && opened.iter().all(|opened| opened.len() == 1) {
            links.iter_mut().zip(&opened).for_each(|(link, opened)| link.redial(opened[0]));
            given_up = true;
        }
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// Speaks to a signaling server by hand: sends everybody that comes an offer that makes no sense.
async fn spoil(url: String) {
    use async_tungstenite::{smol::connect_async, tungstenite::Message};
    use futures::StreamExt;
    let (mut socket, _) = connect_async(url).await.unwrap();
    while let Some(Ok(Message::Text(text))) = socket.next().await {
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        let Some(peer) = event.get("NewPeer") else { continue };
        let offer = serde_json::json!({ "attempt": 1, "signal": { "Offer": "nonsense" } });
        let request = serde_json::json!({ "Signal": { "receiver": peer, "data": offer } });
        socket.send(Message::Text(request.to_string().into())).await.unwrap();
        return;
    }
}

#[test]
fn an_offer_that_makes_no_sense_costs_no_more_than_a_new_connection() {
    let signaling = Signaling::start();
    let mut party = Party::new();
    party.join(1, signaling.config());
    let url = format!("ws://{}/room-c", signaling.address);
    let spoiler = thread::spawn(move || futures::executor::block_on(spoil(url)));
    party.until("the first peer is there", |party| party.rendezvous(0) == Some(&Rendezvous::Connected));
    party.join(2, signaling.config());
    spoiler.join().unwrap();
    party.until("both are linked in spite of it", Party::all_linked);
    party.talk(0, 1, 1);
}

#[test]
fn who_reaches_any_of_the_servers_is_found_and_finds_everybody() {
    let (first, second) = (Signaling::start(), Signaling::start());
    let mut party = Party::new();
    party.join(1, config(&[&first, &second]));
    party.join(2, config(&[&first]));
    party.join(3, config(&[&second]));
    party.until("all are linked, though two of them have no server in common", Party::all_linked);
    first.kill();
    party.join(4, config(&[&second]));
    party.until("a newcomer comes in by the second", Party::all_linked);
    let linked = |event: &&SessionEvent| matches!(event, SessionEvent::Linked { .. });
    let times: Vec<_> = party.peers.iter().map(|peer| peer.events.iter().filter(linked).count()).collect();
    assert_eq!(times, [3; 4], "nobody was linked twice");
}

#[test]
fn a_lost_link_is_mended_through_a_third_peer_when_the_server_is_gone() {
    let signaling = Signaling::start();
    let mut party = Party::new();
    for name in 1..=3 {
        party.join(name, signaling.config());
    }
    party.until("three peers are linked", |party| party.all_linked() && party.is_whole(0, 1) && party.is_whole(1, 0));
    signaling.kill();
    party.sever(0, 1);
    let [first, second] = [0, 1].map(|peer| party.peers[peer].node);
    party.until("two of them lose their link", |party| party.unlinked(0, second) && party.unlinked(1, first));
    party.until("it is mended, on both planes", |party| {
        party.all_linked() && party.is_whole(0, 1) && party.is_whole(1, 0)
    });
    party.talk(0, 1, 1);
    party.talk(1, 0, 2);
}

#[test]
fn an_unreachable_server_is_named() {
    let signaling = Signaling::start();
    let config = signaling.config();
    let address = signaling.kill();
    let mut party = Party::new();
    party.join(1, config);
    party.until("the loss is reported", |party| matches!(party.rendezvous(0), Some(Rendezvous::Lost(_))));
    let Some(Rendezvous::Lost(error)) = party.rendezvous(0) else { unreachable!() };
    assert_eq!(error.to_string(), format!("can't reach the signaling server at ws://{address}: connection refused"));
}

#[test]
fn planes_have_lanes_of_their_own() {
    for plane in [Plane::Consensus, Plane::Bulk] {
        assert_eq!(Lane::reliable(plane).plane(), plane);
        assert_eq!(Lane::unreliable(plane).plane(), plane);
    }
}
