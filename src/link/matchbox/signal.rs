//! What goes through a signaling server, as it stands on the wire.
//!
//! The server understands who speaks to whom, and nothing of what is said: that is a [`Signal`], sealed.

use matchbox_socket::{PeerId, PeerSignal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// To the server.
#[derive(Debug, Serialize)]
pub(super) enum Request {
    /// Pass this on.
    Signal {
        /// To whom.
        receiver: PeerId,
        /// What.
        data: Value,
    },
    /// I am still here.
    KeepAlive,
}

/// From the server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) enum Event {
    /// Who we are to it, on this connection.
    IdAssigned(PeerId),
    /// Somebody came.
    NewPeer(PeerId),
    /// Somebody went.
    PeerLeft(PeerId),
    /// Somebody said something to us.
    Signal {
        /// Who.
        sender: PeerId,
        /// What.
        data: Value,
    },
}

/// What one peer tells another to make a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Signal {
    /// Which of the caller's attempts this is about.
    pub(super) attempt: u64,
    /// What matchbox has to say.
    pub(super) signal: PeerSignal,
}
