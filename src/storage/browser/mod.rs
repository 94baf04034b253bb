//! A store in a browser: an IndexedDB database for each room.
//!
//! Everything that waits becomes durable together, by one transaction of strict durability: it is complete once the
//! browser has it on its disk, not merely in the system's memory. A page may be closed at any moment; what a
//! transaction holds is then there as a whole or not at all, also where the browser has a part of it: see [`group`].
//!
//! One store serves one page at a time.

mod claim;
mod database;
mod grant;
mod group;
mod worker;

use super::{Identity, Opened, Storage, StorageError, extent::Extent, job::Job, progress::Progress};
use crate::{
    raft::{Durable, Write, WriteId},
    wire::Invitation,
};
use claim::Claim;
use database::{Database, Loaded};
pub(crate) use grant::ask_to_keep;
use group::Group;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};
use wasm_bindgen_futures::spawn_local;
use worker::{Queue, Worker};

/// A place for a store in this browser, which no other page can use meanwhile.
pub struct BrowserPlace {
    name: String,
    database: Database,
    claim: Claim,
    loaded: Loaded,
}

impl BrowserPlace {
    /// Takes the place of this name, as soon as it is free. Who closes or reloads a page leaves its places free a moment
    /// later.
    ///
    /// # Errors
    /// If another page has it for longer than `patience`, or the browser keeps nothing for this page.
    pub async fn take(name: &str, patience: Duration) -> Result<Self, StorageError> {
        let database = Database::open(name).await?;
        let claim = Claim::acquire(name, &database, patience).await?;
        let loaded = database.load().await?;
        Ok(Self { name: name.to_owned(), database, claim, loaded })
    }

    /// Whether there is a room, be it whole or damaged.
    #[must_use]
    pub fn holds_a_room(&self) -> bool {
        self.loaded.holds_a_room()
    }

    /// Makes the store of a new node here.
    ///
    /// # Errors
    /// If there is a room already, or the browser can't write it.
    ///
    /// # Panics
    /// If the founding state is inconsistent.
    pub async fn create(mut self, identity: &Identity, founding: &Durable) -> Result<Opened, StorageError> {
        if self.holds_a_room() {
            return Err(StorageError::Occupied { path: path(&self.name) });
        }
        let group = Group::of(|writer| writer.create(identity, founding));
        self.database.carry_out(self.claim.lease(), group).await?;
        self.loaded = self.database.load().await?;
        self.open()
    }

    /// Opens the store that is here.
    ///
    /// # Errors
    /// If there is none, or it is damaged or of another version. It is left as it is.
    pub fn open(self) -> Result<Opened, StorageError> {
        if !self.holds_a_room() {
            return Err(StorageError::NotFound { path: path(&self.name) });
        }
        let (contents, unfinished) = self.loaded.read(&self.name)?;
        let (identity, durable) = (contents.identity, contents.durable);
        let (queue, progress) = (Arc::new(Mutex::new(Queue::default())), Arc::new(Mutex::new(Progress::default())));
        let worker = Worker::new(self.database, self.claim, contents.groups, queue.clone(), progress.clone());
        spawn_local(worker.run(unfinished));
        let extent = Extent::of(&identity, &durable);
        Ok(Opened { storage: Box::new(BrowserStorage { extent, queue, progress }), identity, durable })
    }
}

/// What errors call a store in a browser.
fn path(name: &str) -> PathBuf {
    PathBuf::from(format!("this browser ({name})"))
}

/// A store in a browser. Dropped, it goes on until everything submitted is durable, if the page lives that long.
#[derive(Debug)]
pub struct BrowserStorage {
    extent: Extent,
    queue: Arc<Mutex<Queue>>,
    progress: Arc<Mutex<Progress>>,
}

impl BrowserStorage {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for BrowserStorage {
    fn submit(&mut self, id: WriteId, write: Write) {
        self.extent.admit(id, &write);
        self.queue().add(Job::Write(id, write));
    }

    fn set_invitation(&mut self, invitation: &Invitation) {
        self.extent.admit_invitation(invitation);
        self.queue().add(Job::Invitation(invitation.clone()));
    }

    fn poll(&mut self) -> Result<Option<WriteId>, StorageError> {
        self.progress().poll()
    }

    fn wake(&mut self, waker: Waker) {
        self.progress().wake(waker);
    }
}

impl Drop for BrowserStorage {
    fn drop(&mut self) {
        self.queue().close();
    }
}
