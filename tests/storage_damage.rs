//! A damaged store is refused and left as it is; one that opens holds everything.
#![cfg(feature = "disk")]
#![allow(clippy::unwrap_used)]

mod rooms;

use bevy_quorum::{
    raft::Durable,
    storage::{Damage, DiskStorage, Identity, Opened, STORE_VERSION, StorageError},
};
use redb::{Database, ReadableTable, TableDefinition};
use rooms::{Diary, identity, wait_for};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

const WRITES: u64 = 64;
/// How many places of a file are damaged, besides every byte of its beginning.
const PLACES: usize = 150;
/// Where redb keeps which of its states is in force.
const HEADER_BYTES: usize = 320;

/// The files of a room and what opens from them.
struct Room {
    identity: Identity,
    durable: Durable,
    file: Vec<u8>,
    lock: Vec<u8>,
}

fn written(dir: &TempDir) -> (Identity, Box<dyn bevy_quorum::storage::Storage>) {
    let Opened { mut storage, identity, .. } =
        DiskStorage::create(dir.path(), &identity(), &Durable::default()).unwrap();
    let mut diary = Diary::default();
    while diary.written < WRITES {
        let (id, write) = diary.next();
        storage.submit(id, write);
        wait_for(&mut *storage, id);
    }
    (identity, storage)
}

impl Room {
    /// A room that was closed.
    fn closed() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (identity, storage) = written(&dir);
        drop(storage);
        Self::read(&dir, identity)
    }

    /// A room whose program died.
    fn abandoned() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (identity, _storage) = written(&dir);
        Self::read(&dir, identity)
    }

    fn read(dir: &TempDir, identity: Identity) -> Self {
        let read = |name| fs::read(dir.path().join(name)).unwrap();
        Self { identity, durable: Diary::after(WRITES).0, file: read("room.redb"), lock: read("room.lock") }
    }

    /// Opens a copy whose file holds `file`. It must open whole, or stay as it is.
    fn open_with(&self, file: &[u8], what: &str) -> Result<(), StorageError> {
        let (dir, path) = self.copy(file);
        match DiskStorage::open(dir.path()) {
            Ok(opened) => {
                assert!(opened.durable == self.durable && opened.identity == self.identity, "{what}: opens changed");
                Ok(())
            }
            Err(refused) => {
                assert!(fs::read(path).unwrap() == file, "{what}: was refused and changed");
                Err(refused)
            }
        }
    }

    fn copy(&self, file: &[u8]) -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("room.redb");
        fs::write(dir.path().join("room.lock"), &self.lock).unwrap();
        fs::write(&path, file).unwrap();
        (dir, path)
    }

    /// Opens it damaged in one place after another; how often it was refused.
    fn refusals(&self, damage: impl Fn(&mut [u8])) -> usize {
        let step = (self.file.len() - HEADER_BYTES) / PLACES;
        let places = (0..HEADER_BYTES).chain((HEADER_BYTES..self.file.len()).step_by(step.max(1)));
        let refused = places.filter(|&place| {
            let mut file = self.file.clone();
            damage(&mut file[place..]);
            let opened = self.open_with(&file, &format!("damage at byte {place}"));
            assert!(opened.as_ref().err().is_none_or(is_damaged), "damage at byte {place}: {opened:?}");
            opened.is_err()
        });
        refused.count()
    }
}

fn is_damaged(error: &StorageError) -> bool {
    matches!(error, StorageError::Damaged { .. })
}

#[test]
fn a_room_opens_as_it_was_left() {
    for room in [Room::closed(), Room::abandoned()] {
        room.open_with(&room.file, "unchanged").unwrap();
    }
}

#[test]
fn a_flipped_bit_never_loses_anything_silently() {
    for room in [Room::closed(), Room::abandoned()] {
        assert!(room.refusals(|bytes| bytes[0] ^= 0x01) > 0);
        assert!(room.refusals(|bytes| bytes[0] ^= 0x80) > 0);
    }
}

#[test]
fn an_overwritten_stretch_never_loses_anything_silently() {
    for room in [Room::closed(), Room::abandoned()] {
        let stretch = |bytes: &mut [u8], with| {
            let end = bytes.len().min(700);
            bytes[..end].fill(with);
        };
        assert!(room.refusals(|bytes| stretch(bytes, 0)) > 0);
        assert!(room.refusals(|bytes| stretch(bytes, 0xff)) > 0);
    }
}

#[test]
fn a_file_that_lost_its_end_is_refused() {
    for room in [Room::closed(), Room::abandoned()] {
        for tenth in 0..10 {
            let refused = room.open_with(&room.file[..room.file.len() * tenth / 10], "cut").unwrap_err();
            assert!(is_damaged(&refused), "{refused}");
        }
    }
}

#[test]
fn other_files_are_refused_as_what_they_are() {
    let room = Room::closed();
    for file in [&b""[..], b"{}", &[0; 10_000], &[0xff; 100_000]] {
        let refused = room.open_with(file, "another file").unwrap_err();
        assert!(matches!(refused, StorageError::Damaged { damage: Damage::NotARoom, .. }), "{refused}");
    }
}

#[test]
fn a_database_of_something_else_is_refused() {
    let (dir, path) = Room::closed().copy(b"");
    drop(Database::create(&path).unwrap());
    let before = fs::read(&path).unwrap();
    assert!(is_damaged(&DiskStorage::open(dir.path()).unwrap_err()));
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn an_older_copy_of_a_room_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(written(&dir));
    let path = dir.path().join("room.redb");
    let old = fs::read(&path).unwrap();
    let mut opened = DiskStorage::open(dir.path()).unwrap();
    let (id, write) = Diary::after(WRITES).1.next();
    opened.storage.submit(id, write);
    drop(opened);
    fs::write(&path, &old).unwrap();
    let refused = DiskStorage::open(dir.path()).unwrap_err();
    assert!(matches!(refused, StorageError::Damaged { damage: Damage::LastChanges { .. }, .. }), "{refused}");
    assert!(fs::read(&path).unwrap() == old);
}

#[test]
fn a_room_without_its_lock_file_opens() {
    let room = Room::closed();
    let (dir, _path) = room.copy(&room.file);
    fs::remove_file(dir.path().join("room.lock")).unwrap();
    assert_eq!(DiskStorage::open(dir.path()).unwrap().durable, room.durable);
}

/// What goes wrong when somebody else writes to the database.
#[test]
fn a_value_that_was_not_written_by_us_is_refused() {
    let room = Room::closed();
    let meta = TableDefinition::<&str, &[u8]>::new("meta");
    let log = TableDefinition::<u64, &[u8]>::new("log");
    let outbox = TableDefinition::<u64, &[u8]>::new("outbox");
    let state = TableDefinition::<u64, &[u8]>::new("state");
    let second = room.durable.base.index.0 + 2;
    assert!(room.durable.log.len() > 2 && room.durable.snapshot.as_ref().is_some_and(|it| it.state.len() > 65_536));
    type Vandal<'a> = &'a dyn Fn(&redb::WriteTransaction);
    let vandals: [(&str, Vandal); 10] = [
        ("a missing ballot", &|change| drop(change.open_table(meta).unwrap().remove("ballot").unwrap())),
        ("a changed key", &|change| drop(change.open_table(meta).unwrap().insert("key", &[7; 40][..]).unwrap())),
        ("a gap in the log", &|change| drop(change.open_table(log).unwrap().remove(second).unwrap())),
        ("a changed body", &|change| drop(change.open_table(outbox).unwrap().insert(99, &b"x"[..]).unwrap())),
        ("a log that is gone", &|change| assert!(change.delete_table(log).unwrap())),
        ("entries that changed places", &|change| {
            let mut log = change.open_table(log).unwrap();
            let bytes = log.get(second).unwrap().unwrap().value().to_vec();
            log.insert(second + 1, &bytes[..]).unwrap();
        }),
        ("a log that begins elsewhere", &|change| {
            let base = sealed("base", &[1, 1]);
            drop(change.open_table(meta).unwrap().insert("base", &base[..]).unwrap());
        }),
        ("a snapshot without its room", &|change| {
            drop(change.open_table(meta).unwrap().insert("room", &sealed("room", &[0])[..]).unwrap());
        }),
        ("a state that lost its end", &|change| drop(change.open_table(state).unwrap().remove(1).unwrap())),
        ("pieces of a state that changed places", &|change| {
            let mut state = change.open_table(state).unwrap();
            let first = state.get(0).unwrap().unwrap().value().to_vec();
            state.insert(1, &first[..]).unwrap();
        }),
    ];
    for (what, vandal) in vandals {
        let (dir, path) = room.copy(&room.file);
        let database = Database::open(&path).unwrap();
        let change = database.begin_write().unwrap();
        vandal(&change);
        change.commit().unwrap();
        drop(database);
        let before = fs::read(&path).unwrap();
        let refused = DiskStorage::open(dir.path()).unwrap_err();
        assert!(is_damaged(&refused), "{what}: {refused}");
        assert!(fs::read(&path).unwrap() == before, "{what}: changed");
    }
}

/// `value` as a store keeps it under `key` among what it holds once.
fn sealed(key: &str, value: &[u8]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_derive_key("bevy_quorum 2026-11 stored value");
    for part in ["meta", key] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    [&hasher.update(value).finalize().as_bytes()[..8], value].concat()
}

#[test]
fn a_room_of_another_version_is_refused_by_naming_both() {
    let room = Room::closed();
    for version in [0, 1, 250] {
        let (dir, path) = room.copy(&room.file);
        let database = Database::open(&path).unwrap();
        let change = database.begin_write().unwrap();
        let meta = TableDefinition::<&str, &[u8]>::new("meta");
        change.open_table(meta).unwrap().insert("version", &sealed("version", &[version])[..]).unwrap();
        change.commit().unwrap();
        drop(database);
        let before = fs::read(&path).unwrap();
        let refused = DiskStorage::open(dir.path()).unwrap_err();
        assert!(
            matches!(refused, StorageError::OtherVersion { found, expected: STORE_VERSION, .. } if found == u16::from(version)),
            "{refused}"
        );
        let said = refused.to_string();
        assert!(said.contains(&format!("version {version}")) && said.contains("version 2"), "{said}");
        assert!(fs::read(&path).unwrap() == before);
    }
}
