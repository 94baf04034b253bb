//! Links through a signaling server that means ill: it reads, changes, repeats and makes up what passes it.
#![cfg(all(feature = "webrtc", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used)]

use axum::{
    Router,
    extract::{
        Path, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    routing::any,
};
use bevy_quorum::{
    link::{
        Link, LinkEvent,
        matchbox::{MatchboxConfig, MatchboxLink},
    },
    raft::NodeId,
    wire::Secret,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const PATIENCE: Duration = Duration::from_secs(60);

/// What the server does with a signal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mischief {
    /// It passes it on.
    None,
    /// It changes a byte of it.
    Change,
    /// It says that somebody else sent it.
    Redirect,
    /// It passes it on many times, between things that it made up.
    Flood,
    /// There is none: it lets its guests in, and then hangs up.
    HangUp,
}

/// What the server knows.
struct Hub {
    mischief: Mischief,
    /// How often somebody came.
    visits: usize,
    /// Everything that was said to it.
    heard: Vec<String>,
    /// Who wanted something passed on.
    speakers: BTreeSet<String>,
    /// Who is there, in which room.
    guests: BTreeMap<String, (String, UnboundedSender<String>)>,
}

#[derive(Clone)]
struct Server {
    hub: Arc<Mutex<Hub>>,
    address: SocketAddr,
    _runtime: Arc<tokio::runtime::Runtime>,
}

fn name(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

impl Server {
    fn start(mischief: Mischief) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let hub = Arc::new(Mutex::new(Hub {
            mischief,
            visits: 0,
            heard: Vec::new(),
            speakers: BTreeSet::new(),
            guests: BTreeMap::new(),
        }));
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let enter = |Path(room): Path<String>, State(hub): State<Arc<Mutex<Hub>>>, upgrade: WebSocketUpgrade| async move {
            upgrade.on_upgrade(move |socket| serve(hub, room, socket))
        };
        let app = Router::new().route("/{room}", any(enter)).with_state(hub.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { hub, address, _runtime: Arc::new(runtime) }
    }

    fn link(&self, node: u64, key: u8) -> MatchboxLink {
        let urls = [format!("ws://{}", self.address)];
        let config =
            MatchboxConfig::new(NodeId(node), urls, "room", Secret::from_bytes([key; 32])).without_ice_servers();
        MatchboxLink::new(config).unwrap()
    }

    /// Asserts that on each plane one calls, and nobody answers.
    fn assert_unanswered(&self) {
        assert_eq!(self.hub.lock().unwrap().speakers.len(), 2);
    }

    fn signals(&self) -> usize {
        self.hub.lock().unwrap().heard.iter().filter(|text| text.contains("Signal")).count()
    }
}

async fn serve(hub: Arc<Mutex<Hub>>, room: String, mut socket: WebSocket) {
    let (say, mut said) = unbounded_channel();
    let own = {
        let mut hub = hub.lock().unwrap();
        hub.visits += 1;
        if hub.mischief == Mischief::HangUp {
            return;
        }
        let own = name(hub.guests.len() + 1);
        let _ = say.send(json!({ "IdAssigned": own }).to_string());
        for (_, guest) in hub.guests.values().filter(|(other, _)| *other == room) {
            let _ = guest.send(json!({ "NewPeer": own }).to_string());
        }
        hub.guests.insert(own.clone(), (room, say));
        own
    };
    loop {
        tokio::select! {
            Some(text) = said.recv() => if socket.send(Message::Text(text.into())).await.is_err() { return },
            heard = socket.recv() => match heard {
                Some(Ok(Message::Text(text))) => hub.lock().unwrap().pass_on(&own, text.as_str()),
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}

impl Hub {
    fn pass_on(&mut self, sender: &str, text: &str) {
        self.heard.push(text.to_owned());
        let Ok(Value::Object(request)) = serde_json::from_str(text) else { return };
        let Some(signal) = request.get("Signal") else { return };
        self.speakers.insert(sender.to_owned());
        let Some((_, receiver)) = signal["receiver"].as_str().and_then(|receiver| self.guests.get(receiver)) else {
            return;
        };
        let say = |sender: &str, data: &Value| {
            let _ = receiver.send(json!({ "Signal": { "sender": sender, "data": data } }).to_string());
        };
        let data = &signal["data"];
        match self.mischief {
            Mischief::None | Mischief::HangUp => say(sender, data),
            Mischief::Change => say(sender, &changed(data)),
            Mischief::Redirect => say(&name(77), data),
            Mischief::Flood => {
                for made_up in made_up() {
                    say(sender, &made_up);
                    say(&name(78), &made_up);
                }
                (0..5).for_each(|_| say(sender, data));
                for number in 100..200 {
                    let _ = receiver.send(json!({ "PeerLeft": name(number) }).to_string());
                }
                let _ = receiver.send("no JSON".to_owned());
            }
        }
    }
}

/// One character in the middle is another one.
fn changed(data: &Value) -> Value {
    let mut text: Vec<char> = data.as_str().unwrap().chars().collect();
    let middle = text.len() / 2;
    text[middle] = if text[middle] == 'A' { 'B' } else { 'A' };
    text.into_iter().collect::<String>().into()
}

/// What the parsers behind would not survive.
fn made_up() -> Vec<Value> {
    let signals = [json!({ "Offer": "v=nonsense" }), json!({ "Answer": "" }), json!({ "IceCandidate": "{" })];
    let plain = signals
        .into_iter()
        .flat_map(|signal| (0..3).map(move |attempt| json!({ "attempt": attempt, "signal": signal })));
    plain.chain([Value::Null, "AAAA".into(), "A".repeat(100_000).into()]).collect()
}

/// What became of two links within [`PATIENCE`], once something is there to be seen.
fn wait(links: &mut [MatchboxLink], mut enough: impl FnMut(&[Vec<LinkEvent>]) -> bool) -> Vec<Vec<LinkEvent>> {
    let deadline = Instant::now() + PATIENCE;
    let mut events = vec![Vec::new(); links.len()];
    while !enough(&events) {
        assert!(Instant::now() < deadline, "it did not happen: {events:?}");
        for (link, events) in links.iter_mut().zip(&mut events) {
            events.extend(std::iter::from_fn(|| link.poll()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    events
}

/// Both planes of both.
fn all_open(events: &[Vec<LinkEvent>]) -> bool {
    events.iter().all(|events| events.iter().filter(|event| matches!(event, LinkEvent::Opened { .. })).count() >= 2)
}

fn is_opened(events: &[Vec<LinkEvent>]) -> bool {
    events.iter().flatten().any(|event| matches!(event, LinkEvent::Opened { .. }))
}

#[test]
fn a_server_that_listens_learns_nothing() {
    let server = Server::start(Mischief::None);
    let mut links = [server.link(1, 7), server.link(2, 7)];
    wait(&mut links, all_open);
    let hub = server.hub.lock().unwrap();
    assert!(hub.heard.len() > 4);
    for word in ["fingerprint", "candidate", "Offer", "127.0.0.1", "attempt"] {
        assert!(!hub.heard.iter().any(|text| text.contains(word)), "it reads {word}");
    }
}

/// No connection is made by what it says, and once it behaves, people are called again.
fn gains_nothing_by(mischief: Mischief) {
    let server = Server::start(mischief);
    let mut links = [server.link(1, 7), server.link(2, 7)];
    let events = wait(&mut links, |_| server.signals() >= 4);
    assert!(!is_opened(&events), "{events:?}");
    server.assert_unanswered();
    server.hub.lock().unwrap().mischief = Mischief::None;
    wait(&mut links, all_open);
}

#[test]
fn a_server_that_changes_what_is_said_makes_no_connection() {
    gains_nothing_by(Mischief::Change);
}

#[test]
fn a_server_that_says_that_somebody_else_said_it_makes_no_connection() {
    gains_nothing_by(Mischief::Redirect);
}

#[test]
fn who_was_not_invited_is_not_called() {
    let server = Server::start(Mischief::None);
    let mut links = [server.link(1, 7), server.link(2, 8)];
    let events = wait(&mut links, |_| server.signals() >= 4);
    assert!(!is_opened(&events), "{events:?}");
    server.assert_unanswered();
}

#[test]
fn a_server_that_floods_its_guests_harms_nobody() {
    let server = Server::start(Mischief::Flood);
    let mut links = [server.link(1, 7), server.link(2, 7)];
    let events = wait(&mut links, all_open);
    let lost = |event: &LinkEvent| matches!(event, LinkEvent::Closed(_));
    assert!(!events.iter().flatten().any(lost), "{events:?}");
}

#[test]
fn a_server_that_hangs_up_on_its_guests_is_tried_ever_less_often() {
    let server = Server::start(Mischief::HangUp);
    let start = Instant::now();
    let mut links = [server.link(1, 7), server.link(2, 7)];
    // Each has a line for each plane, on which the fifth visit comes after waits of a quarter, half, one and two
    // seconds at the least.
    wait(&mut links, |_| server.hub.lock().unwrap().visits >= 4 * 5);
    assert!(start.elapsed() >= Duration::from_millis(3_750), "{:?}", start.elapsed());
    server.hub.lock().unwrap().mischief = Mischief::None;
    wait(&mut links, all_open);
}
