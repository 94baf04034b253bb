//! What can go wrong on the way to a peer.

use std::io::ErrorKind;

/// Why nobody can be met at the rendezvous. Each is said to people as it stands; it is tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Nothing answers there.
    #[error("can't reach the signaling server at {url}: {kind}")]
    Unreachable {
        /// The address.
        url: String,
        /// What the network says.
        kind: ErrorKind,
    },
    /// What answers is no signaling server.
    #[error("what answers at {url} is not a signaling server (HTTP status {status})")]
    NotSignaling {
        /// The address.
        url: String,
        /// What it says.
        status: u16,
    },
    /// What answers can't be trusted or understood.
    #[error("no secure or sensible answer from the signaling server at {url}")]
    Garbled {
        /// The address.
        url: String,
    },
    /// The address is none.
    #[error("{url:?} is not the address of a signaling server; it should look like wss://signal.example")]
    BadAddress {
        /// The address.
        url: String,
    },
    /// It was reached, and then it was gone.
    #[error("the signaling server at {url} went away")]
    Gone {
        /// The address.
        url: String,
    },
    /// It was reached, and has no room for more.
    #[error("the signaling server at {url} takes nobody else in now: {reason}")]
    Full {
        /// The address.
        url: String,
        /// What it says.
        reason: String,
    },
    /// WebRTC itself ended, as it does on a machine without a network that it can use.
    #[error("WebRTC ended ({reason}) and is tried again; without a default route it can't run, even to peers nearby")]
    NoWebRtc {
        /// What it said.
        reason: String,
    },
    /// The browser has no WebRTC, or gives pages none.
    #[error("this browser blocks WebRTC, without which nobody can be reached; allow it in its settings or extensions")]
    WebRtcBlocked,
    /// The page has made so many connections that the browser gives it no more.
    #[error("this browser gives the page no more connections; load it again")]
    Exhausted,
}
