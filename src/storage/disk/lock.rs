//! The lock on a room's folder, and the mark that says how far its store must have come.

use crate::{raft::NodeId, storage::StorageError};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
};

const NAME: &str = "room.lock";
const MARK_BYTES: usize = 24;
const CHECKSUM_CONTEXT: &str = "bevy_quorum 2026-11 mark of a store";

/// Held by whoever has the room open; the system takes it back when its holder dies.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Locks the folder for this handle alone.
    pub fn acquire(dir: &Path) -> Result<Self, StorageError> {
        let path = dir.join(NAME);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| StorageError::io(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse { path: dir.to_owned() }),
            Err(TryLockError::Error(error)) => Err(StorageError::io(&path, error)),
        }
    }

    /// Notes that `node`'s store has completed `groups` groups of writes.
    ///
    /// Written after each group, and not flushed: if the power fails the mark may be behind the store,
    /// never ahead of it.
    pub fn mark(&self, node: NodeId, groups: u64) -> io::Result<()> {
        let mut file = &self.file;
        file.rewind()?;
        file.write_all(&mark(node, groups))
    }

    /// How many groups of writes `node`'s store must hold at least; zero if nothing is known.
    pub fn marked(&self, node: NodeId) -> u64 {
        let (mut file, mut bytes) = (&self.file, [0; MARK_BYTES]);
        if file.rewind().and_then(|()| file.read_exact(&mut bytes)).is_err() {
            return 0;
        }
        let [.., a, b, c, d, e, f, g, h] = *bytes.first_chunk::<16>().expect("a mark has 24 bytes");
        let groups = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        if bytes == mark(node, groups) { groups } else { 0 }
    }
}

/// The node, the count, and a checksum over both.
fn mark(node: NodeId, groups: u64) -> [u8; MARK_BYTES] {
    let mut bytes = [0; MARK_BYTES];
    bytes[..8].copy_from_slice(&node.0.to_le_bytes());
    bytes[8..16].copy_from_slice(&groups.to_le_bytes());
    let sum = blake3::derive_key(CHECKSUM_CONTEXT, &bytes[..16]);
    bytes[16..].copy_from_slice(&sum[..8]);
    bytes
}
