//! Seals what peers say to each other through a signaling server.
//!
//! A signal holds the fingerprint of the certificate with which its sender will encrypt the connection. Whoever could
//! exchange it could stand in between; whoever could make one up would reach the parsers behind, which panic over what
//! makes no sense. So a signal is encrypted and authenticated (XChaCha20-Poly1305) under a key that only those have who
//! were invited, and bound to the plane and to both ends, as the server calls them: what was meant for one is of no use
//! elsewhere. What a server can still do is to pass nothing on, or the same again, which makes no connection.

use super::signal::Signal;
use crate::{link::Plane, wire::Secret};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use matchbox_socket::PeerId;
use serde_json::Value;

/// The most characters of a sealed signal; a session description has a few thousand.
pub(super) const SEALED_CHARS_MAX: usize = 64 * 1024;

const NONCE_BYTES: usize = 24;

/// The seal of one plane of a room.
#[derive(Clone)]
pub(super) struct Seal {
    cipher: XChaCha20Poly1305,
    plane: Plane,
}

/// Who speaks to whom, as the server calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub from: PeerId,
    pub to: PeerId,
}

impl Seal {
    pub fn new(key: &Secret, plane: Plane) -> Self {
        Self { cipher: XChaCha20Poly1305::new(&key.bytes().into()), plane }
    }

    /// The form in which a signal passes through the server; none if the system has no randomness to give.
    pub fn close(&self, route: Route, signal: &Signal) -> Option<Value> {
        let text = serde_json::to_vec(signal).expect("numbers and strings always have a JSON form");
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).ok()?;
        let payload = Payload { msg: &text, aad: &self.bound_to(route) };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(STANDARD_NO_PAD.encode([&nonce[..], &sealed[..]].concat()).into())
    }

    /// The signal inside what came through the server; `None` if it is none, or was meant for another route.
    pub fn open(&self, route: Route, data: &Value) -> Option<Signal> {
        let text = data.as_str().filter(|text| text.len() <= SEALED_CHARS_MAX)?;
        let bytes = STANDARD_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: &self.bound_to(route) };
        let text = self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn bound_to(&self, Route { from, to }: Route) -> Vec<u8> {
        [&[self.plane as u8], from.0.as_bytes().as_slice(), to.0.as_bytes()].concat()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::link::matchbox::roster::Names;
    use matchbox_socket::PeerSignal;

    fn under(key: u8, plane: Plane) -> Seal {
        Seal::new(&Secret::from_bytes([key; 32]), plane)
    }

    fn route() -> (Route, PeerId) {
        let names = Names::default();
        (Route { from: names.fresh(), to: names.fresh() }, names.fresh())
    }

    fn offer() -> Signal {
        Signal { attempt: 3, signal: PeerSignal::Offer("a fingerprint".into()) }
    }

    #[test]
    fn who_holds_the_key_reads_it_and_the_server_does_not() {
        let (seal, (route, _)) = (under(7, Plane::Consensus), route());
        let sealed = seal.close(route, &offer()).unwrap();
        assert_eq!(seal.open(route, &sealed), Some(offer()));
        assert!(!sealed.to_string().contains("fingerprint"));
        assert_ne!(seal.close(route, &offer()), Some(sealed), "the same again looks different");
    }

    #[test]
    fn it_is_of_no_use_elsewhere() {
        let (seal, (route, third)) = (under(7, Plane::Consensus), route());
        let sealed = seal.close(route, &offer()).unwrap();
        assert_eq!(seal.open(Route { from: third, ..route }, &sealed), None);
        assert_eq!(seal.open(Route { to: third, ..route }, &sealed), None);
        assert_eq!(
            seal.open(Route { from: route.to, to: route.from }, &sealed),
            None,
            "not even back where it came from"
        );
        assert_eq!(under(7, Plane::Bulk).open(route, &sealed), None);
        assert_eq!(under(8, Plane::Consensus).open(route, &sealed), None);
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let (seal, (route, _)) = (under(7, Plane::Consensus), route());
        let sealed = seal.close(route, &offer()).unwrap();
        let bytes = STANDARD_NO_PAD.decode(sealed.as_str().unwrap()).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(seal.open(route, &STANDARD_NO_PAD.encode(&changed).into()), None, "byte {place}");
            assert_eq!(seal.open(route, &STANDARD_NO_PAD.encode(&bytes[..place]).into()), None, "cut at {place}");
        }
    }

    #[test]
    fn nonsense_is_none() {
        let (seal, (route, _)) = (under(7, Plane::Consensus), route());
        let long = "A".repeat(SEALED_CHARS_MAX + 4);
        for data in [Value::Null, "".into(), "*".into(), "AAAA".into(), long.into(), 7.into()] {
            assert_eq!(seal.open(route, &data), None);
        }
    }
}
