//! Links that are missing are made through neighbours.

use super::{
    Lane, Plane,
    neighbourhood::Errand,
    session::{SILENCE_MAX, Sessions},
};
use crate::{
    raft::{Moment, NodeId},
    wire::{FrameBody, NEIGHBOURS_MAX, PassedSignal, SIGNAL_BYTES_MAX},
};
use std::collections::BTreeSet;

impl Sessions {
    /// Tells neighbours who is linked, and looks after who is missing.
    pub(super) fn mend(&mut self, now: Moment) {
        if !self.neighbourhood.is_due(now) {
            return;
        }
        let linked: BTreeSet<NodeId> = self.linked().collect();
        if self.neighbourhood.is_news(now, &linked) {
            let list: Vec<NodeId> = linked.iter().copied().take(NEIGHBOURS_MAX).collect();
            for node in &linked {
                self.tell(*node, FrameBody::Neighbours(list.clone()));
            }
        }
        let own = self.own();
        let whole: BTreeSet<NodeId> = linked.iter().copied().filter(|node| self.is_whole(now, *node)).collect();
        for errand in self.neighbourhood.review(now, own, &linked, |node| whole.contains(&node)) {
            match errand {
                Errand::Seek(plane, node) => self.link.seek(plane, node),
                Errand::Rest(plane, node) => self.link.rest(plane, node),
            }
        }
    }

    /// Our own link has something to say to a node, for somebody else to pass on unless it is linked.
    pub(super) fn send_signal(&mut self, now: Moment, plane: Plane, to: NodeId, sealed: String) {
        if sealed.len() > SIGNAL_BYTES_MAX {
            return;
        }
        let signal = PassedSignal { from: self.own(), to, plane, sealed };
        let next = if self.is_linked(to) { Some(to) } else { self.neighbourhood.through(now, to) };
        if let Some(next) = next {
            self.tell(next, FrameBody::Signal(signal));
        }
    }

    /// A neighbour says something to us, passes something on to us, or wants something passed on: of its own only, so that
    /// nothing goes further than from one neighbour to another.
    pub(super) fn hear_signal(&mut self, now: Moment, neighbour: NodeId, signal: PassedSignal) {
        let own = self.own();
        if signal.from == own || !self.neighbourhood.allow(now, neighbour) {
            return;
        }
        if signal.to == own {
            self.neighbourhood.passed_on(neighbour, signal.from);
            self.link.hear(signal.plane, signal.from, signal.sealed);
        } else if signal.from == neighbour && self.is_linked(signal.to) {
            self.tell(signal.to, FrameBody::Signal(signal));
        }
    }

    /// Says something to a linked node about links.
    fn tell(&mut self, to: NodeId, body: FrameBody) {
        let preferred =
            self.peers.get(&to).filter(|peer| peer.linked).and_then(|peer| peer.preferred(Plane::Consensus));
        if let Some(link) = preferred {
            self.answer(link, Lane::Reliable, body);
        }
    }

    fn is_linked(&self, node: NodeId) -> bool {
        self.peers.get(&node).is_some_and(|peer| peer.linked)
    }

    /// Whether a linked node has a connection for bulk, too, that answers.
    fn is_whole(&self, now: Moment, node: NodeId) -> bool {
        let link = self.peers.get(&node).and_then(|peer| peer.preferred(Plane::Bulk));
        let connection = link.and_then(|link| self.connections.get(&link));
        connection.is_some_and(|connection| now < connection.heard_at + SILENCE_MAX)
    }
}
