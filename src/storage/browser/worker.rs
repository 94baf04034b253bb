//! The task that writes.

use super::{claim::Claim, database::Database, group::Group};
use crate::{
    raft::LogIndex,
    storage::{
        StorageError,
        job::{GROUP_JOBS_MAX, HINT_DELAY, Job, hints_only},
        progress::Progress,
    },
};
use futures_timer::Delay;
use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// How much is written together, in bytes. A group is one value for a while, and browsers limit values; a single job, as
/// one with the largest snapshot, may be larger.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
    worker: Option<Waker>,
}

impl Queue {
    pub fn add(&mut self, job: Job) {
        self.jobs.push_back(job);
        self.worker.iter().for_each(Waker::wake_by_ref);
    }

    /// Nothing more will come.
    pub fn close(&mut self) {
        self.closed = true;
        self.worker.iter().for_each(Waker::wake_by_ref);
    }
}

/// Owns the open database and the claim to it. Ends, with everything written, when the queue is closed.
pub(super) struct Worker {
    database: Database,
    claim: Claim,
    groups: u64,
    queue: Arc<Mutex<Queue>>,
    progress: Arc<Mutex<Progress>>,
    /// A commit index that was told to be written, and is not yet.
    hint: Option<LogIndex>,
}

impl Worker {
    pub fn new(
        database: Database,
        claim: Claim,
        groups: u64,
        queue: Arc<Mutex<Queue>>,
        progress: Arc<Mutex<Progress>>,
    ) -> Self {
        Self { database, claim, groups, queue, progress, hint: None }
    }

    /// Writes until the queue is closed and empty, after what was left unfinished.
    pub async fn run(mut self, unfinished: Option<Group>) {
        if let Some(group) = unfinished
            && let Err(failure) = self.database.carry_out(self.claim.lease(), group).await
        {
            self.fail(failure);
        }
        while let Some(group) = self.next_group().await {
            self.carry_out(group).await;
        }
        self.carry_out(Vec::new()).await;
        self.claim.release(&self.database).await;
    }

    /// All that waits, once something does; empty when it is time to write the hint alone.
    async fn next_group(&self) -> Option<Vec<Job>> {
        let mut alone = pin!(Delay::new(HINT_DELAY));
        poll_fn(|context| {
            let mut queue = self.queue();
            queue.worker = Some(context.waker().clone());
            let count = together(&queue.jobs);
            match () {
                () if count > 0 => Poll::Ready(Some(queue.jobs.drain(..count).collect())),
                () if queue.closed => Poll::Ready(None),
                () if self.hint.is_some() => alone.as_mut().poll(context).map(|()| Some(Vec::new())),
                () => Poll::Pending,
            }
        })
        .await
    }

    async fn carry_out(&mut self, group: Vec<Job>) {
        if self.progress().has_failed() {
            return;
        }
        let last = group.iter().rev().find_map(Job::id);
        if let Some(hint) = hints_only(&group) {
            self.hint = Some(hint);
        } else if let Err(failure) = self.write(&group).await {
            return self.fail(failure);
        }
        let waker = last.and_then(|id| self.progress().advance(id));
        waker.into_iter().for_each(Waker::wake);
    }

    /// Makes the hint and the group durable.
    async fn write(&mut self, group: &[Job]) -> Result<(), StorageError> {
        if group.is_empty() && self.hint.is_none() {
            return Ok(());
        }
        self.groups += 1;
        let (hint, groups) = (self.hint.take(), self.groups);
        let group = Group::of(|writer| writer.carry_out(group, hint, groups));
        self.database.carry_out(self.claim.lease(), group).await
    }

    fn fail(&self, failure: StorageError) {
        let waker = self.progress().fail(failure);
        waker.into_iter().for_each(Waker::wake);
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of these jobs are written together.
fn together(jobs: &VecDeque<Job>) -> usize {
    let mut bytes = 0;
    let fit = jobs.iter().take(GROUP_JOBS_MAX).take_while(|job| {
        bytes += job.bytes();
        bytes <= GROUP_BYTES_MAX
    });
    fit.count().max(jobs.len().min(1))
}
