//! Values as bytes, with every bound checked before anything is allocated.
//!
//! The only place that knows the encoding: bincode's, with variable-length integers, little-endian.
//! Enum variants travel by their position, so that appending one is the only change that keeps the
//! [version](super::PROTOCOL_VERSION).

use super::WireError;
use serde::{Serialize, de::DeserializeOwned};
use std::any::type_name;

/// The most bytes that [`decode`] ever takes, whatever limit it is called with.
pub const DECODE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Up to these sizes, what a value may claim to hold is bounded by a smaller allowance.
const SMALL_BYTES_MAX: usize = 16 * 1024;
const MEDIUM_BYTES_MAX: usize = 1024 * 1024;
/// How much larger a value may be in memory than its encoding: one byte can stand for a `u128`.
const GROWTH_MAX: usize = 16;
/// What a small value may claim, in bytes of memory.
const SMALL_CLAIM_MAX: usize = SMALL_BYTES_MAX * GROWTH_MAX;
/// What a value of medium size may claim.
const MEDIUM_CLAIM_MAX: usize = MEDIUM_BYTES_MAX * GROWTH_MAX;
/// What any value may claim.
const CLAIM_MAX: usize = DECODE_BYTES_MAX * GROWTH_MAX;

/// The bytes of `value`; the same value always has the same bytes if its collections are ordered.
///
/// ```
/// # use bevy_quorum::wire;
/// let bytes = wire::encode(&(7_u64, "seven"))?;
/// assert_eq!(bytes, b"\x07\x05seven");
/// assert_eq!(wire::decode::<(u64, String)>(&bytes, 64)?, (7, "seven".into()));
/// # Ok::<(), wire::WireError>(())
/// ```
///
/// # Errors
/// If `T` cannot be serialized, say because a part of it refuses or a sequence doesn't know its length.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, WireError> {
    bincode::serde::encode_to_vec(value, bincode::config::standard())
        .map_err(|_| WireError::Unencodable { what: type_name::<T>() })
}

/// The value that exactly these bytes stand for, at most `limit` of them.
///
/// A collection that claims more than its bytes could hold is refused before memory is set aside for it.
/// Types whose elements take no bytes at all, such as `Vec<()>`, must not be decoded from a peer's bytes:
/// for them a length bounds nothing.
///
/// # Errors
/// If there are too many bytes, too few, some left over, or they are no `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, WireError> {
    let limit = limit.min(DECODE_BYTES_MAX);
    if bytes.len() > limit {
        return Err(WireError::TooLarge { bytes: bytes.len(), limit });
    }
    let what = type_name::<T>();
    let config = bincode::config::standard();
    let decoded = if bytes.len() <= SMALL_BYTES_MAX {
        bincode::serde::decode_from_slice(bytes, config.with_limit::<SMALL_CLAIM_MAX>())
    } else if bytes.len() <= MEDIUM_BYTES_MAX {
        bincode::serde::decode_from_slice(bytes, config.with_limit::<MEDIUM_CLAIM_MAX>())
    } else {
        bincode::serde::decode_from_slice(bytes, config.with_limit::<CLAIM_MAX>())
    };
    let (value, read) = decoded.map_err(|_| WireError::Malformed { what, bytes: bytes.len() })?;
    match bytes.len() - read {
        0 => Ok(value),
        trailing => Err(WireError::Trailing { what, trailing }),
    }
}

/// Like [`decode`], and the bytes must be the ones that [`encode`] makes of the value.
///
/// For what is hashed, compared or stored: there is one way to write it down.
///
/// ```
/// # use bevy_quorum::wire::{self, WireError};
/// // Seven, written in three bytes where one is enough.
/// assert_eq!(wire::decode::<u64>(&[251, 7, 0], 64), Ok(7));
/// assert!(matches!(wire::decode_canonical::<u64>(&[251, 7, 0], 64), Err(WireError::NotCanonical { .. })));
/// ```
///
/// # Errors
/// As [`decode`], and if the bytes are another spelling of the value.
pub fn decode_canonical<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, WireError> {
    let value = decode(bytes, limit)?;
    if encode(&value)? == bytes { Ok(value) } else { Err(WireError::NotCanonical { what: type_name::<T>() }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::raft::{Command, Entry, LogIndex, LogTime, NodeId, Payload, Serial, Term};
    use bytes::Bytes;
    use std::collections::BTreeMap;

    fn entry() -> Entry {
        let command = Command { author: NodeId(7), serial: Serial(1), body: Bytes::from_static(b"draw") };
        Entry { term: Term(3), index: LogIndex(300), time: LogTime(70_000), payload: Payload::Command(command) }
    }

    #[test]
    fn what_is_encoded_comes_back() {
        let bytes = encode(&entry()).unwrap();
        assert_eq!(decode_canonical::<Entry>(&bytes, 64), Ok(entry()));
    }

    #[test]
    fn every_cut_and_every_extra_byte_is_refused() {
        let mut bytes = encode(&entry()).unwrap();
        for end in 0..bytes.len() {
            assert!(matches!(decode::<Entry>(&bytes[..end], 64), Err(WireError::Malformed { .. })), "cut at {end}");
        }
        bytes.push(0);
        assert!(matches!(decode::<Entry>(&bytes, 64), Err(WireError::Trailing { trailing: 1, .. })));
    }

    #[test]
    fn more_bytes_than_allowed_are_refused_unread() {
        let bytes = encode(&vec![1_u8; 100]).unwrap();
        assert_eq!(decode::<Vec<u8>>(&bytes, 100), Err(WireError::TooLarge { bytes: 101, limit: 100 }));
        assert!(decode::<Vec<u8>>(&bytes, 101).is_ok());
        let endless = vec![0; DECODE_BYTES_MAX + 1];
        assert!(matches!(decode::<[u8; 4]>(&endless, usize::MAX), Err(WireError::TooLarge { .. })));
    }

    #[test]
    fn a_length_that_the_bytes_cannot_hold_is_refused() {
        for claim in [SMALL_CLAIM_MAX as u64 + 1, u64::from(u32::MAX), u64::MAX] {
            let bytes = encode(&claim).unwrap();
            assert!(decode::<Bytes>(&bytes, 1_100).is_err(), "{claim} bytes");
            assert!(decode::<String>(&bytes, 1_100).is_err(), "{claim} bytes of text");
            assert!(decode::<Vec<u64>>(&bytes, 1_100).is_err(), "{claim} numbers");
            assert!(decode::<BTreeMap<u64, u64>>(&bytes, 1_100).is_err(), "{claim} pairs");
        }
    }

    #[test]
    fn many_small_numbers_fit_the_allowance() {
        for count in [SMALL_BYTES_MAX - 3, SMALL_BYTES_MAX + 3, MEDIUM_BYTES_MAX - 9, MEDIUM_BYTES_MAX + 9] {
            let numbers = vec![1_u128; count];
            let bytes = encode(&numbers).unwrap();
            assert_eq!(decode::<Vec<u128>>(&bytes, DECODE_BYTES_MAX).as_ref(), Ok(&numbers));
        }
    }

    #[test]
    fn a_map_with_a_key_twice_or_out_of_order_is_another_spelling() {
        for pairs in [[(1_u64, 1_u64), (1, 2)], [(2, 1), (1, 1)]] {
            let bytes = encode(&pairs.to_vec()).unwrap();
            assert!(decode::<BTreeMap<u64, u64>>(&bytes, 64).is_ok());
            let refused = decode_canonical::<BTreeMap<u64, u64>>(&bytes, 64);
            assert!(matches!(refused, Err(WireError::NotCanonical { .. })));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            if let Ok(entry) = decode_canonical::<Entry>(&bytes, 1_100) {
                assert_eq!(encode(&entry).unwrap(), bytes);
            }
            Ok(())
        })
        .budget_ms(200);
    }
}
