//! Our end of the rendezvous: a websocket that is made again whenever it breaks.
//!
//! matchbox takes a lost signaling connection for the end of all new links, so it never learns of one:
//! it holds a [`Post`], which always works, and [`Caller`] does what can be done at the other end.

use super::{
    candidates::only_relays,
    doubling::doubled,
    roster::{Names, Roster},
    seal::Seal,
    signal::{Event, Request},
    websocket::WebSocket,
};
use crate::{
    link::{LinkError, Rendezvous},
    raft::Moment,
};
use async_trait::async_trait;
use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::{Either, select},
    pin_mut, select_biased,
};
use futures_timer::Delay;
use matchbox_socket::{PeerEvent, PeerId, PeerRequest, PeerSignal, SignalingError, Signaller, SignallerBuilder};
use std::{
    future::{Future, pending},
    io::ErrorKind,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use web_time::Instant;

/// How long connecting to a signaling server, or writing to it, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before connecting again, at first; it doubles with every failure in a row.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// How long to wait before connecting again, at most.
const BACKOFF_MAX: Duration = Duration::from_secs(8);
/// How often the addresses before the one in use are tried: everybody has to end up at the same one.
const BETTER_INTERVAL: Duration = Duration::from_secs(30);
/// How often a sign of life is asked for.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// How often none may come in a row, where they can be asked for.
const PINGS_MISSED_MAX: u32 = 3;

/// What became of a connection that matchbox made.
pub(super) enum Outcome {
    /// It stands.
    Connected(PeerId),
    /// It broke.
    Broken(PeerId),
    /// It isn't wanted any more.
    Closed(PeerId),
}

/// matchbox's side; handed over once.
pub(super) struct Post {
    requests: UnboundedSender<PeerRequest>,
    events: UnboundedReceiver<PeerEvent>,
}

/// Hands a [`Post`] to matchbox.
pub(super) struct PostBuilder(Mutex<Option<Post>>);

/// The server's side.
pub(super) struct Caller<Report> {
    urls: Vec<String>,
    requests: UnboundedReceiver<PeerRequest>,
    events: UnboundedSender<PeerEvent>,
    outcomes: UnboundedReceiver<Outcome>,
    seal: Seal,
    relay_only: bool,
    roster: Roster,
    names: Names,
    origin: Instant,
    report: Report,
}

/// A connection to the server at one of the addresses.
struct Line {
    socket: WebSocket,
    /// Which of the addresses.
    rank: usize,
}

/// Both sides, for a socket that meets its peers at one of `urls` and speaks to them under `seal`; what becomes of
/// connections is told through the third part.
pub(super) fn signaller<Report: Fn(Rendezvous)>(
    urls: Vec<String>,
    seal: Seal,
    relay_only: bool,
    report: Report,
) -> (PostBuilder, Caller<Report>, UnboundedSender<Outcome>) {
    let (request, requests) = unbounded();
    let (event, events) = unbounded();
    let (outcome, outcomes) = unbounded();
    let names = Names::default();
    // matchbox wants a name for us, once; it tells it to nobody.
    let _ = event.unbounded_send(PeerEvent::IdAssigned(names.fresh()));
    let post = PostBuilder(Mutex::new(Some(Post { requests: request, events })));
    let roster = Roster::new(names.clone(), seal.clone());
    let origin = Instant::now();
    let caller = Caller { urls, seal, relay_only, requests, events: event, outcomes, roster, names, origin, report };
    (post, caller, outcome)
}

impl std::fmt::Debug for PostBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostBuilder")
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl SignallerBuilder for PostBuilder {
    async fn new_signaller(&self, _: Option<u16>, _: String) -> Result<Box<dyn Signaller>, SignalingError> {
        let post = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        post.map(|post| Box::new(post) as Box<dyn Signaller>).ok_or(SignalingError::StreamExhausted)
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Signaller for Post {
    async fn send(&mut self, request: PeerRequest) -> Result<(), SignalingError> {
        // Nobody listens only when everything is being torn down.
        let _ = self.requests.unbounded_send(request);
        Ok(())
    }

    async fn next_message(&mut self) -> Result<PeerEvent, SignalingError> {
        match self.events.next().await {
            Some(event) => Ok(event),
            None => pending().await,
        }
    }
}

impl<Report: Fn(Rendezvous)> Caller<Report> {
    /// Connects, again and again, to the first address that answers.
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        (self.report)(Rendezvous::Connecting);
        loop {
            match self.meanwhile(connect_first(self.urls.clone())).await {
                Ok(mut line) => {
                    let mut let_in = false;
                    while let Some(better) = self.serve(&mut line, &mut let_in).await {
                        line = better;
                        self.start_over();
                    }
                    failures = if let_in { 0 } else { failures + 1 };
                    (self.report)(Rendezvous::Lost(LinkError::Gone { url: self.urls[line.rank].clone() }));
                }
                Err(error) => {
                    failures += 1;
                    (self.report)(Rendezvous::Lost(error));
                }
            }
            self.start_over();
            self.meanwhile(Delay::new(backoff(failures))).await;
        }
    }

    /// Another connection, other names: whoever is there will call us, or hear of us.
    fn start_over(&mut self) {
        self.roster = Roster::new(self.names.clone(), self.seal.clone());
    }

    /// Speaks with a server until it is gone, or a better one answers, which it returns.
    async fn serve(&mut self, line: &mut Line, let_in: &mut bool) -> Option<Line> {
        let mut ping = Delay::new(PING_INTERVAL).fuse();
        let mut pings_missed = 0;
        let better = find_better(self.urls[..line.rank].to_vec()).fuse();
        pin_mut!(better);
        loop {
            let call_due = self.call_due().fuse();
            pin_mut!(call_due);
            select_biased! {
                text = line.socket.next().fuse() => {
                    pings_missed = 0;
                    let Ok(event) = serde_json::from_str::<Event>(&text?) else { continue };
                    if matches!(event, Event::IdAssigned(_)) {
                        *let_in = true;
                        (self.report)(Rendezvous::Connected);
                    }
                    let event = self.roster.hear(self.now(), event);
                    self.tell(event);
                }
                outcome = self.outcomes.select_next_some() => hear_outcome(&mut self.roster, now(self.origin), outcome),
                request = self.requests.select_next_some() => {
                    let Some(text) = self.translate(request) else { continue };
                    within(PATIENCE, line.socket.send(text)).await.filter(|sent| *sent)?;
                }
                _ = call_due => {
                    let event = self.roster.call_due(self.now());
                    self.tell(event);
                }
                _ = ping => {
                    pings_missed += u32::from(cfg!(not(target_arch = "wasm32")));
                    if pings_missed > PINGS_MISSED_MAX {
                        return None;
                    }
                    within(PATIENCE, line.socket.ping()).await.filter(|sent| *sent)?;
                    ping = Delay::new(PING_INTERVAL).fuse();
                }
                line = better => return Some(line),
            }
        }
    }

    /// Waits for `future`; what matchbox wants to say to a server meanwhile is lost.
    async fn meanwhile<F: Future>(&mut self, future: F) -> F::Output {
        let future = future.fuse();
        pin_mut!(future);
        loop {
            select_biased! {
                output = future => return output,
                _ = self.requests.select_next_some() => {}
                _ = self.outcomes.select_next_some() => {}
            }
        }
    }

    /// Resolves when somebody should be called again.
    fn call_due(&self) -> impl Future<Output = ()> + use<Report> {
        let wait = self.roster.deadline().map(|deadline| Delay::new(deadline - self.now()));
        async move {
            match wait {
                Some(wait) => wait.await,
                None => pending().await,
            }
        }
    }

    fn tell(&self, event: Option<PeerEvent>) {
        let event = match event {
            Some(PeerEvent::Signal { sender, data }) => {
                self.allowed(data).map(|data| PeerEvent::Signal { sender, data })
            }
            event => event,
        };
        if let Some(event) = event {
            // It can only fail when everything is being torn down.
            let _ = self.events.unbounded_send(event);
        }
    }

    fn now(&self) -> Moment {
        now(self.origin)
    }

    /// What the server is told of matchbox's request; nothing, if it is about an attempt long given up.
    fn translate(&self, request: PeerRequest) -> Option<String> {
        let request = match request {
            PeerRequest::KeepAlive => Request::KeepAlive,
            PeerRequest::Signal { receiver: name, data } => {
                let (receiver, data) = self.roster.address(name, self.allowed(data)?)?;
                Request::Signal { receiver, data }
            }
        };
        Some(serde_json::to_string(&request).expect("names and JSON always have a text form"))
    }

    /// What may be told, or heard, of a signal.
    fn allowed(&self, signal: PeerSignal) -> Option<PeerSignal> {
        if self.relay_only { only_relays(signal) } else { Some(signal) }
    }
}

/// The first of `urls` that answers; if none does, why the first doesn't.
async fn connect_first(urls: Vec<String>) -> Result<Line, LinkError> {
    let mut first_error = None;
    for (rank, url) in urls.into_iter().enumerate() {
        let connected = within(PATIENCE, WebSocket::connect(&url)).await;
        match connected.unwrap_or_else(|| Err(LinkError::Unreachable { url, kind: ErrorKind::TimedOut })) {
            Ok(socket) => return Ok(Line { socket, rank }),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.expect("there is at least one address"))
}

/// Resolves when one of `urls` answers.
async fn find_better(urls: Vec<String>) -> Line {
    if urls.is_empty() {
        return pending().await;
    }
    loop {
        Delay::new(BETTER_INTERVAL).await;
        if let Ok(line) = connect_first(urls.clone()).await {
            return line;
        }
    }
}

fn now(origin: Instant) -> Moment {
    Moment::ZERO + origin.elapsed()
}

fn hear_outcome(roster: &mut Roster, now: Moment, outcome: Outcome) {
    match outcome {
        Outcome::Connected(name) => roster.connected(name),
        Outcome::Broken(name) => roster.broken(now, name),
        Outcome::Closed(name) => roster.closed(name),
    }
}

/// What `future` gives, if it does so in time.
async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    pin_mut!(future);
    match select(future, Delay::new(time)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// How long to wait after so many failures in a row; spread, so that not everybody comes at once.
fn backoff(failures: u32) -> Duration {
    let longest = doubled(BACKOFF_MIN, failures.saturating_sub(1), BACKOFF_MAX);
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    longest.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}
