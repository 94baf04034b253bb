//! What a signaling server says, as tests say it: anything.

use super::{
    roster::{Names, Roster},
    signal::{Event, open, seal},
};
use crate::raft::Moment;
use matchbox_socket::{PeerEvent, PeerId};

pub use super::roster::REMOTES_MAX;

/// Somebody at a rendezvous, without the server and without matchbox.
pub struct Rendezvous {
    roster: Roster,
    /// The last attempt to connect.
    name: Option<PeerId>,
}

impl Default for Rendezvous {
    fn default() -> Self {
        Self { roster: Roster::new(Names::default()), name: None }
    }
}

impl Rendezvous {
    /// The server says something; false if it can't be read.
    pub fn hear(&mut self, now: Moment, text: &str) -> bool {
        let Ok(event) = serde_json::from_str::<Event>(text) else { return false };
        let event = self.roster.hear(now, event);
        self.note(event);
        true
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Moment) {
        let event = self.roster.call_due(now);
        self.note(event);
    }

    /// The last attempt came to a connection, which may be broken already.
    pub fn connect(&mut self, now: Moment, is_broken: bool) {
        let Some(name) = self.name else { return };
        if is_broken { self.roster.broken(now, name) } else { self.roster.connected(name) }
    }

    /// When somebody has to be called again.
    pub fn deadline(&self) -> Option<Moment> {
        self.roster.deadline()
    }

    /// How many peers are known.
    pub fn known(&self) -> usize {
        self.roster.known()
    }

    fn note(&mut self, event: Option<PeerEvent>) {
        if let Some(PeerEvent::NewPeer(name) | PeerEvent::Signal { sender: name, .. }) = event {
            self.name = Some(name);
        }
    }
}

/// A signal from one peer to another, if this is one, as it would be written.
pub fn signal(text: &str) -> Option<String> {
    let signal = open(serde_json::from_str(text).ok()?)?;
    Some(seal(&signal).to_string())
}
