//! The whiteboard's own signaling server: introduces peers to each other, and sees nothing of the board.
//!
//! A full mesh like matchbox's own, which differs in three things: empty rooms are forgotten, every number
//! that a stranger controls has a limit, and a browser that opens the link gets a page that says what it is.

use async_trait::async_trait;
use axum::{
    Router,
    extract::{
        Request,
        ws::{CloseFrame, Message, close_code},
    },
    http::header,
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
};
use futures::StreamExt;
use matchbox_protocol::{JsonPeerEvent, JsonPeerRequest, PeerId};
use matchbox_signaling::{
    NoCallbacks, SignalingServerBuilder, SignalingState, SignalingTopology, WsStateMeta,
    common_logic::{SignalingChannel, parse_request},
};
use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::runtime::{Builder, Runtime};

/// Rooms at one server. Whoever opens one more is turned away.
const ROOMS_MAX: usize = 1_024;
/// Sockets in one room; each peer brings two.
const SEATS_MAX: usize = 128;
/// The longest name of a room, in bytes.
const ROOM_NAME_BYTES_MAX: usize = 128;
/// The largest signal that is passed on, in bytes.
const SIGNAL_BYTES_MAX: usize = 64 * 1024;

/// What those hear for whom there is no place.
const NO_PLACE: &str = "there are too many";

/// What a browser shows that opens an invitation.
const PAGE: &str = include_str!("signaling.html");

/// A server that runs until it is dropped.
pub struct Signaling {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Signaling {
    /// Listens at `address`; port 0 is any free one.
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let mut server = SignalingServerBuilder::<_, NoCallbacks, _>::new(address, Mesh, Rooms::default())
            .build_with(|router: Router| router.layer(middleware::from_fn(explain)));
        let address = server.bind().map_err(|error| match error {
            matchbox_signaling::Error::Bind(error) => error,
            error => io::Error::other(error),
        })?;
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("signaling").enable_all().build()?;
        runtime.spawn(async move {
            if let Err(error) = server.serve().await {
                tracing::error!("the signaling server stopped: {error}");
            }
        });
        Ok(Self { address, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where others find it.
    pub fn url(&self) -> String {
        format!("ws://{}", SocketAddr::new(reachable_ip(self.address.ip()), self.address.port()))
    }
}

impl Drop for Signaling {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The address under which others reach a server that listens at `listening`.
fn reachable_ip(listening: IpAddr) -> IpAddr {
    if listening.is_unspecified() { outbound_ip().unwrap_or(Ipv4Addr::LOCALHOST.into()) } else { listening }
}

/// The address of the interface that leads outside. Connecting a datagram socket sends nothing.
fn outbound_ip() -> Option<IpAddr> {
    // An address of the documentation range: never reached, only routed.
    let somewhere = (Ipv4Addr::new(192, 0, 2, 1), 9);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(somewhere).ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
}

/// Answers whoever comes without a websocket.
async fn explain(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::UPGRADE) { next.run(request).await } else { Html(PAGE).into_response() }
}

/// Everybody in a room hears of everybody else.
struct Mesh;

#[async_trait]
impl SignalingTopology<NoCallbacks, Rooms> for Mesh {
    async fn state_machine(mut socket: WsStateMeta<NoCallbacks, Rooms>) {
        let Some(seat) = Seat::take(socket.state, socket.room, socket.peer_id, socket.sender) else { return };
        while let Some(Ok(message)) = socket.receiver.next().await {
            match message {
                Message::Text(text) if text.len() > SIGNAL_BYTES_MAX => return,
                Message::Close(_) => return,
                message => {
                    if let Ok(JsonPeerRequest::Signal { receiver, data }) = parse_request(Ok(message)) {
                        seat.pass_on(receiver, data);
                    }
                }
            }
        }
    }
}

/// Who sits in which room.
#[derive(Clone, Default)]
struct Rooms(Arc<Mutex<BTreeMap<String, BTreeMap<PeerId, SignalingChannel>>>>);

impl SignalingState for Rooms {}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<PeerId, SignalingChannel>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a room, given up when dropped.
struct Seat {
    rooms: Rooms,
    room: String,
    peer: PeerId,
}

impl Seat {
    /// Sits down and tells the others. Nothing comes of it if there is no place, which is told, or the name is none.
    fn take(rooms: Rooms, room: String, peer: PeerId, channel: SignalingChannel) -> Option<Self> {
        let mut taken = rooms.lock();
        if room.len() > ROOM_NAME_BYTES_MAX {
            return None;
        }
        let full = match taken.get(&room) {
            Some(seats) => seats.len() >= SEATS_MAX,
            None => taken.len() >= ROOMS_MAX,
        };
        if full {
            tracing::warn!("a peer was turned away: there is no place for it");
            let close = CloseFrame { code: close_code::AGAIN, reason: NO_PLACE.into() };
            let _gone_anyway = channel.send(Ok(Message::Close(Some(close))));
            return None;
        }
        let seats = taken.entry(room.clone()).or_default();
        tell_all(seats, &JsonPeerEvent::NewPeer(peer));
        seats.insert(peer, channel);
        drop(taken);
        Some(Self { rooms, room, peer })
    }

    /// Passes a signal on to somebody in the same room.
    fn pass_on(&self, to: PeerId, data: serde_json::Value) {
        let rooms = self.rooms.lock();
        if let Some(channel) = rooms.get(&self.room).and_then(|seats| seats.get(&to)) {
            tell(channel, &JsonPeerEvent::Signal { sender: self.peer, data });
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        let Some(seats) = rooms.get_mut(&self.room) else { return };
        seats.remove(&self.peer);
        tell_all(seats, &JsonPeerEvent::PeerLeft(self.peer));
        if seats.is_empty() {
            rooms.remove(&self.room);
        }
    }
}

fn tell_all(seats: &BTreeMap<PeerId, SignalingChannel>, event: &JsonPeerEvent) {
    for channel in seats.values() {
        tell(channel, event);
    }
}

/// Somebody whose socket is closing is told nothing: their seat is about to be free.
fn tell(channel: &SignalingChannel, event: &JsonPeerEvent) {
    let _ = channel.send(Ok(Message::Text(event.to_string().into())));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };
    use tokio::sync::mpsc;

    fn peer(number: u128) -> PeerId {
        // Ids come from the server as random UUIDs; a test only needs them to differ.
        serde_json::from_value(format!("{number:032x}").into()).unwrap()
    }

    fn sit(rooms: &Rooms, room: &str, number: u128) -> Option<Seat> {
        Seat::take(rooms.clone(), room.into(), peer(number), mpsc::unbounded_channel().0)
    }

    fn local() -> Signaling {
        Signaling::start((Ipv4Addr::LOCALHOST, 0).into()).unwrap()
    }

    #[test]
    fn a_room_is_forgotten_with_its_last_peer() {
        let rooms = Rooms::default();
        let (first, second) = (sit(&rooms, "a", 1), sit(&rooms, "a", 2));
        drop(first);
        assert_eq!(rooms.lock().len(), 1);
        drop(second);
        assert!(rooms.lock().is_empty());
    }

    #[test]
    fn those_who_stay_hear_who_comes_and_goes() {
        let rooms = Rooms::default();
        let (channel, mut heard) = mpsc::unbounded_channel();
        let _first = Seat::take(rooms.clone(), "a".into(), peer(1), channel).unwrap();
        drop(sit(&rooms, "a", 2));
        drop(sit(&rooms, "b", 3));
        let mut next = || match heard.try_recv().unwrap().unwrap() {
            Message::Text(text) => text.parse::<JsonPeerEvent>().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(next(), JsonPeerEvent::NewPeer(peer(2)));
        assert_eq!(next(), JsonPeerEvent::PeerLeft(peer(2)));
        assert!(heard.is_empty(), "another room's peers are none of our business");
    }

    #[test]
    fn a_full_room_turns_people_away() {
        let rooms = Rooms::default();
        let seats: Vec<_> = (0..SEATS_MAX as u128).map(|number| sit(&rooms, "a", number).unwrap()).collect();
        let (channel, mut heard) = mpsc::unbounded_channel();
        assert!(Seat::take(rooms.clone(), "a".into(), peer(1_000), channel).is_none());
        let Message::Close(Some(close)) = heard.try_recv().unwrap().unwrap() else { panic!("a reason was expected") };
        assert_eq!((close.code, close.reason.as_str()), (close_code::AGAIN, NO_PLACE));
        drop(seats);
        assert!(sit(&rooms, "a", 1_000).is_some());
        assert!(sit(&rooms, &"a".repeat(ROOM_NAME_BYTES_MAX + 1), 1).is_none());
    }

    #[test]
    fn a_browser_gets_a_page_that_says_what_the_link_is() {
        let server = local();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nHost: board\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("whiteboard"), "{answer}");
    }

    #[test]
    fn a_taken_address_is_refused() {
        let server = local();
        let address = server.address();
        assert!(Signaling::start(address).is_err());
    }

    #[test]
    fn the_link_names_an_address_that_others_reach() {
        let loopback = Ipv4Addr::LOCALHOST.into();
        assert_eq!(reachable_ip(loopback), loopback);
        assert!(!reachable_ip(Ipv4Addr::UNSPECIFIED.into()).is_unspecified());
        assert!(local().url().starts_with("ws://127.0.0.1:"));
    }
}
