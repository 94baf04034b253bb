//! The desk between the main world and the consensus world: requests one way, reports the other.

use super::{RoomError, Showcase};
use crate::{
    raft::{Applied, LogIndex, LogPosition, NodeId, Rejected, Serial, Snapshot},
    wire::Invitation,
};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    task::Waker,
    time::Duration,
};

/// The number by which the main world knows a proposal before it has a serial.
pub(crate) type Ticket = u64;

/// How many whispers wait for a main world that stalls; after that, the oldest is lost.
const WHISPERS_WAITING_MAX: usize = 1_024;

/// What the main world asks for.
pub(crate) enum Request {
    Propose { ticket: Ticket, body: Bytes },
    Whisper { kind: u64, body: Bytes },
    /// The answer to [`Report::Snapshot`]: the state as it was then, in canonical bytes.
    Snapshotted { index: LogIndex, state: Bytes },
    Leave,
}

/// What the consensus world tells.
pub(crate) enum Report {
    /// The store is open: who we are, how to come in, what was never settled, and how far the log is history.
    Opened { node: NodeId, invitation: Invitation, outbox: Vec<(Serial, Bytes)>, history: LogIndex },
    /// A proposal got its serial; it is in the outbox.
    Accepted { ticket: Ticket, serial: Serial },
    /// A proposal was not taken.
    Refused { ticket: Ticket, reason: Rejected },
    /// Commands that are committed, in order, and how far the log holds no others.
    Applied { commands: Vec<Applied>, through: LogIndex },
    /// The state after the commands before this, and before those after it, is wanted in canonical bytes.
    Snapshot { position: LogPosition },
    /// The state is this one now, whatever was applied; what comes next is applied to it.
    Restore(Arc<Snapshot>),
    /// The room can't go on.
    Failed(RoomError),
    /// The room has been left.
    Closed,
}

/// Something unreliable from another node.
pub(crate) struct Whispered {
    pub from: NodeId,
    pub kind: u64,
    pub body: Bytes,
}

/// The main world's side of the desk.
pub(crate) struct Front {
    pub requests: Sender<Request>,
    pub reports: Mutex<Receiver<Report>>,
    pub shared: Arc<Shared>,
}

/// The consensus world's side of the desk.
pub(crate) struct Back {
    pub requests: Mutex<Receiver<Request>>,
    pub reports: Sender<Report>,
    pub shared: Arc<Shared>,
    /// Wakes an app that sleeps.
    pub app: Waker,
}

impl Back {
    /// Reports, and wakes the app. That nobody listens any more is no error: the room is being left.
    pub fn report(&self, report: Report) {
        if self.reports.send(report).is_ok() {
            self.shared.ring();
            self.app.wake_by_ref();
        }
    }

    /// Passes a whisper on, and wakes the app.
    pub fn whisper(&self, whispered: Whispered) {
        let mut whispers = lock(&self.shared.whispers);
        if whispers.len() == WHISPERS_WAITING_MAX {
            whispers.pop_front();
        }
        whispers.push_back(whispered);
        drop(whispers);
        self.shared.ring();
        self.app.wake_by_ref();
    }
}

/// What both sides see: the latest showcase, the whispers that wait, and whether the driver has ended.
#[derive(Default)]
pub(crate) struct Shared {
    showcase: Mutex<Showcase>,
    edition: AtomicU64,
    whispers: Mutex<VecDeque<Whispered>>,
    rung: AtomicBool,
    ended: Mutex<bool>,
    end: Condvar,
}

impl Shared {
    /// Lays out a new showcase; says whether more than the figures of links changed, which is worth waking for.
    pub fn show(&self, showcase: Showcase) -> bool {
        let mut shown = lock(&self.showcase);
        if *shown == showcase {
            return false;
        }
        let worth_waking = shown.status != showcase.status;
        *shown = showcase;
        self.edition.fetch_add(1, Ordering::Release);
        worth_waking
    }

    /// Whether there is another showcase than the one `seen`.
    pub fn has_news(&self, seen: u64) -> bool {
        self.edition.load(Ordering::Acquire) != seen
    }

    /// The showcase, if it changed since `seen`, which is brought up to date.
    pub fn news(&self, seen: &mut u64) -> Option<Showcase> {
        let edition = self.edition.load(Ordering::Acquire);
        if edition == *seen {
            return None;
        }
        *seen = edition;
        Some(lock(&self.showcase).clone())
    }

    /// Reports or whispers wait at the front.
    fn ring(&self) {
        self.rung.store(true, Ordering::Release);
    }

    /// Whether reports or whispers wait.
    pub fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// Before everything that waits is taken: what comes meanwhile rings again.
    pub fn hush(&self) {
        self.rung.store(false, Ordering::Release);
    }

    /// Takes all whispers that wait, oldest first.
    pub fn take_whispers(&self) -> VecDeque<Whispered> {
        std::mem::take(&mut *lock(&self.whispers))
    }

    /// The driver has ended: everything is flushed.
    pub fn end(&self) {
        self.ring();
        *lock(&self.ended) = true;
        self.end.notify_all();
    }

    /// Waits for the driver's end, but no longer than `patience`.
    pub fn wait_for_end(&self, patience: Duration) {
        let ended = lock(&self.ended);
        drop(self.end.wait_timeout_while(ended, patience, |ended| !*ended));
    }
}

/// A desk with its two sides.
pub(crate) fn desk(app: Waker) -> (Front, Back) {
    let (requests, requested) = channel();
    let (reports, reported) = channel();
    let shared = Arc::new(Shared::default());
    (
        Front { requests, reports: Mutex::new(reported), shared: shared.clone() },
        Back { requests: Mutex::new(requested), reports, shared, app },
    )
}

/// Locks, also after a panic elsewhere: what the locks of this crate hold is whole at every moment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
