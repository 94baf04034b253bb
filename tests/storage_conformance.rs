//! What every store does, in memory or on a disk.
#![cfg(feature = "disk")]
#![allow(clippy::unwrap_used)]

mod rooms;

use bevy_quorum::{
    raft::{Ballot, Durable, LogIndex, LogPosition, NodeId, Serial, Term, Write, WriteId},
    storage::{DiskStorage, Identity, MemoryDisk, Opened, Storage, StorageError},
};
use bytes::Bytes;
use rooms::{Diary, entry, identity, snapshot, wait_for};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use tempfile::TempDir;

/// Where a store can be.
trait Place {
    fn create(&self, identity: &Identity, founding: &Durable) -> Result<Opened, StorageError>;
    fn open(&self) -> Result<Opened, StorageError>;
}

impl Place for MemoryDisk {
    fn create(&self, identity: &Identity, founding: &Durable) -> Result<Opened, StorageError> {
        self.create(identity, founding)
    }

    fn open(&self) -> Result<Opened, StorageError> {
        self.open()
    }
}

impl Place for TempDir {
    fn create(&self, identity: &Identity, founding: &Durable) -> Result<Opened, StorageError> {
        DiskStorage::create(self.path(), identity, founding)
    }

    fn open(&self) -> Result<Opened, StorageError> {
        DiskStorage::open(self.path())
    }
}

fn everywhere(story: impl Fn(&dyn Place)) {
    story(&MemoryDisk::new());
    story(&tempfile::tempdir().unwrap());
}

fn founded(place: &dyn Place) -> Box<dyn Storage> {
    place.create(&identity(), &Durable::default()).unwrap().storage
}

fn submit(storage: &mut dyn Storage, id: u64, write: Write) {
    storage.submit(WriteId(id), write);
}

#[test]
fn a_new_store_holds_its_founding_state() {
    everywhere(|place| {
        let founding = Durable {
            ballot: Ballot { term: Term(1), vote: Some(NodeId(7)) },
            snapshot: Some(Arc::new(snapshot(1, 8))),
            base: LogPosition { term: Term(1), index: LogIndex(6) },
            log: vec![entry(1, 7), entry(1, 8), entry(1, 9)],
            commit: LogIndex(8),
            session: Some(LogIndex(7)),
            outbox: [(Serial(4), Bytes::from_static(b"draw"))].into(),
            last_serial: Serial(4),
        };
        let identity = identity();
        let created = place.create(&identity, &founding).unwrap();
        assert_eq!((&created.identity, &created.durable), (&identity, &founding));
        drop(created);
        let opened = place.open().unwrap();
        assert_eq!((&opened.identity, &opened.durable), (&identity, &founding));
    });
}

#[test]
fn every_write_is_there_after_a_restart() {
    everywhere(|place| {
        let (mut storage, mut diary) = (founded(place), Diary::default());
        for _ in 0..300 {
            let (id, write) = diary.next();
            storage.submit(id, write);
        }
        wait_for(&mut *storage, WriteId(300));
        drop(storage);
        assert_eq!(place.open().unwrap().durable, Diary::after(300).0);
    });
}

#[test]
fn writes_go_on_after_a_restart() {
    everywhere(|place| {
        drop(founded(place));
        for restart in 1..=5 {
            let (durable, mut diary) = Diary::after((restart - 1) * 20);
            let mut opened = place.open().unwrap();
            assert_eq!(opened.durable, durable);
            while diary.written < restart * 20 {
                let (id, write) = diary.next();
                opened.storage.submit(id, write);
            }
        }
        assert_eq!(place.open().unwrap().durable, Diary::after(100).0);
    });
}

#[test]
fn completions_come_in_order_and_once() {
    everywhere(|place| {
        let mut storage = founded(place);
        assert_eq!(storage.poll().unwrap(), None);
        let (mut diary, mut seen) = (Diary::default(), None);
        for _ in 0..50 {
            let (id, write) = diary.next();
            storage.submit(id, write);
            if let Some(id) = storage.poll().unwrap() {
                assert!(seen < Some(id));
                seen = Some(id);
            }
        }
        if seen < Some(WriteId(50)) {
            wait_for(&mut *storage, WriteId(50));
        }
        assert_eq!(storage.poll().unwrap(), None);
    });
}

#[test]
fn a_write_may_replace_the_end_of_the_log() {
    everywhere(|place| {
        let mut storage = founded(place);
        submit(&mut *storage, 1, Write { entries: (1..=9).map(|index| entry(1, index)).collect(), ..Write::default() });
        let write = Write {
            truncate_from: Some(LogIndex(4)),
            entries: vec![entry(2, 4), entry(2, 5)].into(),
            ..Write::default()
        };
        submit(&mut *storage, 2, write);
        drop(storage);
        let log = place.open().unwrap().durable.log;
        assert_eq!(log, [entry(1, 1), entry(1, 2), entry(1, 3), entry(2, 4), entry(2, 5)]);
    });
}

#[test]
fn settled_commands_are_forgotten_and_their_serials_are_not() {
    everywhere(|place| {
        let mut storage = founded(place);
        let bodies = (1..=3).map(|serial| (Serial(serial), Bytes::from_static(b"draw"))).collect();
        submit(&mut *storage, 1, Write { outbox_put: bodies, ..Write::default() });
        submit(&mut *storage, 2, Write { outbox_settled: Some(Serial(3)), ..Write::default() });
        drop(storage);
        let durable = place.open().unwrap().durable;
        assert!(durable.outbox.is_empty());
        assert_eq!(durable.last_serial, Serial(3));
    });
}

#[test]
fn a_commit_index_alone_completes_and_is_kept_by_a_clean_close() {
    everywhere(|place| {
        let mut storage = founded(place);
        submit(&mut *storage, 1, Write { entries: vec![entry(1, 1)].into(), ..Write::default() });
        submit(&mut *storage, 2, Write { commit: Some(LogIndex(1)), ..Write::default() });
        wait_for(&mut *storage, WriteId(2));
        drop(storage);
        assert_eq!(place.open().unwrap().durable.commit, LogIndex(1));
    });
}

#[test]
fn an_empty_write_completes() {
    everywhere(|place| {
        let mut storage = founded(place);
        submit(&mut *storage, 1, Write::default());
        wait_for(&mut *storage, WriteId(1));
    });
}

#[test]
fn another_way_back_into_the_room_is_kept() {
    everywhere(|place| {
        let mut opened = place.create(&identity(), &Durable::default()).unwrap();
        let moved = opened.identity.invitation.clone().with_rendezvous(["wss://elsewhere.example"]).unwrap();
        opened.storage.set_invitation(&moved);
        drop(opened);
        assert_eq!(place.open().unwrap().identity.invitation, moved);
    });
}

#[test]
fn a_place_holds_one_room_open_once() {
    everywhere(|place| {
        assert!(matches!(place.open(), Err(StorageError::NotFound { .. })));
        let storage = founded(place);
        assert!(matches!(place.open(), Err(StorageError::InUse { .. })));
        drop(storage);
        assert!(matches!(place.create(&identity(), &Durable::default()), Err(StorageError::Occupied { .. })));
        drop(place.open().unwrap());
        drop(place.open().unwrap());
    });
}

#[test]
fn a_write_that_does_not_follow_is_a_broken_invariant() {
    let outbox_put = |serial| vec![(Serial(serial), Bytes::new())];
    let nonsense = [
        Write { entries: vec![entry(1, 3)].into(), ..Write::default() },
        Write { commit: Some(LogIndex(2)), ..Write::default() },
        Write { truncate_from: Some(LogIndex(1)), ..Write::default() },
        Write { outbox_put: outbox_put(1), ..Write::default() },
    ];
    everywhere(|place| {
        let mut storage = founded(place);
        let write = Write {
            entries: vec![entry(1, 1)].into(),
            commit: Some(LogIndex(1)),
            outbox_put: outbox_put(1),
            ..Write::default()
        };
        submit(&mut *storage, 1, write);
        for (id, write) in (2..).zip(nonsense.clone()) {
            let submitted = catch_unwind(AssertUnwindSafe(|| submit(&mut *storage, id, write.clone())));
            assert!(submitted.is_err(), "{write:?}");
        }
    });
}

#[test]
fn a_held_write_completes_when_told() {
    let disk = MemoryDisk::new();
    let mut storage = founded(&disk);
    disk.hold();
    let mut diary = Diary::default();
    for _ in 0..3 {
        let (id, write) = diary.next();
        storage.submit(id, write);
    }
    assert_eq!((disk.waiting(), storage.poll().unwrap()), (3, None));
    disk.complete(2);
    assert_eq!(storage.poll().unwrap(), Some(WriteId(2)));
    disk.release();
    assert_eq!(storage.poll().unwrap(), Some(WriteId(3)));
}

#[test]
fn a_crash_loses_what_waits_and_nothing_else() {
    let disk = MemoryDisk::new();
    let mut stale = founded(&disk);
    disk.hold();
    let mut diary = Diary::default();
    for _ in 0..3 {
        let (id, write) = diary.next();
        stale.submit(id, write);
    }
    disk.complete(2);
    disk.crash();
    let reopened = disk.open().unwrap();
    assert_eq!(reopened.durable, Diary::after(2).0);
    let (id, write) = diary.next();
    stale.submit(id, write);
    assert_eq!((disk.waiting(), stale.poll().unwrap()), (0, None));
    drop(stale);
    assert!(matches!(disk.open(), Err(StorageError::InUse { .. })));
}

#[test]
fn after_a_failed_write_a_store_says_so_for_ever() {
    let disk = MemoryDisk::new();
    let mut storage = founded(&disk);
    disk.fail();
    submit(&mut *storage, 1, Write { entries: vec![entry(1, 1)].into(), ..Write::default() });
    for _ in 0..2 {
        assert!(matches!(storage.poll(), Err(StorageError::Io { .. })));
    }
    drop(storage);
    assert_eq!(disk.open().unwrap().durable, Durable::default());
}
