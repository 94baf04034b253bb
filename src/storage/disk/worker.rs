//! The thread that writes.

use super::{file, lock::Lock, tables::OpenTables};
use crate::{
    raft::{LogIndex, NodeId},
    storage::{
        StorageError,
        job::{GROUP_JOBS_MAX, HINT_DELAY, Job, hints_only},
        progress::Progress,
        write::Writer,
    },
};
use redb::{Database, Error};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError},
    },
    task::Waker,
};

/// Owns the open database. Ends, with everything written, when the queue is closed.
pub(super) struct Worker {
    path: PathBuf,
    database: Database,
    // After `database`, so that it is given back last.
    lock: Lock,
    node: NodeId,
    groups: u64,
    jobs: Receiver<Job>,
    progress: Arc<Mutex<Progress>>,
    /// A commit index that was told to be written, and is not yet.
    hint: Option<LogIndex>,
}

impl Worker {
    pub fn new(
        path: PathBuf,
        database: Database,
        lock: Lock,
        node: NodeId,
        groups: u64,
        jobs: Receiver<Job>,
        progress: Arc<Mutex<Progress>>,
    ) -> Self {
        Self { path, database, lock, node, groups, jobs, progress, hint: None }
    }

    /// Writes until the queue is closed and empty.
    pub fn run(mut self) {
        while let Some(group) = self.next_group() {
            self.carry_out(group);
        }
        self.carry_out(Vec::new());
    }

    /// All that waits, once something does; empty when it is time to write the hint alone.
    fn next_group(&self) -> Option<Vec<Job>> {
        let first = match self.hint {
            None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => self.jobs.recv_timeout(HINT_DELAY),
        };
        match first {
            Ok(first) => Some(std::iter::once(first).chain(self.jobs.try_iter().take(GROUP_JOBS_MAX - 1)).collect()),
            Err(RecvTimeoutError::Timeout) => Some(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn carry_out(&mut self, group: Vec<Job>) {
        if self.progress().has_failed() {
            return;
        }
        let last = group.iter().rev().find_map(Job::id);
        if let Some(hint) = hints_only(&group) {
            self.hint = Some(hint);
        } else if let Err(failure) = self.write(&group) {
            let waker = self.progress().fail(failure);
            return waker.into_iter().for_each(Waker::wake);
        }
        let waker = last.and_then(|id| self.progress().advance(id));
        waker.into_iter().for_each(Waker::wake);
    }

    /// Makes the hint and the group durable.
    fn write(&mut self, group: &[Job]) -> Result<(), StorageError> {
        if group.is_empty() && self.hint.is_none() {
            return Ok(());
        }
        let written = catch_unwind(AssertUnwindSafe(|| self.transact(group)));
        let written = written.unwrap_or_else(|_| Err(Error::Io(io::Error::other("the database gave up"))));
        written.map_err(|error| file::storage_error(&self.path, error))
    }

    fn transact(&mut self, group: &[Job]) -> Result<(), Error> {
        let transaction = self.database.begin_write()?;
        self.groups += 1;
        Writer(OpenTables::open(&transaction)?).carry_out(group, self.hint.take(), self.groups)?;
        // redb's durability is immediate unless told otherwise.
        transaction.commit()?;
        Ok(self.lock.mark(self.node, self.groups)?)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
