//! What goes through a signaling server, as it stands on the wire.
//!
//! The server understands who speaks to whom, and nothing of what is said: that is a [`Signal`], sealed.

use crate::raft::NodeId;
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

/// What one node tells another to make a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Signal {
    /// Who says it.
    pub(super) node: NodeId,
    /// Drawn anew whenever that node begins to make connections: what it said before then is over.
    pub(super) life: u64,
    /// What it says.
    pub(super) word: Word,
}

/// What there is to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Word {
    /// I am here.
    Here,
    /// About one attempt to connect.
    Attempt {
        /// Which of the caller's.
        number: u64,
        /// What matchbox has to say.
        signal: PeerSignal,
    },
}
