//! What the link and the task that serves it hold together.

use super::signaller::Notice;
use crate::link::{Lane, LinkEvent, LinkId, Plane, Rendezvous};
use bytes::Bytes;
use futures::channel::mpsc::UnboundedSender;
use matchbox_socket::{Packet, PeerId};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

/// The most bytes of frames that wait to be taken; what comes on top is lost.
pub const INBOX_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The most frames that wait to be taken; what comes on top is lost.
pub const INBOX_FRAMES_MAX: usize = 65_536;

/// A handle on what is shared.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<State>>);

#[derive(Default)]
pub(super) struct State {
    events: VecDeque<LinkEvent>,
    frames: usize,
    frame_bytes: usize,
    waker: Option<Waker>,
    links: BTreeMap<LinkId, Connected>,
    last_link: u64,
    rendezvous: [Option<Rendezvous>; 2],
    pub(super) sockets: [Option<Socket>; 2],
}

/// The ways into a running matchbox socket.
pub(super) struct Socket {
    /// By channel: unreliable, reliable.
    pub(super) channels: [UnboundedSender<(PeerId, Packet)>; 2],
    pub(super) notices: UnboundedSender<Notice>,
}

#[derive(Clone, Copy)]
struct Connected {
    plane: Plane,
    name: PeerId,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something that may be worth waking for.
    pub(super) fn wake_after(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.waker.clone().filter(|_| !state.events.is_empty());
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    pub(super) fn set_waker(&mut self, waker: Waker) {
        self.waker = Some(waker);
    }

    pub(super) fn pop(&mut self) -> Option<LinkEvent> {
        let event = self.events.pop_front()?;
        if let LinkEvent::Received { frame, .. } = &event {
            self.frames -= 1;
            self.frame_bytes -= frame.len();
        }
        Some(event)
    }

    pub(super) fn open(&mut self, plane: Plane, name: PeerId) -> LinkId {
        self.last_link += 1;
        let link = LinkId(self.last_link);
        self.links.insert(link, Connected { plane, name });
        self.events.push_back(LinkEvent::Opened { link, plane });
        link
    }

    /// Takes a frame in, unless nobody wants it or too many wait already.
    pub(super) fn receive(&mut self, link: LinkId, lane: Lane, frame: Bytes) {
        let full = self.frames >= INBOX_FRAMES_MAX || self.frame_bytes + frame.len() > INBOX_BYTES_MAX;
        if full || !self.links.contains_key(&link) {
            return;
        }
        self.frames += 1;
        self.frame_bytes += frame.len();
        self.events.push_back(LinkEvent::Received { link, lane, frame });
    }

    pub(super) fn send(&mut self, link: LinkId, lane: Lane, frame: Bytes) {
        let Some(Connected { plane, name }) = self.links.get(&link) else { return };
        let Some(socket) = &self.sockets[*plane as usize] else { return };
        let channel = &socket.channels[usize::from(lane == Lane::reliable(*plane))];
        // It fails only while the socket is being made anew.
        let _ = channel.unbounded_send((*name, frame));
    }

    /// Whether the link goes through a relay became known.
    pub(super) fn relay(&mut self, link: LinkId, relayed: bool) {
        if self.links.contains_key(&link) {
            self.events.push_back(LinkEvent::Relayed { link, relayed });
        }
    }

    /// The link isn't wanted any more; tells the rendezvous what came of it.
    pub(super) fn close(&mut self, link: LinkId, notice: fn(PeerId) -> Notice) {
        let Some(Connected { plane, name }) = self.links.remove(&link) else { return };
        if let Some(socket) = &self.sockets[plane as usize] {
            let _ = socket.notices.unbounded_send(notice(name));
        }
    }

    /// matchbox says that the link is gone; whether it was wanted.
    pub(super) fn lose(&mut self, link: LinkId) -> bool {
        let wanted = self.links.remove(&link).is_some();
        if wanted {
            self.events.push_back(LinkEvent::Closed(link));
        }
        wanted
    }

    /// The socket of a plane is gone, and all its links with it.
    pub(super) fn lose_all(&mut self, plane: Plane) {
        self.sockets[plane as usize] = None;
        let links: Vec<LinkId> =
            self.links.iter().filter(|(_, connected)| connected.plane == plane).map(|(link, _)| *link).collect();
        for link in links {
            self.lose(link);
        }
    }

    /// Asks the signaling of a plane for something; it comes to nothing while the socket is being made anew.
    pub(super) fn ask(&self, plane: Plane, notice: Notice) {
        if let Some(socket) = &self.sockets[plane as usize] {
            let _ = socket.notices.unbounded_send(notice);
        }
    }

    /// The signaling of a plane has something to tell.
    pub(super) fn tell(&mut self, plane: Plane, event: LinkEvent) {
        match event {
            LinkEvent::Rendezvous(rendezvous) => self.report(plane, rendezvous),
            event => self.events.push_back(event),
        }
    }

    /// Reports how the rendezvous of both planes do together, if that changes.
    pub(super) fn report(&mut self, plane: Plane, rendezvous: Rendezvous) {
        let before = self.rendezvous();
        self.rendezvous[plane as usize] = Some(rendezvous);
        let after = self.rendezvous();
        if after != before {
            self.events.extend(after.map(LinkEvent::Rendezvous));
        }
    }

    fn rendezvous(&self) -> Option<Rendezvous> {
        let [consensus, bulk] = &self.rendezvous;
        let lost = [consensus, bulk].into_iter().find(|rendezvous| matches!(rendezvous, Some(Rendezvous::Lost(_))));
        let connecting = || Some(Rendezvous::Connecting);
        match (consensus, bulk) {
            (None, None) => None,
            (Some(Rendezvous::Connected), Some(Rendezvous::Connected)) => Some(Rendezvous::Connected),
            _ => lost.cloned().unwrap_or_else(connecting),
        }
    }
}
