//! The room's part of a snapshot, as stores keep it and leaders send it.

use bevy_quorum::raft::Snapshot;
use bytes::Bytes;

/// What is taken for a room is written down in exactly these bytes, and neither a part of them nor more is one.
pub fn has_one_spelling(bytes: &[u8]) {
    let Some(snapshot) = Snapshot::from_parts(bytes, Bytes::new()) else { return };
    assert_eq!(snapshot.room(), bytes);
    assert!(snapshot.membership_index <= snapshot.position.index);
    for end in 0..bytes.len() {
        assert_eq!(Snapshot::from_parts(&bytes[..end], Bytes::new()), None, "cut at {end}");
    }
    assert_eq!(Snapshot::from_parts(&[bytes, &[0]].concat(), Bytes::new()), None);
}
