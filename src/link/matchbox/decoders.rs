//! What a signaling server says, as tests say it: anything.

use super::{
    names::Names,
    remote::Way,
    roster::{Act, Roster},
    seal::{Route, Seal},
    signal::{Event, Signal},
};
use crate::{
    link::Plane,
    raft::{Moment, NodeId},
    wire::Secret,
};
use matchbox_socket::{PeerEvent, PeerId};

pub use super::roster::REMOTES_MAX;

/// Somebody at a rendezvous, without the server and without matchbox.
pub struct Rendezvous {
    roster: Roster,
    /// Who it is to the server.
    own: PeerId,
    /// The last attempt to connect.
    name: Option<PeerId>,
}

impl Default for Rendezvous {
    fn default() -> Self {
        Self { roster: Roster::new(NodeId(5), 7), own: Names::default().fresh(), name: None }
    }
}

impl Rendezvous {
    /// The server says something; false if it can't be read. A signal may come unsealed, as from somebody who was invited
    /// and means ill.
    pub fn hear(&mut self, now: Moment, text: &str) -> bool {
        let Ok(event) = serde_json::from_str::<Event>(text) else { return false };
        let way = |peer| Way::Server { rank: 0, peer };
        match event {
            Event::IdAssigned(_) => {}
            Event::NewPeer(peer) => self.roster.came(now, way(peer)),
            Event::PeerLeft(peer) => self.roster.went(way(peer)),
            Event::Signal { sender, data } => {
                let route = Route::Server { from: sender, to: self.own };
                let sealed = data.as_str().and_then(|text| seal().open(route, text));
                if let Some(signal) = sealed.or_else(|| serde_json::from_value(data).ok()) {
                    self.roster.hear(now, way(sender), signal);
                }
            }
        }
        self.note();
        true
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Moment) {
        self.roster.wake(now);
        self.note();
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

    fn note(&mut self) {
        while let Some(act) = self.roster.poll() {
            if let Act::Tell(PeerEvent::NewPeer(name) | PeerEvent::Signal { sender: name, .. }) = act {
                self.name = Some(name);
            }
        }
    }
}

/// A signal from one peer to another, if this is one, as it would be understood at the other end.
pub fn signal(text: &str) -> Option<String> {
    let mut names = Names::default();
    let route = Route::Server { from: names.fresh(), to: names.fresh() };
    let signal: Signal = serde_json::from_str(text).ok()?;
    let sealed = seal().close(route, &signal)?;
    serde_json::to_string(&seal().open(route, &sealed)?).ok()
}

fn seal() -> Seal {
    Seal::new(&Secret::from_bytes([7; 32]), Plane::Consensus)
}
