//! Links through a relay alone, and what is said of the way a link takes.
#![cfg(all(feature = "webrtc", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used)]

mod relay;

use bevy_quorum::{
    link::{
        IceServer, Link, LinkEvent, Plane,
        matchbox::{MatchboxConfig, MatchboxLink},
    },
    raft::NodeId,
    wire::Secret,
};
use matchbox_signaling::SignalingServer;
use relay::Relay;
use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// What became of the links once `enough` was seen.
fn events(links: &mut [MatchboxLink], enough: impl Fn(&[Vec<LinkEvent>]) -> bool) -> Vec<Vec<LinkEvent>> {
    let began = Instant::now();
    let mut events = vec![Vec::new(); links.len()];
    while !enough(&events) {
        assert!(began.elapsed() < PATIENCE, "it did not happen: {events:?}");
        for (link, events) in links.iter_mut().zip(&mut events) {
            events.extend(std::iter::from_fn(|| link.poll()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    events
}

/// Two links that meet at a server of their own.
fn meet(change: impl Fn(MatchboxConfig) -> MatchboxConfig) -> Vec<Vec<LinkEvent>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut server = SignalingServer::full_mesh_builder((Ipv4Addr::LOCALHOST, 0)).build();
    let address = runtime.block_on(async { server.bind() }).unwrap();
    runtime.spawn(server.serve());
    let link = |node| {
        let config =
            MatchboxConfig::new(NodeId(node), [format!("ws://{address}")], "room", Secret::from_bytes([7; 32]));
        MatchboxLink::new(change(config)).unwrap()
    };
    events(&mut [link(1), link(2)], |events| events.iter().all(|events| both_known(events)))
}

/// Whether the ways of both planes are known.
fn both_known(events: &[LinkEvent]) -> bool {
    events.iter().filter(|event| matches!(event, LinkEvent::Relayed { .. })).count() >= 2
}

fn is_opened(event: &LinkEvent) -> bool {
    matches!(event, LinkEvent::Opened { plane: Plane::Consensus, .. })
}

#[test]
fn a_path_through_a_relay_alone_works_and_says_so() {
    let Some(relay) = Relay::start() else { return };
    let server = IceServer::relay(relay.url(), relay::USERNAME, relay::CREDENTIAL);
    let events = meet(|config| config.with_ice_servers([&server]).unwrap().through_relays_alone());
    for events in events {
        assert!(events.iter().any(is_opened), "{events:?}");
        let direct = |event: &LinkEvent| matches!(event, LinkEvent::Relayed { relayed: false, .. });
        assert!(!events.iter().any(direct), "{events:?}");
    }
}

#[test]
fn a_path_that_needs_no_relay_says_so() {
    let events = meet(MatchboxConfig::without_ice_servers);
    let relayed = |event: &LinkEvent| matches!(event, LinkEvent::Relayed { relayed: true, .. });
    assert!(!events.iter().flatten().any(relayed), "{events:?}");
}
