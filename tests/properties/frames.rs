//! What comes in on a lane.

use super::memory::within_bounds;
use bevy_quorum::wire::{DATAGRAM_BYTES_MAX, FRAME_BYTES_MAX, Frame};

/// Up to how many bytes each cut is tried.
const CUTS_MAX: usize = 300;

/// What is taken for a frame comes back from its own encoding, which is no longer; a part of it, or more, is none.
pub fn are_read_as_written(bytes: &[u8]) {
    let limit = if bytes.len() > DATAGRAM_BYTES_MAX { FRAME_BYTES_MAX } else { DATAGRAM_BYTES_MAX };
    let Ok(frame) = within_bounds(bytes, |bytes| Frame::decode(bytes, limit)) else { return };
    let encoded = frame.encode().expect("what fitted a lane fits one again");
    assert!(encoded.len() <= bytes.len(), "numbers are written as short as can be");
    assert_eq!(Frame::decode(&encoded, limit).as_ref(), Ok(&frame));
    for end in 0..bytes.len().min(CUTS_MAX) {
        assert!(Frame::decode(&bytes[..end], limit).is_err(), "cut at {end}");
    }
    assert!(Frame::decode(&[bytes, &[0]].concat(), FRAME_BYTES_MAX).is_err(), "a byte follows");
}
