//! Peers that meet at the host, and strangers who ask too much of it.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

mod support;

use matchbox_protocol::PeerEvent::{NewPeer, PeerLeft, Signal};
use support::{Peer, get, host};

/// What somebody hears whose address has all the connections that it may have.
const CROWDED: &str = "too many connections from your address";

#[tokio::test]
async fn two_peers_hear_of_each_other_and_pass_signals_on() {
    let host = host(|_| {}).await;
    let mut first = Peer::enter(host.address(), "room-c").await;
    let mut second = Peer::enter(host.address(), "some/where/room-c").await;
    assert_eq!(first.hear().await, NewPeer(second.id));
    first.signal(second.id, "call").await;
    assert_eq!(second.hear().await, Signal { sender: first.id, data: "call".into() });
    second.signal(first.id, 7).await;
    assert_eq!(first.hear().await, Signal { sender: second.id, data: 7.into() });
    let left = second.id;
    drop(second);
    assert_eq!(first.hear().await, PeerLeft(left));
    host.stop().await;
}

#[tokio::test]
async fn the_planes_of_a_room_are_apart_and_so_are_rooms() {
    let host = host(|_| {}).await;
    let mut first = Peer::enter(host.address(), "room-c").await;
    let elsewhere = [Peer::enter(host.address(), "room-b").await, Peer::enter(host.address(), "other-c").await];
    for peer in &elsewhere {
        first.signal(peer.id, "nobody hears this").await;
    }
    let second = Peer::enter(host.address(), "room-c").await;
    assert_eq!(first.hear().await, NewPeer(second.id));
    host.stop().await;
}

#[tokio::test]
async fn who_finds_no_place_is_told_why() {
    let host = host(|given| (given.seats_per_room, given.rooms) = (Some(1), Some(2))).await;
    let _first = Peer::enter(host.address(), "a-c").await;
    let _second = Peer::enter(host.address(), "b-c").await;
    let long = format!("{}-c", "a".repeat(200));
    for (room, words) in [
        ("a-c", "this room is full"),
        ("c-c", "there are too many rooms"),
        ("no-room", "404 Not Found"),
        (&long, "404 Not Found"),
    ] {
        assert_eq!(Peer::try_enter(host.address(), room, "").await.err().as_deref(), Some(words), "{room}");
    }
    let metrics = get(host.address(), "/metrics").await.text();
    for line in
        ["refused_total{reason=\"Seats\"} 1", "refused_total{reason=\"Rooms\"} 1", "refused_total{reason=\"Name\"} 2"]
    {
        assert!(metrics.contains(line), "{metrics}");
    }
    host.stop().await;
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_a_proxy_says_which_it_is() {
    let host = host(|given| {
        (given.connections_per_address, given.behind_proxy) = (Some(1), Some(true));
    })
    .await;
    let mut first = Peer::try_enter(host.address(), "a-c", "203.0.113.7").await.unwrap();
    assert_eq!(Peer::try_enter(host.address(), "b-c", "203.0.113.7").await.err().as_deref(), Some(CROWDED));
    assert_eq!(
        Peer::try_enter(host.address(), "b-c", "203.0.113.9, 203.0.113.7").await.err().as_deref(),
        Some(CROWDED)
    );
    let second = Peer::try_enter(host.address(), "a-c", "203.0.113.8").await.unwrap();
    assert_eq!(first.hear().await, NewPeer(second.id));
    host.stop().await;
}

#[tokio::test]
async fn without_a_proxy_nobody_chooses_an_address() {
    let host = host(|given| given.connections_per_address = Some(1)).await;
    let _first = Peer::try_enter(host.address(), "a-c", "203.0.113.7").await.unwrap();
    assert_eq!(Peer::try_enter(host.address(), "b-c", "203.0.113.8").await.err().as_deref(), Some(CROWDED));
    host.stop().await;
}

#[tokio::test]
async fn what_is_too_large_too_much_or_no_signal_ends_the_connection() {
    let host = host(|given| (given.signal_bytes, given.signals_per_second) = (Some(200), Some(1))).await;
    let mut large = Peer::enter(host.address(), "a-c").await;
    let to = large.id;
    large.signal(to, "x".repeat(200)).await;
    assert!(large.farewell().await.contains("too large"));
    let mut giant = Peer::enter(host.address(), "a-c").await;
    giant.say(&"x".repeat(1_000)).await;
    giant.farewell().await;
    let mut chatty = Peer::enter(host.address(), "a-c").await;
    for _ in 0..11 {
        chatty.say("\"KeepAlive\"").await;
    }
    assert!(chatty.farewell().await.contains("too many"));
    let mut odd = Peer::enter(host.address(), "a-c").await;
    odd.say("hello").await;
    assert!(odd.farewell().await.contains("no signal"));
    host.stop().await;
}

#[tokio::test]
async fn a_room_is_forgotten_with_its_last_peer() {
    let host = host(|given| given.rooms = Some(1)).await;
    let mut first = Peer::enter(host.address(), "a-c").await;
    // The server ends this connection itself, after it gave the seat up.
    first.say("hello").await;
    first.farewell().await;
    drop(first);
    while get(host.address(), "/health").await.json()["rooms"] != 0 {
        tokio::task::yield_now().await;
    }
    Peer::enter(host.address(), "b-c").await;
    host.stop().await;
}

#[tokio::test]
async fn who_gives_no_sign_of_life_is_let_go() {
    let host = host(|given| given.idle_seconds = Some(1)).await;
    // A peer whose library doesn't answer unless it is asked to read.
    let silent = Peer::enter(host.address(), "a-c").await;
    let mut alive = Peer::enter(host.address(), "a-c").await;
    assert_eq!(alive.hear().await, PeerLeft(silent.id));
    drop(silent);
    host.stop().await;
}

#[tokio::test]
async fn when_the_host_stops_everybody_is_told() {
    let host = host(|_| {}).await;
    let mut peer = Peer::enter(host.address(), "a-c").await;
    let address = host.address();
    host.stop().await;
    assert!(peer.farewell().await.contains("stops"));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
