//! A node that proved itself, and the connections that lead to it.

use super::{LinkId, Plane, session::NODE_LINKS_MAX};
use crate::raft::{Moment, Permission};
use std::time::Duration;

/// How the link to a node does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// The round trip, smoothed, once a ping came back.
    pub round_trip: Option<Duration>,
    /// Whether the connection for consensus goes through a relay, once that is known.
    pub relayed: Option<bool>,
    /// When the last frame came.
    pub heard_at: Moment,
    /// How many frames came.
    pub frames_in: u64,
    /// How many were sent.
    pub frames_out: u64,
    /// How many bytes came.
    pub bytes_in: u64,
    /// How many were sent.
    pub bytes_out: u64,
    /// How many frames of it were refused.
    pub refused: u64,
}

/// A node and its connections, the one in use last.
pub(super) struct Peer {
    pub(super) permission: Permission,
    pub(super) linked: bool,
    pub(super) stats: SessionStats,
    consensus: Vec<LinkId>,
    bulk: Vec<LinkId>,
}

impl Peer {
    pub(super) fn new(now: Moment) -> Self {
        let stats = SessionStats { heard_at: now, ..SessionStats::default() };
        Self { permission: Permission::Viewer, linked: false, stats, consensus: Vec::new(), bulk: Vec::new() }
    }

    /// The connection to send on.
    pub(super) fn preferred(&self, plane: Plane) -> Option<LinkId> {
        self.of(plane).last().copied()
    }

    /// Sends on `link` from now on; returns the connection that must give way to it, if any.
    pub(super) fn prefer(&mut self, plane: Plane, link: LinkId) -> Option<LinkId> {
        let links = self.of_mut(plane);
        links.push(link);
        (links.len() > NODE_LINKS_MAX).then(|| links[0])
    }

    /// A connection is gone.
    pub(super) fn lose(&mut self, plane: Plane, link: LinkId) {
        self.of_mut(plane).retain(|other| *other != link);
    }

    /// All connections to the node.
    pub(super) fn links(&self) -> Vec<LinkId> {
        self.consensus.iter().chain(&self.bulk).copied().collect()
    }

    /// Counts a frame that came. Only consensus shows that a node can be spoken to.
    pub(super) fn hear(&mut self, now: Moment, plane: Plane, bytes: usize) {
        if plane == Plane::Consensus {
            self.stats.heard_at = now;
        }
        self.stats.frames_in += 1;
        self.stats.bytes_in += bytes as u64;
    }

    /// Takes the round trip of a ping said at `sent` into account, as TCP smooths it (RFC 6298).
    pub(super) fn time(&mut self, now: Moment, sent: Moment) {
        /// An answer older than this is no answer to any ping of ours.
        const ROUND_TRIP_MAX: Duration = Duration::from_secs(60);
        let sample = now - sent;
        if sent > now || sample > ROUND_TRIP_MAX {
            return;
        }
        self.stats.round_trip = Some(self.stats.round_trip.map_or(sample, |old| (old * 7 + sample) / 8));
    }

    fn of(&self, plane: Plane) -> &Vec<LinkId> {
        match plane {
            Plane::Consensus => &self.consensus,
            Plane::Bulk => &self.bulk,
        }
    }

    fn of_mut(&mut self, plane: Plane) -> &mut Vec<LinkId> {
        match plane {
            Plane::Consensus => &mut self.consensus,
            Plane::Bulk => &mut self.bulk,
        }
    }
}
