//! What lies in a store, behind its checksum.

use super::memory::within_bounds;
use bevy_quorum::{
    raft::{Ballot, Entry, LogIndex, LogPosition, Serial},
    wire::{DECODE_BYTES_MAX, Invitation, decode, decode_canonical, encode},
};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Whatever the first byte says that it is, only one encoding of it is taken.
pub fn have_one_spelling(bytes: &[u8]) {
    let Some((kind, value)) = bytes.split_first() else { return };
    match kind % 7 {
        0 => has_one_spelling::<Entry>(value),
        1 => has_one_spelling::<Invitation>(value),
        2 => has_one_spelling::<Ballot>(value),
        3 => has_one_spelling::<LogPosition>(value),
        4 => has_one_spelling::<Option<LogIndex>>(value),
        5 => has_one_spelling::<Option<Bytes>>(value),
        _ => has_one_spelling::<(Serial, u16, [u8; 32])>(value),
    }
}

fn has_one_spelling<T: Serialize + DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
    let canonical = within_bounds(bytes, |bytes| decode_canonical::<T>(bytes, DECODE_BYTES_MAX));
    // Another spelling of something means that, and is refused.
    if let Ok(value) = decode::<T>(bytes, DECODE_BYTES_MAX) {
        let spelled = encode(&value).expect("what was read has an encoding");
        assert_eq!(canonical.is_ok(), spelled == bytes);
        assert_eq!(decode_canonical::<T>(&spelled, DECODE_BYTES_MAX).as_ref(), Ok(&value));
    }
    if canonical.is_ok() {
        for end in 0..bytes.len() {
            assert!(decode::<T>(&bytes[..end], DECODE_BYTES_MAX).is_err(), "cut at {end}");
        }
        assert!(decode::<T>(&[bytes, &[0]].concat(), DECODE_BYTES_MAX).is_err(), "a byte follows");
    }
}
