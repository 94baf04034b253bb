//! The whole of a room at one place of its log, as canonical bytes.

use super::{LogIndex, LogPosition, LogTime, MEMBERS_MAX, Membership, sessions::Sessions};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// The largest state of a game, in bytes, that a snapshot holds.
pub const SNAPSHOT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The most that the room's own part takes, encoded.
pub(super) const ROOM_BYTES_MAX: usize = 512 * 1024;
/// How long the length before that part is.
const LENGTH_BYTES: usize = 4;
const DIGEST_CONTEXT: &str = "bevy_quorum 2026-11 snapshot";

/// What a room was right after the entry at `position`: its own state, and the game's.
///
/// Every replica makes the same bytes of it. The configuration is the one in force there, not a later one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The last entry that it stands for.
    pub position: LogPosition,
    /// The log time of that entry.
    pub time: LogTime,
    /// The configuration in force.
    pub membership: Membership,
    /// The entry that set it.
    pub membership_index: LogIndex,
    /// Whose commands have been carried out.
    pub sessions: Sessions,
    /// The game's state, in bytes of its own; at most [`SNAPSHOT_BYTES_MAX`].
    pub state: Bytes,
}

/// The hash of a snapshot's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// The room's own part, as it is encoded.
#[derive(Serialize, Deserialize)]
struct Room<M, S> {
    position: LogPosition,
    time: LogTime,
    membership: M,
    membership_index: LogIndex,
    sessions: S,
}

impl Snapshot {
    /// The room's own part as bytes; with the state behind them, the same for the same snapshot on every machine.
    pub fn room(&self) -> Bytes {
        let room = Room {
            position: self.position,
            time: self.time,
            membership: &self.membership,
            membership_index: self.membership_index,
            sessions: &self.sessions,
        };
        bincode::serde::encode_to_vec(room, bincode::config::standard()).expect("numbers and maps always encode").into()
    }

    /// The hash of all of its bytes.
    pub fn digest(&self) -> Digest {
        digest(&[&head(&self.room()), &self.state])
    }

    /// The snapshot whose room has these bytes, and whose game has this state. None if there is none, or the
    /// room's bytes are another spelling of it.
    pub fn from_parts(room: &[u8], state: Bytes) -> Option<Self> {
        let config = bincode::config::standard().with_limit::<{ 16 * ROOM_BYTES_MAX }>();
        let bounded = room.len() <= ROOM_BYTES_MAX && state.len() <= SNAPSHOT_BYTES_MAX;
        let (decoded, read) = bincode::serde::decode_from_slice(room, config).ok().filter(|_| bounded)?;
        let Room { position, time, membership, membership_index, sessions }: Room<Membership, Sessions> = decoded;
        let snapshot = Self { position, time, membership, membership_index, sessions, state };
        let sound = membership_index <= position.index
            && snapshot.membership.members.len() <= MEMBERS_MAX
            && snapshot.sessions.is_sound(&snapshot.membership);
        (sound && read == room.len() && snapshot.room() == room).then_some(snapshot)
    }
}

/// A snapshot and its bytes: the length of the room's part, that part, the state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Image {
    pub snapshot: Arc<Snapshot>,
    pub digest: Digest,
    head: Bytes,
}

impl Image {
    /// The most bytes of any.
    pub const BYTES_MAX: u64 = (LENGTH_BYTES + ROOM_BYTES_MAX + SNAPSHOT_BYTES_MAX) as u64;

    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let head = head(&snapshot.room());
        let digest = digest(&[&head, &snapshot.state]);
        Self { snapshot, digest, head }
    }

    /// The image that has these bytes; none if there is none, or they have another digest.
    pub fn decode(bytes: Bytes, expected: Digest) -> Option<Self> {
        if digest(&[&bytes]) != expected {
            return None;
        }
        let (length, rest) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
        let head_bytes = LENGTH_BYTES.checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let room = rest.get(..head_bytes - LENGTH_BYTES)?;
        let snapshot = Snapshot::from_parts(room, bytes.slice(head_bytes..))?;
        Some(Self { snapshot: Arc::new(snapshot), digest: expected, head: bytes.slice(..head_bytes) })
    }

    pub fn position(&self) -> LogPosition {
        self.snapshot.position
    }

    pub fn index(&self) -> LogIndex {
        self.snapshot.position.index
    }

    pub fn len(&self) -> u64 {
        (self.head.len() + self.snapshot.state.len()) as u64
    }

    /// At most `bytes_max` bytes from `offset` on, shared where they lie together.
    pub fn chunk(&self, offset: u64, bytes_max: u64) -> Bytes {
        let (head, state) = (&self.head, &self.snapshot.state);
        let start = usize::try_from(offset.min(self.len())).expect("snapshots fit in memory");
        let end = usize::try_from(offset.saturating_add(bytes_max).min(self.len())).expect("snapshots fit in memory");
        match (start.checked_sub(head.len()), end.checked_sub(head.len())) {
            (Some(start), Some(end)) => state.slice(start..end),
            (None, None) => head.slice(start..end),
            (_, end) => [&head[start..], &state[..end.unwrap_or_default()]].concat().into(),
        }
    }
}

/// What comes before the state.
fn head(room: &[u8]) -> Bytes {
    assert!(room.len() <= ROOM_BYTES_MAX, "a room of {} bytes has no bounds", room.len());
    let mut head = BytesMut::with_capacity(LENGTH_BYTES + room.len());
    head.extend_from_slice(&(room.len() as u32).to_le_bytes());
    head.extend_from_slice(room);
    head.freeze()
}

fn digest(parts: &[&[u8]]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(DIGEST_CONTEXT);
    for part in parts {
        hasher.update(part);
    }
    Digest(*hasher.finalize().as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::raft::{Decision, Member, NodeId, Permission, Refusal, Serial, Standing, Term};

    fn snapshot(state: &[u8]) -> Snapshot {
        let member =
            Member { standing: Standing::Voter, permission: Permission::Owner, key: [7; 32], session: LogIndex(1) };
        let membership = Membership { members: [(NodeId(5), member)].into() };
        let mut sessions = Sessions::default();
        sessions.configure(&membership, LogTime(7));
        for (serial, refusal) in [(3, None), (4, Some(Refusal::NotPermitted))] {
            let decision = Decision { index: LogIndex(serial + 10), refusal };
            let session = sessions.of_mut(NodeId(5)).expect("it is a member");
            assert!(session.decide(Serial(serial), LogTime(60_000), decision));
        }
        Snapshot {
            position: LogPosition { term: Term(3), index: LogIndex(900) },
            time: LogTime(70_000),
            membership,
            membership_index: LogIndex(4),
            sessions,
            state: Bytes::copy_from_slice(state),
        }
    }

    fn whole(image: &Image) -> Bytes {
        image.chunk(0, u64::MAX)
    }

    // A changed vector means new versions of protocol and store.
    #[test]
    fn a_snapshot_is_encoded_as_agreed() {
        let image = Image::new(Arc::new(snapshot(b"board")));
        let hex: String = whole(&image).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(image.snapshot.digest(), image.digest);
        let text = format!("bytes {hex}\ndigest {}", image.digest);
        assert_eq!(text, include_str!("../../tests/golden/snapshot.txt").trim());
    }

    #[test]
    fn an_image_comes_back_from_its_chunks_of_any_size() {
        let image = Image::new(Arc::new(snapshot(&[9; 1_000])));
        for size in [1, 7, 64, 500, 5_000] {
            let mut bytes = Vec::new();
            while (bytes.len() as u64) < image.len() {
                bytes.extend_from_slice(&image.chunk(bytes.len() as u64, size));
            }
            assert_eq!(Image::decode(bytes.into(), image.digest).as_ref(), Some(&image));
        }
        assert!(image.chunk(image.len(), 10).is_empty());
    }

    #[test]
    fn a_changed_byte_is_another_digest() {
        let image = Image::new(Arc::new(snapshot(b"board")));
        let bytes = whole(&image).to_vec();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert_eq!(Image::decode(changed.into(), image.digest), None, "byte {place}");
        }
        assert_ne!(Image::new(Arc::new(snapshot(b"bored"))).digest, image.digest);
    }

    #[test]
    fn bytes_that_are_no_snapshot_are_refused_though_their_digest_is_right() {
        let bytes = whole(&Image::new(Arc::new(snapshot(b"board")))).to_vec();
        for end in 0..bytes.len() - 5 {
            let cut = Bytes::copy_from_slice(&bytes[..end]);
            let right = digest(&[&cut]);
            assert_eq!(Image::decode(cut, right), None, "cut at {end}");
        }
        let mut long = bytes;
        long[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        let right = digest(&[&long]);
        assert_eq!(Image::decode(long.into(), right), None);
    }

    #[test]
    fn a_configuration_from_after_the_snapshot_is_refused() {
        let wrong = Snapshot { membership_index: LogIndex(901), ..snapshot(b"") };
        assert_eq!(Snapshot::from_parts(&wrong.room(), Bytes::new()), None);
    }
}
