//! A store on a disk: one database file in a folder of its own.
//!
//! - `room.redb` holds everything; redb makes each group of writes atomic and durable.
//! - `room.lock` is locked by whoever has the room open, and says how many groups are complete, so
//!   that a file that was damaged or put back into an older state is noticed.
//!
//! A store is read and checked in full, through a copy in memory, before its file is opened for writing:
//! a damaged one stays as it is.

mod check;
mod file;
mod lock;
mod overlay;
mod tables;
mod worker;

use super::{Identity, Opened, Storage, StorageError, extent::Extent, job::Job, progress::Progress};
use crate::{
    raft::{Durable, Write, WriteId},
    wire::Invitation,
};
use lock::Lock;
use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    task::Waker,
    thread::{self, JoinHandle},
};
use worker::Worker;

/// A store on a disk.
///
/// Writes are carried out by a thread of its own; those that wait at the same time become durable
/// together, with one flush of the disk.
///
/// ```
/// use bevy_quorum::{raft::{Durable, Permission}, storage::{DiskStorage, Identity}, wire::Invitation};
/// # let folder = tempfile::tempdir()?;
/// # let dir = folder.path().join("board");
///
/// let identity = Identity::generate(Invitation::new(["ws://127.0.0.1:3536"], Permission::Editor)?);
/// drop(DiskStorage::create(&dir, &identity, &Durable::default())?);
///
/// let opened = DiskStorage::open(&dir)?;
/// assert_eq!(opened.identity.node(), identity.node());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DiskStorage {
    extent: Extent,
    jobs: Option<Sender<Job>>,
    worker: Option<JoinHandle<()>>,
    progress: Arc<Mutex<Progress>>,
}

impl DiskStorage {
    /// Whether `dir` holds a room, be it whole or damaged.
    #[must_use]
    pub fn exists(dir: &Path) -> bool {
        file::path(dir).exists()
    }

    /// Makes the store of a new node in `dir`, and the folder too if need be. The store is there
    /// completely or not at all, whatever happens meanwhile.
    ///
    /// # Errors
    /// If `dir` holds a room already, another program is about to make one there, or the disk refuses.
    ///
    /// # Panics
    /// If the founding state is inconsistent.
    pub fn create(dir: &Path, identity: &Identity, founding: &Durable) -> Result<Opened, StorageError> {
        std::fs::create_dir_all(dir).map_err(|error| StorageError::io(dir, error))?;
        let lock = Lock::acquire(dir)?;
        if Self::exists(dir) {
            return Err(StorageError::Occupied { path: dir.to_owned() });
        }
        file::create(dir, identity, founding)?;
        Self::open_locked(dir, lock)
    }

    /// Opens the store in `dir`.
    ///
    /// # Errors
    /// If there is none, another program has it open, it is damaged or of another version, or the disk
    /// refuses. The store is left as it is.
    pub fn open(dir: &Path) -> Result<Opened, StorageError> {
        if !Self::exists(dir) {
            return Err(StorageError::NotFound { path: dir.to_owned() });
        }
        Self::open_locked(dir, Lock::acquire(dir)?)
    }

    fn open_locked(dir: &Path, lock: Lock) -> Result<Opened, StorageError> {
        let path = file::path(dir);
        let contents = check::check(&path, &lock)?;
        let database = file::open(&path)?;
        let (identity, durable) = (contents.identity, contents.durable);
        let progress = Arc::new(Mutex::new(Progress::default()));
        let (jobs, queue) = channel();
        let worker =
            Worker::new(path.clone(), database, lock, identity.node(), contents.groups, queue, progress.clone());
        let worker = thread::Builder::new()
            .name("quorum store".into())
            .spawn(|| worker.run())
            .map_err(|error| StorageError::io(&path, error))?;
        let extent = Extent::of(&identity, &durable);
        let storage = Box::new(Self { extent, jobs: Some(jobs), worker: Some(worker), progress });
        Ok(Opened { storage, identity, durable })
    }

    fn queue(&self, job: Job) {
        let jobs = self.jobs.as_ref().expect("the queue is closed by drop alone");
        // Once the worker is gone, `poll` says why.
        let _gone = jobs.send(job);
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for DiskStorage {
    fn submit(&mut self, id: WriteId, write: Write) {
        self.extent.admit(id, &write);
        self.queue(Job::Write(id, write));
    }

    fn set_invitation(&mut self, invitation: &Invitation) {
        self.extent.admit_invitation(invitation);
        self.queue(Job::Invitation(invitation.clone()));
    }

    fn poll(&mut self) -> Result<Option<WriteId>, StorageError> {
        self.progress().poll()
    }

    fn wake(&mut self, waker: Waker) {
        self.progress().wake(waker);
    }
}

impl Drop for DiskStorage {
    /// Waits until everything submitted is durable.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(worker) = self.worker.take() {
            let _panics_are_caught_inside = worker.join();
        }
    }
}
