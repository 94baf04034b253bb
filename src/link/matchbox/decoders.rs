//! What a signaling server says, as tests say it: anything.

use super::{
    roster::{Names, Roster},
    seal::{Route, Seal},
    signal::{Event, Signal},
};
use crate::{link::Plane, raft::Moment, wire::Secret};
use matchbox_socket::{PeerEvent, PeerId};
use serde_json::Value;

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
        let own = Names::default().fresh();
        let mut roster = Roster::new(Names::default(), seal());
        roster.hear(Moment::ZERO, Event::IdAssigned(own));
        Self { roster, own, name: None }
    }
}

impl Rendezvous {
    /// The server says something; false if it can't be read. What is no sealed signal, but a signal, is sealed first, as by
    /// somebody who was invited and means ill.
    pub fn hear(&mut self, now: Moment, text: &str) -> bool {
        let Ok(mut event) = serde_json::from_str::<Event>(text) else { return false };
        match &mut event {
            Event::Signal { sender, data } => {
                *data = passed_on(Route { from: *sender, to: self.own }, data).unwrap_or(data.take());
            }
            Event::IdAssigned(_) | Event::NewPeer(_) | Event::PeerLeft(_) => {}
        }
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

/// A signal from one peer to another, if this is one, as it would be understood at the other end.
pub fn signal(text: &str) -> Option<String> {
    let names = Names::default();
    let route = Route { from: names.fresh(), to: names.fresh() };
    let sealed = passed_on(route, &serde_json::from_str(text).ok()?)?;
    serde_json::to_string(&seal().open(route, &sealed)?).ok()
}

fn seal() -> Seal {
    Seal::new(&Secret::from_bytes([7; 32]), Plane::Consensus)
}

/// The sealed form of a signal, if this is one.
fn passed_on(route: Route, signal: &Value) -> Option<Value> {
    let signal: Signal = serde_json::from_value(signal.clone()).ok()?;
    seal().close(route, &signal)
}
