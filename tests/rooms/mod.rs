//! What the tests of stores begin with.
// Not every test uses everything.
#![allow(clippy::unwrap_used, dead_code)]

use bevy_quorum::{
    raft::{
        Ballot, Command, Durable, Entries, Entry, LogIndex, LogPosition, LogTime, Membership, NodeId, Payload,
        Permission, Serial, Sessions, Snapshot, Term, Write, WriteId,
    },
    storage::{Identity, MemoryDisk, Storage, StorageError},
    wire::Invitation,
};
use bytes::Bytes;
use std::{
    sync::Arc,
    task::{Wake, Waker},
    thread::{self, Thread},
};

/// A new node of a new room.
pub fn identity() -> Identity {
    Identity::generate(Invitation::new(["ws://127.0.0.1:3536"], Permission::Editor).unwrap())
}

/// An entry with a body that names it.
pub fn entry(term: u64, index: u64) -> Entry {
    let body = Bytes::from(format!("entry {index} of term {term} ").repeat(1 + index as usize % 40));
    let command = Command { author: NodeId(term), serial: Serial(index), body };
    Entry { term: Term(term), index: LogIndex(index), time: LogTime(index * 10), payload: Payload::Command(command) }
}

/// A snapshot up to entry `index`, with a state that names it and takes more than one piece of a store.
pub fn snapshot(term: u64, index: u64) -> Snapshot {
    let mut state = format!("the board at {index} ").repeat(1 + index as usize % 9).into_bytes();
    state.resize(70_000 + index as usize % 3 * 40_000, index as u8);
    Snapshot {
        position: LogPosition { term: Term(term), index: LogIndex(index) },
        time: LogTime(index * 10),
        membership: Membership::default(),
        membership_index: LogIndex(0),
        sessions: Sessions::default(),
        state: state.into(),
    }
}

/// The `n`th write of a node whose log grows, is cut at both ends now and then, and whose outbox fills and
/// empties. Its ballot has term `n`.
#[derive(Default)]
pub struct Diary {
    pub written: u64,
    last: u64,
    base: u64,
    commit: u64,
    serial: u64,
}

impl Diary {
    /// The next write.
    pub fn next(&mut self) -> (WriteId, Write) {
        self.written += 1;
        let n = self.written;
        let mut write = Write {
            ballot: Some(Ballot { term: Term(n), vote: n.is_multiple_of(3).then_some(NodeId(n)) }),
            ..Default::default()
        };
        if n.is_multiple_of(5) && self.last > self.commit {
            write.truncate_from = Some(LogIndex(self.last));
            self.last -= 1;
        }
        let first = self.last + 1;
        self.last += n % 4;
        write.entries = (first..=self.last).map(|index| entry(n, index)).collect();
        if n.is_multiple_of(7) {
            self.commit = self.last;
            write.commit = Some(LogIndex(self.commit));
        }
        if n.is_multiple_of(13) && !n.is_multiple_of(7) && self.commit > self.base + 2 {
            self.base = self.commit - n % 2;
            write.snapshot = Some(Arc::new(snapshot(n, self.commit)));
            write.compact = Some(LogPosition { term: Term(n), index: LogIndex(self.base) });
        }
        if n.is_multiple_of(29) {
            // A snapshot of somebody who is far ahead.
            self.last += 10;
            (self.base, self.commit) = (self.last, self.last);
            let position = LogPosition { term: Term(n), index: LogIndex(self.last) };
            write.snapshot = Some(Arc::new(snapshot(n, self.last)));
            (write.compact, write.commit) = (Some(position), Some(position.index));
            write.entries = Entries::default();
        }
        if n.is_multiple_of(17) {
            write.session = Some(LogIndex(n));
        }
        if n.is_multiple_of(2) {
            self.serial += 1;
            write.outbox_put = vec![(Serial(self.serial), Bytes::from(format!("command {n}")))];
        }
        if n.is_multiple_of(11) {
            write.outbox_settled = Some(Serial(self.serial - 1));
        }
        (WriteId(n), write)
    }

    /// What a store holds after the first `written` writes, and the diary from there on.
    pub fn after(written: u64) -> (Durable, Self) {
        let (disk, mut diary) = (MemoryDisk::new(), Self::default());
        let mut opened = disk.create(&identity(), &Durable::default()).unwrap();
        while diary.written < written {
            let (id, write) = diary.next();
            opened.storage.submit(id, write);
        }
        drop(opened);
        (disk.open().unwrap().durable, diary)
    }
}

/// Waits until `id` is durable; says which write is by then. The completion must not be polled yet.
pub fn wait_for(storage: &mut dyn Storage, id: WriteId) -> WriteId {
    poll_until(storage, id).unwrap()
}

/// Waits until `id` is durable, or can't be.
pub fn poll_until(storage: &mut dyn Storage, id: WriteId) -> Result<WriteId, StorageError> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    storage.wake(Waker::from(Arc::new(Unpark(thread::current()))));
    loop {
        match storage.poll()? {
            Some(done) if done >= id => return Ok(done),
            _ => thread::park(),
        }
    }
}
