//! Decoders that only tests call from outside, to feed them anything.

use super::{
    Portable,
    game_state::GameState,
    portable::{self, Envelope},
};
use crate::wire::{self, WireError};
use bytes::Bytes;

/// The bytes of a game's state, if these are one, as they would be written.
///
/// # Errors
/// If they have no encoding.
pub fn game_state(bytes: &[u8]) -> Option<Result<Vec<u8>, WireError>> {
    GameState::open(bytes).ok().map(|state| wire::encode(&state))
}

/// A value in its envelope.
///
/// # Errors
/// If it has no encoding.
pub fn seal<T: Portable>(value: &T) -> Result<Bytes, WireError> {
    portable::seal(value)
}

/// The value in an envelope; none if it is of another type, or none at all.
pub fn open<T: Portable>(bytes: &[u8]) -> Option<T> {
    Envelope::read(bytes).filter(|envelope| envelope.name == T::NAME)?.open()
}
