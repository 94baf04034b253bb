//! Links: how frames get from one peer to another.
//!
//! A [`Link`] is a bundle of lanes to many peers at once. It knows nothing of nodes or rooms: it opens,
//! carries frames and closes. `session` makes authenticated peers out of it.

mod connection;
mod credentials;
mod error;
mod event;
mod ice;
#[cfg(any(test, feature = "playtest"))]
pub mod in_process;
#[cfg(feature = "webrtc")]
pub mod matchbox;
mod mending;
mod neighbourhood;
mod outstanding;
mod peer;
mod refusal;
mod session;

pub use crate::wire::{DATAGRAM_BYTES_MAX, FRAME_BYTES_MAX, Plane};
pub use connection::{HANDSHAKE_TIMEOUT, HELLO_INTERVAL, UNPROVEN_BYTES_MAX};
pub use credentials::*;
pub use error::*;
pub use event::*;
pub use ice::*;
pub use neighbourhood::{
    MISSING_MAX, MISSING_PATIENCE, RETELL_INTERVAL, REVIEW_INTERVAL, SEEK_INTERVAL, SIGNALS_MAX, SIGNALS_PER_SECOND,
};
pub use outstanding::UNANSWERED_BYTES_MAX;
pub use peer::SessionStats;
pub use refusal::*;
pub use session::*;

use crate::raft::NodeId;
use bytes::Bytes;
use std::task::Waker;

/// One of the four ways to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Consensus and whispers that fit one packet; lost packets are the sender's business.
    Unreliable,
    /// Consensus that doesn't fit one packet; reliable, unordered.
    Reliable,
    /// Pieces of blobs; unreliable.
    BulkUnreliable,
    /// Who has and who wants which blob; reliable.
    BulkReliable,
}

impl Lane {
    /// The connection it belongs to.
    pub fn plane(self) -> Plane {
        match self {
            Self::Unreliable | Self::Reliable => Plane::Consensus,
            Self::BulkUnreliable | Self::BulkReliable => Plane::Bulk,
        }
    }

    /// The lane of `plane` on which nothing is lost while the connection stands.
    pub fn reliable(plane: Plane) -> Self {
        match plane {
            Plane::Consensus => Self::Reliable,
            Plane::Bulk => Self::BulkReliable,
        }
    }

    /// The lane of `plane` for what may be lost.
    pub fn unreliable(plane: Plane) -> Self {
        match plane {
            Plane::Consensus => Self::Unreliable,
            Plane::Bulk => Self::BulkUnreliable,
        }
    }

    /// The largest frame it carries, in bytes.
    pub fn bytes_max(self) -> usize {
        match self {
            Self::Unreliable | Self::BulkUnreliable => DATAGRAM_BYTES_MAX,
            Self::Reliable | Self::BulkReliable => FRAME_BYTES_MAX,
        }
    }
}

/// One connection to one remote socket, as named by the link; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// Something that happened on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// A connection stands.
    Opened {
        /// Its name.
        link: LinkId,
        /// Which of the two planes it serves.
        plane: Plane,
    },
    /// A frame came.
    Received {
        /// From where.
        link: LinkId,
        /// On which lane.
        lane: Lane,
        /// The bytes, as they came.
        frame: Bytes,
    },
    /// A connection seems gone. A hint: it may still carry frames.
    Closed(LinkId),
    /// By which way a connection runs, once that is known and whenever it changes.
    Relayed {
        /// Which connection.
        link: LinkId,
        /// Whether everything goes through a relay.
        relayed: bool,
    },
    /// What became of the rendezvous, when that changes.
    Rendezvous(Rendezvous),
    /// Something to be said to a node, by way of others, to make a connection to it; sealed.
    Signal {
        /// What the connection is for.
        plane: Plane,
        /// To whom.
        to: NodeId,
        /// What: at most [`SIGNAL_BYTES_MAX`](crate::wire::SIGNAL_BYTES_MAX) bytes get through.
        sealed: String,
    },
}

/// Whether newcomers can find us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rendezvous {
    /// Being looked for.
    Connecting,
    /// Newcomers can come in.
    Connected,
    /// Lost, out of reach or full, in words; links that stand go on, and it is tried again.
    Lost(LinkError),
}

/// A transport: carries frames to the peers it finds at the rendezvous.
pub trait Link: Send + 'static {
    /// The oldest event not taken yet.
    fn poll(&mut self) -> Option<LinkEvent>;

    /// Sends `frame`, which fits the lane; never blocks, promises nothing.
    fn send(&mut self, link: LinkId, lane: Lane, frame: Bytes);

    /// Sends and receives nothing more on a connection, for good.
    fn close(&mut self, link: LinkId);

    /// Gives up a connection that doesn't work; another one to the same socket may be tried.
    fn redial(&mut self, link: LinkId) {
        self.close(link);
    }

    /// Makes a connection to a node that isn't linked, by [signals](LinkEvent::Signal) that others pass on. It may be asked
    /// for again while nothing came of it.
    fn seek(&mut self, plane: Plane, node: NodeId) {
        let _ = (plane, node);
    }

    /// Such a connection isn't needed any more, or can't be made.
    fn rest(&mut self, plane: Plane, node: NodeId) {
        let _ = (plane, node);
    }

    /// Others passed on what a node says to us to make a connection.
    fn hear(&mut self, plane: Plane, from: NodeId, sealed: String) {
        let _ = (plane, from, sealed);
    }

    /// Whom to wake when [`poll`](Self::poll) has something to say.
    fn wake(&mut self, waker: Waker);
}
