//! Runs the matchbox socket of one plane, and makes a new one should it end.

use super::{
    MatchboxConfig,
    doubling::doubled,
    shared::{Shared, Socket, State},
    signaller::{Notice, signaller},
};
use crate::link::{Lane, LinkError, LinkId, Plane, Rendezvous};
use bytes::Bytes;
use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender},
    future::{CatchUnwind, FusedFuture},
    pin_mut, select,
};
use futures_timer::Delay;
use matchbox_socket::{ChannelConfig, MessageLoopFuture, Packet, PeerId, PeerState, WebRtcSocket, WebRtcSocketBuilder};
use std::{
    any::Any, collections::BTreeMap, future::poll_fn, panic::AssertUnwindSafe, sync::Arc, task::Poll, time::Duration,
};
use web_time::Instant;

/// How long after its end a socket is made anew; it doubles with every one in a row that didn't hold.
const REBUILD_AFTER: Duration = Duration::from_secs(1);
/// How long at most, as where a machine has no network that WebRTC can use.
const REBUILD_AFTER_MAX: Duration = Duration::from_secs(30);
/// How long a socket must stand to have held.
const STEADY: Duration = Duration::from_secs(10);
/// How much longer frames leave after the link was dropped, so that goodbyes arrive.
const FAREWELL: Duration = Duration::from_millis(250);
/// How often it is asked whether connections go through a relay.
const RELAYED_INTERVAL: Duration = Duration::from_secs(1);
/// The most frames taken from one lane at a time.
const BURST_MAX: usize = 256;
/// The most frames kept of a peer whose connection isn't quite announced yet.
const EARLY_FRAMES_MAX: usize = 16;
/// The most peers of whom early frames are kept.
const EARLY_PEERS_MAX: usize = 64;

/// Serves one plane until `leave` resolves.
pub(super) async fn serve(shared: Shared, config: MatchboxConfig, plane: Plane, leave: impl FusedFuture) {
    pin_mut!(leave);
    #[cfg(target_arch = "wasm32")]
    if !super::browser::gives_connections() {
        // Whoever is announced is called, and matchbox ends the page when it finds nothing to answer with.
        shared.wake_after(|state| state.report(plane, Rendezvous::Lost(LinkError::WebRtcBlocked)));
        let _ = leave.await;
        return;
    }
    let mut failures = 0_u32;
    loop {
        let began = Instant::now();
        let mut run = std::pin::pin!(run(&shared, &config, plane).fuse());
        let pause;
        select! {
            end = run => {
                failures = if began.elapsed() > STEADY { 0 } else { failures + 1 };
                pause = doubled(REBUILD_AFTER, failures, REBUILD_AFTER_MAX);
                tracing::warn!("the {plane:?} socket ended and is made anew in {pause:?}: {end}");
                shared.wake_after(|state| state.report(plane, Rendezvous::Lost(LinkError::NoWebRtc { reason: end })));
            }
            _ = leave => {
                let _ = futures::future::select(run, Delay::new(FAREWELL)).await;
                return;
            }
        }
        shared.wake_after(|state| state.lose_all(plane));
        select! {
            _ = Delay::new(pause).fuse() => {}
            _ = leave => return,
        }
    }
}

/// Runs one socket to its end, and says why it came. matchbox panics over signals that make no sense, and where WebRTC finds
/// no network; that ends it too.
async fn run(shared: &Shared, config: &MatchboxConfig, plane: Plane) -> String {
    let report = {
        let shared = shared.clone();
        move |event| shared.wake_after(|state| state.tell(plane, event))
    };
    let (post, caller, notices) = signaller(config, plane, report);
    let (mut socket, message_loop) = WebRtcSocketBuilder::new("")
        .ice_server(config.ice_server.clone())
        .add_channel(ChannelConfig { ordered: false, max_retransmits: Some(0) })
        .add_channel(ChannelConfig { ordered: false, max_retransmits: None })
        .signaller_builder(Arc::new(post))
        .build();
    let mut take = |channel| socket.take_channel(channel).expect("both channels were added above").split();
    let ((unreliable, mut unreliable_in), (reliable, mut reliable_in)) = (take(0), take(1));
    shared.lock().sockets[plane as usize] = Some(Socket { channels: [unreliable, reliable], notices: notices.clone() });

    let mut message_loop: Guarded = AssertUnwindSafe(message_loop).catch_unwind();
    let caller = caller.fuse();
    pin_mut!(caller);
    let mut names = Links::default();
    let mut look = Delay::new(RELAYED_INTERVAL).fuse();
    loop {
        select! {
            changes = run_until_news(&mut message_loop, &mut socket).fuse() => match changes {
                Ok(changes) => changes.into_iter().for_each(|(name, state)| names.take(shared, plane, &notices, name, state)),
                Err(end) => return end,
            },
            () = caller => return "its signaling ended".to_owned(),
            packet = unreliable_in.select_next_some() => {
                names.receive(shared, Lane::unreliable(plane), packet, &mut unreliable_in);
            }
            packet = reliable_in.select_next_some() => {
                names.receive(shared, Lane::reliable(plane), packet, &mut reliable_in);
            }
            _ = look => {
                names.look(shared, &socket);
                look = Delay::new(RELAYED_INTERVAL).fuse();
            }
        }
    }
}

type Guarded = CatchUnwind<AssertUnwindSafe<MessageLoopFuture>>;

/// Runs matchbox until peers come or go; the error says why it ended.
async fn run_until_news(
    message_loop: &mut Guarded,
    socket: &mut WebRtcSocket,
) -> Result<Vec<(PeerId, PeerState)>, String> {
    poll_fn(|context| {
        if let Poll::Ready(end) = message_loop.poll_unpin(context) {
            return Poll::Ready(Err(match end {
                Ok(Ok(())) => "it was closed".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(panic) => words(&*panic).to_owned(),
            }));
        }
        // There is news only after the loop was polled, so nothing is missed between two looks.
        match socket.try_update_peers() {
            Ok(changes) if changes.is_empty() => Poll::Pending,
            Ok(changes) => Poll::Ready(Ok(changes)),
            Err(_) => Poll::Ready(Err("it was closed".to_owned())),
        }
    })
    .await
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it did not say why")
}

/// The connections of one socket, by matchbox's names.
#[derive(Default)]
struct Links {
    by_name: BTreeMap<PeerId, LinkId>,
    /// Frames that overtook the news of their connection.
    early: BTreeMap<PeerId, Vec<(Lane, Bytes)>>,
    /// What is known of whether they go through a relay.
    relayed: BTreeMap<LinkId, bool>,
}

impl Links {
    /// A connection came or went.
    fn take(
        &mut self,
        shared: &Shared,
        plane: Plane,
        notices: &UnboundedSender<Notice>,
        name: PeerId,
        state: PeerState,
    ) {
        let notice = match state {
            PeerState::Connected => {
                shared.wake_after(|state| self.open(state, plane, name));
                Some(Notice::Connected(name))
            }
            PeerState::Disconnected => self.by_name.remove(&name).and_then(|link| {
                let mut wanted = false;
                shared.wake_after(|state| wanted = state.lose(link));
                self.relayed.remove(&link);
                wanted.then_some(Notice::Broken(name))
            }),
        };
        if let Some(notice) = notice {
            let _ = notices.unbounded_send(notice);
        }
    }

    /// Sees which connections go through a relay.
    fn look(&mut self, shared: &Shared, socket: &WebRtcSocket) {
        for (name, link) in &self.by_name {
            let Some(relayed) = socket.is_relayed(*name) else { continue };
            if self.relayed.insert(*link, relayed) != Some(relayed) {
                shared.wake_after(|state| state.relay(*link, relayed));
            }
        }
    }

    fn open(&mut self, state: &mut State, plane: Plane, name: PeerId) {
        let link = state.open(plane, name);
        self.by_name.insert(name, link);
        for (lane, frame) in self.early.remove(&name).unwrap_or_default() {
            state.receive(link, lane, frame);
        }
    }

    /// Takes in `first` and what else waits on its lane.
    fn receive(
        &mut self,
        shared: &Shared,
        lane: Lane,
        first: (PeerId, Packet),
        more: &mut UnboundedReceiver<(PeerId, Packet)>,
    ) {
        shared.wake_after(|state| {
            let rest = std::iter::from_fn(|| more.try_recv().ok());
            for (name, frame) in std::iter::once(first).chain(rest).take(BURST_MAX) {
                match self.by_name.get(&name) {
                    Some(link) => state.receive(*link, lane, frame),
                    None => self.keep(name, lane, frame),
                }
            }
        });
    }

    fn keep(&mut self, name: PeerId, lane: Lane, frame: Bytes) {
        if self.early.len() >= EARLY_PEERS_MAX {
            self.early.pop_first();
        }
        let frames = self.early.entry(name).or_default();
        if frames.len() < EARLY_FRAMES_MAX {
            frames.push((lane, frame));
        }
    }
}
