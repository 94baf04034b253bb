//! Runs the matchbox socket of one plane, and makes a new one should it end.

use super::{
    MatchboxConfig,
    doubling::doubled,
    seal::Seal,
    shared::{Shared, Socket, State},
    signaller::{Outcome, signaller},
};
use crate::link::{Lane, LinkError, LinkId, Plane, Rendezvous};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, channel::mpsc::UnboundedReceiver, future::FusedFuture, pin_mut, select};
use futures_timer::Delay;
use matchbox_socket::{ChannelConfig, Packet, PeerId, PeerState, WebRtcSocketBuilder};
use std::{any::Any, collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use web_time::Instant;

/// How long after its end a socket is made anew; it doubles with every one in a row that didn't hold.
const REBUILD_AFTER: Duration = Duration::from_secs(1);
/// How long at most, as where a machine has no network that WebRTC can use.
const REBUILD_AFTER_MAX: Duration = Duration::from_secs(30);
/// How long a socket must stand to have held.
const STEADY: Duration = Duration::from_secs(10);
/// How much longer frames leave after the link was dropped, so that goodbyes arrive.
const FAREWELL: Duration = Duration::from_millis(250);
/// The most frames taken from one lane at a time.
const BURST_MAX: usize = 256;
/// The most frames kept of a peer whose connection isn't quite announced yet.
const EARLY_FRAMES_MAX: usize = 16;
/// The most peers of whom early frames are kept.
const EARLY_PEERS_MAX: usize = 64;

/// Serves one plane until `leave` resolves.
pub(super) async fn serve(shared: Shared, config: MatchboxConfig, plane: Plane, leave: impl FusedFuture) {
    pin_mut!(leave);
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
        move |rendezvous| shared.wake_after(|state| state.report(plane, rendezvous))
    };
    let seal = Seal::new(&config.signal_key, plane);
    let (post, caller, outcomes) = signaller(config.urls(plane), seal, report);
    let (mut socket, message_loop) = WebRtcSocketBuilder::new("")
        .ice_server(config.ice_server.clone())
        .add_channel(ChannelConfig { ordered: false, max_retransmits: Some(0) })
        .add_channel(ChannelConfig { ordered: false, max_retransmits: None })
        .signaller_builder(Arc::new(post))
        .build();
    let mut take = |channel| socket.take_channel(channel).expect("both channels were added above").split();
    let ((unreliable, mut unreliable_in), (reliable, mut reliable_in)) = (take(0), take(1));
    shared.lock().sockets[plane as usize] =
        Some(Socket { channels: [unreliable, reliable], outcomes: outcomes.clone() });

    let message_loop = AssertUnwindSafe(message_loop).catch_unwind().fuse();
    let caller = caller.run().fuse();
    pin_mut!(message_loop, caller);
    let mut names = Links::default();
    loop {
        select! {
            end = message_loop => return match end {
                Ok(Ok(())) => "it was closed".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(panic) => words(&*panic).to_owned(),
            },
            () = caller => return "its signaling ended".to_owned(),
            state = socket.next().fuse() => match state {
                None => return "it was closed".to_owned(),
                Some((name, PeerState::Connected)) => {
                    shared.wake_after(|state| names.open(state, plane, name));
                    let _ = outcomes.unbounded_send(Outcome::Connected(name));
                }
                Some((name, PeerState::Disconnected)) => {
                    let Some(link) = names.by_name.remove(&name) else { continue };
                    let mut wanted = false;
                    shared.wake_after(|state| wanted = state.lose(link));
                    if wanted {
                        let _ = outcomes.unbounded_send(Outcome::Broken(name));
                    }
                }
            },
            packet = unreliable_in.select_next_some() => {
                names.receive(shared, Lane::unreliable(plane), packet, &mut unreliable_in);
            }
            packet = reliable_in.select_next_some() => {
                names.receive(shared, Lane::reliable(plane), packet, &mut reliable_in);
            }
        }
    }
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
}

impl Links {
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
