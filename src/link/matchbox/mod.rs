//! Links over WebRTC data channels, by way of matchbox.
//!
//! Two sockets, one for each plane: all channels of one connection share a congestion window, and what
//! is bulky must not slow consensus down. Peers find each other at signaling servers, which are needed
//! only for that: when one goes away the links stay, and it is connected to again. Meanwhile members pass
//! signals on.
//!
//! matchbox 0.15 has no back-pressure: what is sent waits, without limit, in its queues. Whoever sends
//! must wait for answers before sending more. It also never forgets a connection it made or tried to
//! make: some kilobytes stay for each, and an attempt that nobody answers keeps its UDP ports; a browser
//! gives a page only so many (Chromium 500), which is told when it comes to that. Attempts are therefore
//! few and far between, and only to peers that say that they are there, or are linked to a neighbour.

#[cfg(target_arch = "wasm32")]
mod browser;
mod candidates;
#[cfg(feature = "playtest")]
#[doc(hidden)]
pub mod decoders;
mod doubling;
mod line;
mod names;
mod pump;
mod remote;
mod roster;
mod seal;
mod shared;
mod signal;
mod signaller;
mod websocket;

pub use shared::{INBOX_BYTES_MAX, INBOX_FRAMES_MAX};

use super::{IceServer, IceServerError, Lane, Link, LinkEvent, LinkId, Plane};
use crate::{raft::NodeId, wire::Secret};
use bytes::Bytes;
use futures::{FutureExt, channel::oneshot};
use matchbox_socket::RtcIceServerConfig;
use shared::Shared;
use signaller::Notice;
use std::task::Waker;

/// Where peers meet, and how they reach each other.
#[derive(Clone, Debug)]
pub struct MatchboxConfig {
    /// Who we are to the others.
    pub node: NodeId,
    /// Addresses of signaling servers (`ws://` or `wss://`). We are present at all of them at once.
    pub rendezvous: Vec<String>,
    /// The name under which the room's members meet there; one path segment.
    pub room_name: String,
    /// The key that all of them hold, and the signaling server doesn't: what they tell each other through it to connect is
    /// sealed under it, so that it can neither be read nor changed there.
    pub signal_key: Secret,
    /// Helps peers find out how they are reached from outside. The default asks Google's public STUN
    /// servers; without `urls`, only peers in one network find each other.
    pub ice_server: RtcIceServerConfig,
    /// Whether peers are reached through relays alone: nobody is told our other addresses, and nobody's are tried.
    pub relay_only: bool,
}

impl MatchboxConfig {
    /// The node `node` meets others at the `rendezvous` under `room_name`, with the default ICE servers.
    pub fn new(
        node: NodeId,
        rendezvous: impl IntoIterator<Item = impl Into<String>>,
        room_name: impl Into<String>,
        signal_key: Secret,
    ) -> Self {
        let rendezvous = rendezvous.into_iter().map(Into::into).collect();
        let ice_server = RtcIceServerConfig::default();
        Self { node, rendezvous, room_name: room_name.into(), signal_key, ice_server, relay_only: false }
    }

    /// Asks no ICE server: for peers in one network, and for tests.
    #[must_use]
    pub fn without_ice_servers(mut self) -> Self {
        self.ice_server.urls.clear();
        self
    }

    /// Asks these, and no others.
    ///
    /// # Errors
    /// If they can't be used together: see [`IceServer::merged`].
    pub fn with_ice_servers<'a>(
        mut self,
        servers: impl IntoIterator<Item = &'a IceServer>,
    ) -> Result<Self, IceServerError> {
        let IceServer { urls, username, credential } = IceServer::merged(servers)?;
        self.ice_server = RtcIceServerConfig { urls, username, credential };
        Ok(self)
    }

    /// Reaches peers through relays alone.
    #[must_use]
    pub fn through_relays_alone(mut self) -> Self {
        self.relay_only = true;
        self
    }

    fn urls(&self, plane: Plane) -> Vec<String> {
        let suffix = match plane {
            Plane::Consensus => "c",
            Plane::Bulk => "b",
        };
        let url = |base: &String| format!("{}/{}-{suffix}", base.trim_end_matches('/'), self.room_name);
        self.rendezvous.iter().map(url).collect()
    }
}

/// A [`Link`] over WebRTC. Dropping it ends all its connections, a moment after what was sent last has
/// left; in a browser they lie idle until the page goes.
pub struct MatchboxLink {
    shared: Shared,
    /// Dropped, they end the task that serves each plane.
    _leave: [oneshot::Sender<()>; 2],
}

impl MatchboxLink {
    /// Starts meeting peers.
    ///
    /// # Errors
    /// When there is no thread to be had for it.
    ///
    /// # Panics
    /// When `config` names no rendezvous.
    pub fn new(config: MatchboxConfig) -> std::io::Result<Self> {
        assert!(!config.rendezvous.is_empty(), "peers need a rendezvous to meet");
        let shared = Shared::default();
        let ((leave_consensus, left_consensus), (leave_bulk, left_bulk)) = (oneshot::channel(), oneshot::channel());
        let serving = shared.clone();
        spawn(move || async move {
            futures::join!(
                pump::serve(serving.clone(), config.clone(), Plane::Consensus, left_consensus.fuse()),
                pump::serve(serving.clone(), config.clone(), Plane::Bulk, left_bulk.fuse()),
            );
        })?;
        Ok(Self { shared, _leave: [leave_consensus, leave_bulk] })
    }
}

impl Link for MatchboxLink {
    fn poll(&mut self) -> Option<LinkEvent> {
        self.shared.lock().pop()
    }

    fn send(&mut self, link: LinkId, lane: Lane, frame: Bytes) {
        // matchbox drops what is empty, and what is too large only once it is on its way.
        if !frame.is_empty() && frame.len() <= lane.bytes_max() {
            self.shared.lock().send(link, lane, frame);
        }
    }

    fn close(&mut self, link: LinkId) {
        self.shared.lock().close(link, Notice::Closed);
    }

    fn redial(&mut self, link: LinkId) {
        self.shared.lock().close(link, Notice::Broken);
    }

    fn seek(&mut self, plane: Plane, node: NodeId) {
        self.shared.lock().ask(plane, Notice::Seek(node));
    }

    fn rest(&mut self, plane: Plane, node: NodeId) {
        self.shared.lock().ask(plane, Notice::Rest(node));
    }

    fn hear(&mut self, plane: Plane, from: NodeId, sealed: String) {
        self.shared.lock().ask(plane, Notice::Passed { from, sealed });
    }

    fn wake(&mut self, waker: Waker) {
        self.shared.lock().set_waker(waker);
    }
}

/// Runs what `task` makes on a thread of its own.
#[cfg(not(target_arch = "wasm32"))]
fn spawn<F: Future<Output = ()>>(task: impl FnOnce() -> F + Send + 'static) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("quorum links".into());
    thread.spawn(move || futures::executor::block_on(task())).map(drop)
}

/// Runs what `task` makes on the page's event loop.
#[cfg(target_arch = "wasm32")]
fn spawn<F: Future<Output = ()> + 'static>(task: impl FnOnce() -> F) -> std::io::Result<()> {
    wasm_bindgen_futures::spawn_local(task());
    Ok(())
}
