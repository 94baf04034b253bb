//! Links: how frames get from one peer to another.
//!
//! A [`Link`] is a bundle of lanes to many peers at once. It knows nothing of nodes or rooms: it opens,
//! carries frames and closes. `session` makes authenticated peers out of it.

mod error;

pub use error::*;

use bytes::Bytes;
use std::task::Waker;

/// The largest frame on an unreliable lane, in bytes: what fits one SCTP packet, so that one lost
/// packet loses one frame.
pub const DATAGRAM_BYTES_MAX: usize = 1_100;
/// The largest frame on a reliable lane, in bytes: what every browser carries as one message.
pub const FRAME_BYTES_MAX: usize = 16 * 1024;

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

/// The two connections to each peer: what is on one never waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plane {
    /// Consensus and whispers.
    Consensus,
    /// Blobs.
    Bulk,
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
    /// What became of the rendezvous, when that changes.
    Rendezvous(Rendezvous),
}

/// Whether newcomers can find us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rendezvous {
    /// Being looked for.
    Connecting,
    /// Newcomers can come in.
    Connected,
    /// Lost or out of reach, in words; links that stand go on, and it is tried again.
    Lost(LinkError),
}

/// A transport: carries frames to the peers it finds at the rendezvous.
pub trait Link: Send + 'static {
    /// The oldest event not taken yet.
    fn poll(&mut self) -> Option<LinkEvent>;

    /// Sends `frame`, which fits the lane; never blocks, promises nothing.
    fn send(&mut self, link: LinkId, lane: Lane, frame: Bytes);

    /// Sends and receives nothing more on a connection.
    fn close(&mut self, link: LinkId);

    /// Whom to wake when [`poll`](Self::poll) has something to say.
    fn wake(&mut self, waker: Waker);
}
