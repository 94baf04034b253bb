//! Our end of the signaling: whatever matchbox has to say to a peer goes by one of the ways that lead there.
//!
//! matchbox takes a lost signaling connection for the end of all new links, so it never learns of one: it holds a
//! [`Post`], which always works, and [`Caller`] does what can be done at the other end. The caller is present at all
//! signaling servers at once, so that whoever reaches any of them finds us; and what it has to say to a node that none
//! of them knows, it gives to members of the room to pass on.

use super::{
    MatchboxConfig,
    candidates::only_relays,
    line::{Calm, Line, News},
    remote::Way,
    roster::{Act, Roster},
    seal::{Route, Seal},
    signal::{Event, Request, Signal},
};
use crate::{
    link::{LinkError, LinkEvent, Plane, Rendezvous},
    raft::{Moment, NodeId},
};
use async_trait::async_trait;
use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::join_all,
    pin_mut, select_biased,
};
use futures_timer::Delay;
use matchbox_socket::{PeerEvent, PeerId, PeerRequest, PeerSignal, SignalingError, Signaller, SignallerBuilder};
use serde_json::Value;
use std::{
    future::pending,
    sync::{Mutex, PoisonError},
};
use web_time::Instant;

/// What the caller is told.
pub(super) enum Notice {
    /// A connection stands.
    Connected(PeerId),
    /// A connection broke.
    Broken(PeerId),
    /// A connection isn't wanted any more.
    Closed(PeerId),
    /// A node that can be reached through members isn't linked.
    Seek(NodeId),
    /// It is, or can't be reached.
    Rest(NodeId),
    /// A member passed on what another node says to us.
    Passed { from: NodeId, sealed: String },
}

/// matchbox's side; handed over once.
pub(super) struct Post {
    requests: UnboundedSender<PeerRequest>,
    events: UnboundedReceiver<PeerEvent>,
}

/// Hands a [`Post`] to matchbox.
pub(super) struct PostBuilder(Mutex<Option<Post>>);

/// The other side.
pub(super) struct Caller<Report> {
    plane: Plane,
    own: NodeId,
    seal: Seal,
    relay_only: bool,
    requests: UnboundedReceiver<PeerRequest>,
    events: UnboundedSender<PeerEvent>,
    notices: UnboundedReceiver<Notice>,
    desks: Vec<Desk>,
    calm: Calm,
    roster: Roster,
    origin: Instant,
    report: Report,
}

/// Our end of the line to a server.
struct Desk {
    say: UnboundedSender<String>,
    /// Who we are to it, on the connection that stands.
    own: Option<PeerId>,
    state: Rendezvous,
}

/// All sides for a socket of one plane: matchbox's, ours, which `run` serves, and that on which we are told things.
pub(super) fn signaller<Report: Fn(LinkEvent)>(
    config: &MatchboxConfig,
    plane: Plane,
    report: Report,
) -> (PostBuilder, impl Future<Output = ()>, UnboundedSender<Notice>) {
    let ((request, requests), (event, events), (notice, notices)) = (unbounded(), unbounded(), unbounded());
    // Without randomness, who comes back too soon isn't told from who was there before.
    let mut roster = Roster::new(config.node, getrandom::u64().unwrap_or_default());
    // matchbox wants a name for us, once; it tells it to nobody.
    let _ = event.unbounded_send(PeerEvent::IdAssigned(roster.name()));
    let post = PostBuilder(Mutex::new(Some(Post { requests: request, events })));
    let (calm, (reports, news)) = (Calm::default(), unbounded());
    let urls = config.urls(plane).into_iter().enumerate();
    let (lines, desks): (Vec<_>, Vec<_>) = urls
        .map(|(rank, url)| {
            let (line, say) = Line::new(url, rank, reports.clone(), calm.clone());
            (line.serve(), Desk { say, own: None, state: Rendezvous::Connecting })
        })
        .unzip();
    let caller = Caller {
        plane,
        own: config.node,
        seal: Seal::new(&config.signal_key, plane),
        relay_only: config.relay_only,
        requests,
        events: event,
        notices,
        desks,
        calm,
        roster,
        origin: Instant::now(),
        report,
    };
    let run = async move {
        futures::join!(caller.run(news), join_all(lines));
    };
    (post, run, notice)
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

impl<Report: Fn(LinkEvent)> Caller<Report> {
    /// Carries everything to where it belongs.
    async fn run(mut self, mut news: UnboundedReceiver<(usize, News)>) {
        (self.report)(LinkEvent::Rendezvous(Rendezvous::Connecting));
        loop {
            let due = self.due().fuse();
            pin_mut!(due);
            select_biased! {
                (rank, news) = news.select_next_some() => self.hear(rank, news),
                notice = self.notices.select_next_some() => self.take(notice),
                request = self.requests.select_next_some() => self.carry(request),
                _ = due => self.roster.wake(self.now()),
            }
            while let Some(act) = self.roster.poll() {
                match act {
                    Act::Tell(event) => self.tell(event),
                    Act::Say(way, signal) => self.say(way, &signal),
                }
            }
        }
    }

    /// Resolves when the roster has something to do.
    fn due(&self) -> impl Future<Output = ()> + use<Report> {
        let wait = self.roster.deadline().map(|deadline| Delay::new(deadline - self.now()));
        async move {
            match wait {
                Some(wait) => wait.await,
                None => pending().await,
            }
        }
    }

    fn hear(&mut self, rank: usize, news: News) {
        let text = match news {
            News::Said(text) => text,
            News::Lost(error) => {
                self.roster.lose_server(rank);
                self.desks[rank].own = None;
                return self.stand(rank, Rendezvous::Lost(error));
            }
        };
        let Ok(event) = serde_json::from_str::<Event>(&text) else { return };
        let now = self.now();
        match event {
            Event::IdAssigned(own) => {
                // Once: under another name, what we said to others would pass for what they say to us.
                self.desks[rank].own.get_or_insert(own);
                self.stand(rank, Rendezvous::Connected);
            }
            Event::NewPeer(peer) => self.roster.came(now, Way::Server { rank, peer }),
            Event::PeerLeft(peer) => self.roster.went(Way::Server { rank, peer }),
            Event::Signal { sender, data } => {
                let Some(to) = self.desks[rank].own else { return };
                let signal = data.as_str().and_then(|text| self.seal.open(Route::Server { from: sender, to }, text));
                if let Some(signal) = signal {
                    self.roster.hear(now, Way::Server { rank, peer: sender }, signal);
                }
            }
        }
    }

    fn take(&mut self, notice: Notice) {
        let now = self.now();
        match notice {
            Notice::Connected(name) => self.roster.connected(name),
            Notice::Broken(name) => self.roster.broken(now, name),
            Notice::Closed(name) => self.roster.closed(name),
            Notice::Seek(node) => self.roster.seek(now, node),
            Notice::Rest(node) => self.roster.rest(node),
            Notice::Passed { from, sealed } => {
                if let Some(signal) = self.seal.open(Route::Member { from, to: self.own }, &sealed) {
                    self.roster.hear(now, Way::Members(from), signal);
                }
            }
        }
    }

    /// Passes on what matchbox wants to say, unless it is about an attempt long given up.
    fn carry(&mut self, request: PeerRequest) {
        match request {
            PeerRequest::KeepAlive => (0..self.desks.len()).for_each(|rank| self.send(rank, &Request::KeepAlive)),
            PeerRequest::Signal { receiver, data } => {
                let allowed = self.allowed(data);
                if let Some((way, signal)) = allowed.and_then(|data| self.roster.address(receiver, data)) {
                    self.say(way, &signal);
                }
            }
        }
    }

    fn say(&self, way: Way, signal: &Signal) {
        match way {
            Way::Server { rank, peer } => {
                let Some(from) = self.desks[rank].own else { return };
                if let Some(sealed) = self.seal.close(Route::Server { from, to: peer }, signal) {
                    self.send(rank, &Request::Signal { receiver: peer, data: Value::String(sealed) });
                }
            }
            Way::Members(to) => {
                let (from, plane) = (self.own, self.plane);
                if let Some(sealed) = self.seal.close(Route::Member { from, to }, signal) {
                    (self.report)(LinkEvent::Signal { plane, to, sealed });
                }
            }
        }
    }

    fn send(&self, rank: usize, request: &Request) {
        let text = serde_json::to_string(request).expect("names and JSON always have a text form");
        if self.desks[rank].own.is_some() {
            // It can only fail when everything is being torn down.
            let _ = self.desks[rank].say.unbounded_send(text);
        }
    }

    fn tell(&self, event: PeerEvent) {
        let event = match event {
            PeerEvent::Signal { sender, data } => {
                let Some(data) = self.allowed(data) else { return };
                PeerEvent::Signal { sender, data }
            }
            event => event,
        };
        #[cfg(target_arch = "wasm32")]
        if begins_a_connection(&event) && !super::browser::gives_connections() {
            // matchbox ends the page when it gets none.
            return (self.report)(LinkEvent::Rendezvous(Rendezvous::Lost(LinkError::Exhausted)));
        }
        let _ = self.events.unbounded_send(event);
    }

    /// What may be told, or heard, of a signal.
    fn allowed(&self, signal: PeerSignal) -> Option<PeerSignal> {
        if self.relay_only { only_relays(signal) } else { Some(signal) }
    }

    /// A server is reached or lost; tells how they stand together. One that is reached is enough.
    fn stand(&mut self, rank: usize, state: Rendezvous) {
        self.desks[rank].state = state;
        let states = || self.desks.iter().map(|desk| &desk.state);
        self.calm.set(states().any(|state| *state == Rendezvous::Connected));
        let telling =
            [Rendezvous::Connected, Rendezvous::Connecting].into_iter().find(|one| states().any(|state| state == one));
        // One that is full can at least be reached.
        let full = states().find(|state| matches!(state, Rendezvous::Lost(LinkError::Full { .. })));
        let telling = telling.or_else(|| full.cloned()).unwrap_or_else(|| self.desks[0].state.clone());
        (self.report)(LinkEvent::Rendezvous(telling));
    }

    fn now(&self) -> Moment {
        Moment::ZERO + self.origin.elapsed()
    }
}

/// Whether matchbox makes a connection when it hears this.
#[cfg(target_arch = "wasm32")]
fn begins_a_connection(event: &PeerEvent) -> bool {
    matches!(event, PeerEvent::NewPeer(_) | PeerEvent::Signal { data: PeerSignal::Offer(_), .. })
}
