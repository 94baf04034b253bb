//! Work on bytes that no frame waits for: it is done beside the frame where there are threads.

use crate::room::{Shared, lock};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex},
    thread,
};

/// Where chores of a room are done.
pub(super) enum Workplace {
    /// On the spot: in tests, whose every run is the same, and where there are no threads.
    Here,
    /// On a thread of their own; the room is rung when they are done.
    Beside(Arc<Shared>),
}

/// A chore that was begun, and its result once it is done.
pub(super) struct Chore<T>(Arc<Mutex<Option<thread::Result<T>>>>);

impl<T: Send + 'static> Chore<T> {
    /// Begins.
    pub fn begin(place: Workplace, work: impl FnOnce() -> T + Send + 'static) -> Self {
        let result = Arc::new(Mutex::new(None));
        let slot = result.clone();
        let work = move || *lock(&slot) = Some(catch_unwind(AssertUnwindSafe(work)));
        match place {
            Workplace::Beside(room) if cfg!(not(target_arch = "wasm32")) => {
                let work = move || {
                    work();
                    room.ring();
                };
                let thread = thread::Builder::new().name("quorum-state".into()).spawn(work);
                thread.expect("the operating system grants a thread for the room's state");
            }
            _ => work(),
        }
        Self(result)
    }

    /// The result, once it is there.
    ///
    /// # Panics
    /// As the chore did.
    pub fn result(&self) -> Option<T> {
        let result = lock(&self.0).take()?;
        Some(result.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}
