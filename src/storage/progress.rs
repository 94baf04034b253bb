//! What a store tells its owner about the writes it was given.

use super::StorageError;
use crate::raft::WriteId;
use std::task::Waker;

/// How far the writes have come, and who wants to know.
#[derive(Debug, Default)]
pub(super) struct Progress {
    durable: Option<WriteId>,
    failure: Option<StorageError>,
    waker: Option<Waker>,
}

impl Progress {
    /// Every write up to `id` is durable. Whoever is returned wants to know.
    #[must_use]
    pub fn advance(&mut self, id: WriteId) -> Option<Waker> {
        self.durable = Some(id);
        self.waker.clone()
    }

    /// No write will complete any more. Whoever is returned wants to know.
    #[must_use]
    pub fn fail(&mut self, failure: StorageError) -> Option<Waker> {
        self.failure.get_or_insert(failure);
        self.waker.clone()
    }

    /// Whether a write has failed.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The last durable write, once.
    pub fn poll(&mut self) -> Result<Option<WriteId>, StorageError> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(self.durable.take()),
        }
    }

    /// Sets who is told.
    pub fn wake(&mut self, waker: Waker) {
        self.waker = Some(waker);
    }
}
