//! Seals what peers say to each other through a signaling server, or through a member of the room.
//!
//! A signal holds the fingerprint of the certificate with which its sender will encrypt the connection. Whoever could
//! exchange it could stand in between; whoever could make one up would reach the parsers behind, which panic over what
//! makes no sense. So a signal is encrypted and authenticated (XChaCha20-Poly1305) under a key that only those have who
//! were invited, and bound to the plane and to both ends, as who passes it on calls them: what was meant for one is of no
//! use elsewhere. What a server can still do is to pass nothing on, or the same again, which makes no connection.

use super::signal::Signal;
use crate::{link::Plane, raft::NodeId, wire::Secret};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use matchbox_socket::PeerId;

/// The most characters of a sealed signal; a session description has a few thousand.
pub(super) const SEALED_CHARS_MAX: usize = 64 * 1024;

const NONCE_BYTES: usize = 24;

/// The seal of one plane of a room.
#[derive(Clone)]
pub(super) struct Seal {
    cipher: XChaCha20Poly1305,
    plane: Plane,
}

/// Who speaks to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Through a server, which calls them like this.
    Server { from: PeerId, to: PeerId },
    /// Through a member, who knows them as nodes.
    Member { from: NodeId, to: NodeId },
}

impl Seal {
    pub fn new(key: &Secret, plane: Plane) -> Self {
        Self { cipher: XChaCha20Poly1305::new(&key.bytes().into()), plane }
    }

    /// The form in which a signal is passed on; none if the system has no randomness to give.
    pub fn close(&self, route: Route, signal: &Signal) -> Option<String> {
        let text = serde_json::to_vec(signal).expect("numbers and strings always have a JSON form");
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: &text, aad: &self.bound_to(route) };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(STANDARD_NO_PAD.encode([&nonce[..], &sealed[..]].concat()))
    }

    /// The signal inside what was passed on; `None` if it is none, or was meant for another route.
    pub fn open(&self, route: Route, sealed: &str) -> Option<Signal> {
        let text = Some(sealed).filter(|text| text.len() <= SEALED_CHARS_MAX)?;
        let bytes = STANDARD_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: &self.bound_to(route) };
        let text = self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn bound_to(&self, route: Route) -> Vec<u8> {
        let plane = self.plane as u8;
        match route {
            Route::Server { from, to } => [&[plane, 0], from.0.as_bytes().as_slice(), to.0.as_bytes()].concat(),
            Route::Member { from, to } => [&[plane, 1], &from.0.to_be_bytes()[..], &to.0.to_be_bytes()].concat(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::link::matchbox::{names::Names, signal::Word};
    use matchbox_socket::PeerSignal;

    fn under(key: u8, plane: Plane) -> Seal {
        Seal::new(&Secret::from_bytes([key; 32]), plane)
    }

    const ROUTE: Route = Route::Member { from: NodeId(1), to: NodeId(2) };

    fn offer() -> Signal {
        let word = Word::Attempt { number: 3, signal: PeerSignal::Offer("a fingerprint".into()) };
        Signal { node: NodeId(1), life: u64::MAX, word }
    }

    #[test]
    fn who_holds_the_key_reads_it_and_the_server_does_not() {
        let seal = under(7, Plane::Consensus);
        let sealed = seal.close(ROUTE, &offer()).unwrap();
        assert_eq!(seal.open(ROUTE, &sealed), Some(offer()));
        assert!(!sealed.contains("fingerprint"));
        assert_ne!(seal.close(ROUTE, &offer()), Some(sealed), "the same again looks different");
    }

    #[test]
    fn it_is_of_no_use_elsewhere() {
        let mut names = Names::default();
        let [one, two, three] = [(); 3].map(|()| names.fresh());
        let others = [(one, three), (three, two), (two, one)].map(|(from, to)| Route::Server { from, to });
        let (seal, route) = (under(7, Plane::Consensus), Route::Server { from: one, to: two });
        let sealed = seal.close(route, &offer()).unwrap();
        for other in others.into_iter().chain([ROUTE]) {
            assert_eq!(seal.open(other, &sealed), None, "{other:?}");
        }
        assert_eq!(under(7, Plane::Bulk).open(route, &sealed), None);
        assert_eq!(under(8, Plane::Consensus).open(route, &sealed), None);
        let passed = seal.close(ROUTE, &offer()).unwrap();
        assert_eq!(seal.open(Route::Member { from: NodeId(2), to: NodeId(1) }, &passed), None);
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let seal = under(7, Plane::Consensus);
        let sealed = seal.close(ROUTE, &offer()).unwrap();
        let bytes = STANDARD_NO_PAD.decode(sealed).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(seal.open(ROUTE, &STANDARD_NO_PAD.encode(&changed)), None, "byte {place}");
            assert_eq!(seal.open(ROUTE, &STANDARD_NO_PAD.encode(&bytes[..place])), None, "cut at {place}");
        }
    }

    #[test]
    fn nonsense_is_none() {
        let long = "A".repeat(SEALED_CHARS_MAX + 4);
        for text in ["", "*", "AAAA", &long] {
            assert_eq!(under(7, Plane::Consensus).open(ROUTE, text), None);
        }
    }
}
