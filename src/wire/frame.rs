//! What travels on a lane: one frame, in one datagram or one message.
//!
//! A frame begins with the protocol version and the tag of its link session, in a layout that never
//! changes, so that a peer of another version, another cluster or an earlier session is told apart
//! before anything else is read. The body follows, in the codec.

use super::{ClusterId, PROTOCOL_VERSION, WireError, decode, encode};
use crate::raft::{Message, NodeId};
use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest frame on an unreliable lane, in bytes: what fits one SCTP packet, so that one lost
/// packet loses one frame.
pub const DATAGRAM_BYTES_MAX: usize = 1_100;
/// The largest frame on a reliable lane, in bytes: what every browser carries as one message.
pub const FRAME_BYTES_MAX: usize = 16 * 1024;
/// The largest body of a whisper, in bytes: with its frame around it, it fits one datagram.
pub const WHISPER_BYTES_MAX: usize = 1_000;
/// The longest signal that members pass on for each other, sealed, in bytes: with its frame around it, it fits one message.
pub const SIGNAL_BYTES_MAX: usize = 15 * 1024;
/// The most nodes that one node says to be linked to.
pub const NEIGHBOURS_MAX: usize = 512;
/// What stands before the body of every frame, in bytes: version and session tag.
pub const HEADER_BYTES: usize = 2 + 8;

/// The two connections to each peer: what is on one never waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Plane {
    /// Consensus and whispers.
    Consensus,
    /// Blobs.
    Bulk,
}

/// Names one session between two nodes of one cluster: drawn from the cluster and from what both
/// said in their hellos, so that frames of anything else are refused by one comparison.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionTag(pub [u8; 8]);

impl SessionTag {
    /// The tag of frames that introduce a session or refuse one.
    pub const NONE: Self = Self([0; 8]);
}

impl fmt::Debug for SessionTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionTag({:016x})", u64::from_be_bytes(self.0))
    }
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The session it belongs to.
    pub tag: SessionTag,
    /// What it says.
    pub body: FrameBody,
}

/// The kinds of frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameBody {
    /// Who I say I am; the first frame on a connection, and again until the proof comes.
    Hello(Hello),
    /// That I am, and that I was invited.
    Proof(Proof),
    /// I am going, or you have to.
    Bye(ByeReason),
    /// Are you there? Holds the sender's clock in nanoseconds.
    Ping(u64),
    /// I am; holds what the ping held.
    Pong(u64),
    /// What the session is for.
    Payload(Payload),
    /// These nodes are linked to me; at most [`NEIGHBOURS_MAX`].
    Neighbours(Vec<NodeId>),
    /// Somebody wants to make a connection.
    Signal(PassedSignal),
}

/// What nodes say to one another once they have met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// A message of the consensus protocol.
    Consensus(Message),
    /// Something fleeting, of which only the newest counts.
    Whisper(Whisper),
}

/// Who a peer says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The hash of the cluster's id.
    pub cluster: [u8; 16],
    /// The node, drawn from `key`.
    pub node: NodeId,
    /// The node's Ed25519 public key.
    pub key: [u8; 32],
    /// Chosen at random for this connection.
    pub nonce: [u8; 16],
    /// What the connection is for.
    pub plane: Plane,
}

/// What proves a hello, over the hellos of both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The Ed25519 signature, in two halves.
    pub signature: [[u8; 32]; 2],
    /// Proves the invitation to view.
    pub viewer: [u8; 32],
    /// Proves the invitation to edit, of who has one.
    pub editor: Option<[u8; 32]>,
}

/// A state of something fleeting: a cursor, a stroke being drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whisper {
    /// The hash of its kind's stable name and version.
    pub kind: u64,
    /// Counts up; what is older than the newest seen is worth nothing.
    pub sequence: u32,
    /// The state, at most [`WHISPER_BYTES_MAX`] bytes.
    pub body: Bytes,
}

/// What one node says to another to make a connection, given to a third one that is linked to both. It passes that on
/// unread, if it has it from the sender itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedSignal {
    /// Who says it.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// What the connection is for.
    pub plane: Plane,
    /// What is said, sealed under the room's key; at most [`SIGNAL_BYTES_MAX`] bytes.
    pub sealed: String,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum ByeReason {
    /// The node leaves the room's links, and may come back.
    #[error("it left")]
    Leaving,
    /// The protocol versions differ; holds the sender's.
    #[error("it speaks protocol version {0}")]
    Version(u16),
    /// The hello was of another cluster.
    #[error("it belongs to another room")]
    Cluster,
    /// The hello or its proof didn't hold.
    #[error("it did not accept the introduction")]
    Unproven,
    /// A frame made no sense.
    #[error("it could not read what it was sent")]
    Malformed,
    /// There is no room for another link.
    #[error("it has no room for another link")]
    Full,
    /// Another connection to the same node took over.
    #[error("it goes on through another connection")]
    Superseded,
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// It ends inside its header.
    #[error("frame of {bytes} bytes ends inside its header")]
    Truncated {
        /// Its length.
        bytes: usize,
    },
    /// It is larger than its lane carries.
    #[error("frame of {bytes} bytes on a lane for at most {bytes_max}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The sender speaks another version.
    #[error("the peer speaks protocol version {theirs}, this is version {ours}")]
    Version {
        /// What we speak.
        ours: u16,
        /// What the frame says.
        theirs: u16,
    },
    /// The body is none, or not only one.
    #[error(transparent)]
    Body(#[from] WireError),
    /// A signal is longer than it may be.
    #[error("signal of {bytes} bytes, at most {SIGNAL_BYTES_MAX} are passed on")]
    SignalTooLarge {
        /// Its length.
        bytes: usize,
    },
    /// More neighbours are named than there may be.
    #[error("{count} neighbours, at most {NEIGHBOURS_MAX} are named")]
    TooManyNeighbours {
        /// How many.
        count: usize,
    },
    /// A whisper holds more than it may.
    #[error("whisper of {bytes} bytes, at most {WHISPER_BYTES_MAX} are carried")]
    WhisperTooLarge {
        /// Its length.
        bytes: usize,
    },
}

impl Frame {
    /// The frame as bytes, at most [`FRAME_BYTES_MAX`] of them.
    ///
    /// ```
    /// # use bevy_quorum::wire::{Frame, FrameBody, SessionTag};
    /// let frame = Frame { tag: SessionTag([7; 8]), body: FrameBody::Ping(5) };
    /// assert_eq!(Frame::decode(&frame.encode()?, 1_100)?, frame);
    /// # Ok::<(), bevy_quorum::wire::FrameError>(())
    /// ```
    ///
    /// # Errors
    /// When it is larger than any lane carries.
    pub fn encode(&self) -> Result<Bytes, FrameError> {
        self.body.check()?;
        let body = encode(&self.body)?;
        let mut bytes = BytesMut::with_capacity(HEADER_BYTES + body.len());
        bytes.put_u16_le(PROTOCOL_VERSION);
        bytes.put_slice(&self.tag.0);
        bytes.put_slice(&body);
        check_size(bytes.len(), FRAME_BYTES_MAX)?;
        Ok(bytes.freeze())
    }

    /// Reads a frame from a lane that carries at most `bytes_max` bytes.
    ///
    /// # Errors
    /// When the bytes are no frame of this version, or not only one.
    pub fn decode(bytes: &[u8], bytes_max: usize) -> Result<Self, FrameError> {
        let (tag, body) = Self::split(bytes, bytes_max)?;
        let body: FrameBody = decode(body, bytes_max)?;
        body.check()?;
        Ok(Self { tag, body })
    }

    /// Reads only the header: enough to refuse what isn't of a known session.
    ///
    /// # Errors
    /// When the bytes are too few, too many, or of another version.
    pub fn split(bytes: &[u8], bytes_max: usize) -> Result<(SessionTag, &[u8]), FrameError> {
        check_size(bytes.len(), bytes_max)?;
        let truncated = FrameError::Truncated { bytes: bytes.len() };
        let (version, rest) = bytes.split_first_chunk::<2>().ok_or(truncated)?;
        let theirs = u16::from_le_bytes(*version);
        if theirs != PROTOCOL_VERSION {
            return Err(FrameError::Version { ours: PROTOCOL_VERSION, theirs });
        }
        let (tag, body) = rest.split_first_chunk::<8>().ok_or(truncated)?;
        if body.is_empty() {
            return Err(truncated);
        }
        Ok((SessionTag(*tag), body))
    }
}

impl FrameBody {
    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Payload(Payload::Whisper(whisper)) if whisper.body.len() > WHISPER_BYTES_MAX => {
                Err(FrameError::WhisperTooLarge { bytes: whisper.body.len() })
            }
            Self::Signal(PassedSignal { sealed, .. }) if sealed.len() > SIGNAL_BYTES_MAX => {
                Err(FrameError::SignalTooLarge { bytes: sealed.len() })
            }
            Self::Neighbours(nodes) if nodes.len() > NEIGHBOURS_MAX => {
                Err(FrameError::TooManyNeighbours { count: nodes.len() })
            }
            _ => Ok(()),
        }
    }
}

impl Hello {
    /// How `cluster` is named in a hello: by its hash, since who doesn't know it needn't learn it.
    pub fn cluster_hash(cluster: ClusterId) -> [u8; 16] {
        let hash = blake3::derive_key("bevy_quorum hello: cluster", &cluster.0);
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        short
    }
}

fn check_size(bytes: usize, bytes_max: usize) -> Result<(), FrameError> {
    if bytes > bytes_max { Err(FrameError::TooLarge { bytes, bytes_max }) } else { Ok(()) }
}
