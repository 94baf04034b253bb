//! A store in memory, for tests, for virtual time, and where there is no disk.

use super::{Identity, Opened, Storage, StorageError, extent::Extent, job::Job, progress::Progress};
use crate::{
    raft::{Durable, Serial, Write, WriteId},
    wire::Invitation,
};
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

/// A disk that lives in memory; its clones are the same disk. What is written to it outlives the
/// [`MemoryStorage`] that wrote it, as on a real one.
///
/// Writes complete at once, unless the disk is told to [`hold`](Self::hold) them.
///
/// ```
/// use bevy_quorum::{raft::{Durable, Permission}, storage::{Identity, MemoryDisk}, wire::Invitation};
///
/// let disk = MemoryDisk::new();
/// let identity = Identity::generate(Invitation::new(["ws://127.0.0.1:3536"], Permission::Editor)?);
/// drop(disk.create(&identity, &Durable::default())?);
/// assert_eq!(disk.open()?.identity.node(), identity.node());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Platter>>);

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it holds a room.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.platter().kept.is_some()
    }

    /// Makes the store of a new node.
    ///
    /// # Errors
    /// If the disk holds a room already.
    ///
    /// # Panics
    /// If the founding state is inconsistent.
    pub fn create(&self, identity: &Identity, founding: &Durable) -> Result<Opened, StorageError> {
        let mut platter = self.platter();
        if platter.kept.is_some() {
            return Err(StorageError::Occupied { path: path() });
        }
        let _consistent = Extent::found(identity, founding);
        platter.kept = Some((identity.clone(), founding.clone()));
        drop(platter);
        self.open()
    }

    /// Opens the store that the disk holds.
    ///
    /// # Errors
    /// If there is none, or it is open already.
    pub fn open(&self) -> Result<Opened, StorageError> {
        let mut platter = self.platter();
        if platter.in_use {
            return Err(StorageError::InUse { path: path() });
        }
        let (identity, durable) = platter.kept.clone().ok_or_else(|| StorageError::NotFound { path: path() })?;
        platter.in_use = true;
        platter.boot += 1;
        platter.progress = Progress::default();
        let storage = MemoryStorage { disk: self.clone(), boot: platter.boot, extent: Extent::of(&identity, &durable) };
        Ok(Opened { storage: Box::new(storage), identity, durable })
    }

    /// From now on writes wait until they are [completed](Self::complete) or [released](Self::release).
    pub fn hold(&self) {
        self.platter().held = true;
    }

    /// How many writes wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.platter().queue.len()
    }

    /// Completes the `count` oldest writes that wait.
    pub fn complete(&self, count: usize) {
        let waker = self.platter().complete(count);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Completes what waits; from now on writes complete at once again.
    pub fn release(&self) {
        self.platter().held = false;
        self.complete(usize::MAX);
    }

    /// What a sudden death leaves behind: writes that wait are lost, and the storage that is open
    /// completes nothing more. The store can be opened again.
    pub fn crash(&self) {
        let mut platter = self.platter();
        platter.queue.clear();
        platter.boot += 1;
        platter.in_use = false;
    }

    /// From now on every write fails, until the store is opened again.
    pub fn fail(&self) {
        let failure = StorageError::io(&path(), io::Error::other("the disk was told to fail"));
        let mut platter = self.platter();
        platter.queue.clear();
        let waker = platter.progress.fail(failure);
        drop(platter);
        waker.into_iter().for_each(Waker::wake);
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What errors call a disk that has no path.
fn path() -> PathBuf {
    Path::new("memory").to_owned()
}

/// What the clones of a disk share.
#[derive(Debug, Default)]
struct Platter {
    kept: Option<(Identity, Durable)>,
    queue: VecDeque<Job>,
    held: bool,
    in_use: bool,
    /// Which storage may write: a crash takes it away from the one before.
    boot: u64,
    progress: Progress,
}

impl Platter {
    fn complete(&mut self, count: usize) -> Option<Waker> {
        let mut last = None;
        let count = count.min(self.queue.len());
        let (identity, durable) = self.kept.as_mut()?;
        for job in self.queue.drain(..count) {
            match job {
                Job::Write(id, write) => {
                    apply(durable, write);
                    last = Some(id);
                }
                Job::Invitation(invitation) => identity.invitation = invitation,
            }
        }
        self.progress.advance(last?)
    }
}

/// Changes `durable` as `write` says.
fn apply(durable: &mut Durable, write: Write) {
    durable.ballot = write.ballot.unwrap_or(durable.ballot);
    if let Some(from) = write.truncate_from {
        durable.log.retain(|entry| entry.index < from);
    }
    if let Some(base) = write.compact {
        durable.log.retain(|entry| entry.index > base.index);
        durable.base = base;
    }
    durable.snapshot = write.snapshot.or(durable.snapshot.take());
    durable.log.extend(write.entries.iter().cloned());
    durable.commit = write.commit.unwrap_or(durable.commit);
    durable.session = write.session.or(durable.session);
    if let Some(settled) = write.outbox_settled {
        durable.outbox = durable.outbox.split_off(&Serial(settled.0 + 1));
    }
    for (serial, body) in write.outbox_put {
        durable.last_serial = serial;
        durable.outbox.insert(serial, body);
    }
}

/// A handle on a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryStorage {
    disk: MemoryDisk,
    boot: u64,
    extent: Extent,
}

impl MemoryStorage {
    fn queue(&self, job: Job) {
        let mut platter = self.disk.platter();
        if platter.boot != self.boot || platter.progress.has_failed() {
            return;
        }
        platter.queue.push_back(job);
        if !platter.held {
            drop(platter);
            self.disk.complete(usize::MAX);
        }
    }
}

impl Storage for MemoryStorage {
    fn submit(&mut self, id: WriteId, write: Write) {
        self.extent.admit(id, &write);
        self.queue(Job::Write(id, write));
    }

    fn set_invitation(&mut self, invitation: &Invitation) {
        self.extent.admit_invitation(invitation);
        self.queue(Job::Invitation(invitation.clone()));
    }

    fn poll(&mut self) -> Result<Option<WriteId>, StorageError> {
        let mut platter = self.disk.platter();
        if platter.boot == self.boot { platter.progress.poll() } else { Ok(None) }
    }

    fn wake(&mut self, waker: Waker) {
        let mut platter = self.disk.platter();
        if platter.boot == self.boot {
            platter.progress.wake(waker);
        }
    }
}

impl Drop for MemoryStorage {
    fn drop(&mut self) {
        let mut platter = self.disk.platter();
        if platter.boot == self.boot {
            let _nobody_waits = platter.complete(usize::MAX);
            platter.in_use = false;
        }
    }
}
