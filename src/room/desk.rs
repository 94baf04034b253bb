//! The desk between the main world and the consensus world: requests one way, reports the other.

use super::{RoomError, RoomStatus, Showcase};
use crate::{
    raft::{Applied, Decision, Holdup, LogIndex, LogPosition, NodeId, RECENT_MAX, Rejected, Serial, Snapshot},
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

/// The number by which the main world knows a proposal before it has a serial, or a read.
pub(crate) type Ticket = u64;

/// How many whispers wait for a main world that stalls; after that, the oldest is lost.
const WHISPERS_WAITING_MAX: usize = 1_024;
/// How long an app that sleeps is left alone when its room has lost its leader: a page's frames, on the thread of its
/// driver, would hold up the election, which is mostly over by then.
pub(crate) const ELECTION_PATIENCE: Duration = Duration::from_millis(250);

/// What the main world asks for.
pub(crate) enum Request {
    Propose {
        ticket: Ticket,
        body: Bytes,
    },
    Whisper {
        kind: u64,
        body: Bytes,
    },
    Read {
        ticket: Ticket,
    },
    /// The state at a mark, in canonical bytes.
    Snapshotted {
        index: LogIndex,
        state: Bytes,
    },
    Leave,
}

/// What the consensus world tells.
pub(crate) enum Report {
    /// The store is open: who we are, how to come in, what was never settled, and how far it knows the log decided.
    Opened { node: NodeId, invitation: Invitation, outbox: Vec<(Serial, Bytes)>, stored: LogIndex },
    /// The log up to here is older than our part in it.
    History(LogIndex),
    /// A proposal got its serial; it is in the outbox.
    Accepted { ticket: Ticket, serial: Serial },
    /// A proposal was not taken.
    Refused { ticket: Ticket, reason: Rejected },
    /// A read was not taken.
    Unread { ticket: Ticket, reason: Rejected },
    /// The room can't go on.
    Failed(RoomError),
    /// The room has been left.
    Closed,
}

/// What the state machine does next, in the order of the log.
pub(crate) enum Turn {
    /// Carries out a command.
    Command(Applied),
    /// An own command is settled by something else than being carried out here.
    Settled { serial: Serial, decision: Option<Decision> },
    /// The state is as late as a read asked for, or the read was given up.
    Read { ticket: Ticket, outcome: Result<LogIndex, Holdup> },
    /// Writes the state down as it is now, and answers with its bytes, now or later.
    Snapshot(LogPosition),
    /// Takes this state over, whatever was carried out before.
    Restore(Arc<Snapshot>),
}

/// What waits for the main world.
#[derive(Default)]
struct Mail {
    reports: VecDeque<Report>,
    turns: VecDeque<Turn>,
    /// The log holds no turns up to here but those above; none if that is known.
    through: Option<LogIndex>,
}

impl Mail {
    /// Adds a turn. A state that is taken over stands for the commands and marks before it; what else waits comes after
    /// it.
    fn add(&mut self, turn: Turn) {
        if matches!(turn, Turn::Restore(_)) {
            self.turns.retain(|earlier| matches!(earlier, Turn::Read { .. } | Turn::Settled { .. }));
            self.turns.push_front(turn);
        } else {
            self.turns.push_back(turn);
        }
    }

    fn overtake(&mut self, snapshot: &Arc<Snapshot>, me: NodeId) {
        let end = snapshot.position.index;
        let is_behind = self.turns.iter().find_map(Turn::index).is_some_and(|first| first <= end);
        if !is_behind {
            return;
        }
        let count = self.turns.iter().take_while(|turn| turn.index().is_none_or(|index| index <= end)).count();
        let overtaken: Vec<_> = self.turns.drain(..count).collect();
        let own = |turn: &Turn| match turn {
            Turn::Command(Applied { command, .. }) if command.author == me => Some(command.serial),
            _ => None,
        };
        let last = overtaken.iter().filter_map(own).max().unwrap_or_default();
        for turn in overtaken.into_iter().rev() {
            match turn {
                Turn::Command(applied) if applied.command.author == me => {
                    let serial = applied.command.serial;
                    let decision = Decision { index: applied.index, refusal: applied.refusal };
                    // As far back as a snapshot remembers what handlers refused.
                    let decision = (serial.0 + RECENT_MAX as u64 > last.0).then_some(decision);
                    self.turns.push_front(Turn::Settled { serial, decision });
                }
                Turn::Settled { .. } | Turn::Read { .. } => self.turns.push_front(turn),
                Turn::Command(_) | Turn::Snapshot(_) | Turn::Restore(_) => {}
            }
        }
        self.turns.push_front(Turn::Restore(snapshot.clone()));
    }
}

impl Turn {
    /// The entry of the log that it carries out.
    fn index(&self) -> Option<LogIndex> {
        match self {
            Self::Command(applied) => Some(applied.index),
            Self::Snapshot(position) => Some(position.index),
            Self::Settled { .. } | Self::Read { .. } | Self::Restore(_) => None,
        }
    }
}

/// The oldest thing that waits for the main world.
pub(crate) enum News {
    Report(Report),
    Turn(Turn),
    /// All turns up to this index are taken.
    Through(LogIndex),
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
    pub shared: Arc<Shared>,
}

/// The consensus world's side of the desk.
pub(crate) struct Back {
    pub requests: Mutex<Receiver<Request>>,
    pub shared: Arc<Shared>,
}

/// The latest showcase, and the status that the app saw last, or was woken for.
#[derive(Default)]
struct Shown {
    latest: Showcase,
    seen: RoomStatus,
}

impl Shown {
    fn see(&mut self) -> &Showcase {
        self.seen.clone_from(&self.latest.status);
        &self.latest
    }
}

/// What both sides see: the latest showcase, what waits to be taken, and whether the driver has ended.
pub(crate) struct Shared {
    mail: Mutex<Mail>,
    whispers: Mutex<VecDeque<Whispered>>,
    rung: AtomicBool,
    shown: Mutex<Shown>,
    edition: AtomicU64,
    ended: Mutex<bool>,
    end: Condvar,
    /// Wakes an app that sleeps.
    app: Waker,
}

impl Shared {
    fn new(app: Waker) -> Self {
        Self {
            mail: Mutex::default(),
            whispers: Mutex::default(),
            rung: AtomicBool::new(false),
            shown: Mutex::default(),
            edition: AtomicU64::new(0),
            ended: Mutex::new(false),
            end: Condvar::new(),
            app,
        }
    }

    /// Tells the main world something.
    pub fn report(&self, report: Report) {
        lock(&self.mail).reports.push_back(report);
        self.ring();
    }

    /// Hands turns over; the log holds no others up to `through`.
    pub fn advance(&self, turns: &mut Vec<Turn>, through: LogIndex) {
        let mut mail = lock(&self.mail);
        for turn in turns.drain(..) {
            mail.add(turn);
        }
        mail.through = Some(through);
        drop(mail);
        self.ring();
    }

    /// Lets a snapshot take the place of the turns that it stands for, if some of them wait: the main world stalls, and
    /// others made it meanwhile.
    pub fn overtake(&self, snapshot: &Arc<Snapshot>, me: NodeId) {
        lock(&self.mail).overtake(snapshot, me);
    }

    /// Takes what waits longest. Reports come before turns: that a command got its serial is known before it is
    /// carried out.
    pub fn next(&self) -> Option<News> {
        let mut mail = lock(&self.mail);
        let report = mail.reports.pop_front().map(News::Report);
        let turn = report.or_else(|| mail.turns.pop_front().map(News::Turn));
        turn.or_else(|| mail.through.take().map(News::Through))
    }

    /// Passes a whisper on.
    pub fn whisper(&self, whispered: Whispered) {
        let mut whispers = lock(&self.whispers);
        if whispers.len() == WHISPERS_WAITING_MAX {
            whispers.pop_front();
        }
        whispers.push_back(whispered);
        drop(whispers);
        self.ring();
    }

    /// Takes all whispers that wait, oldest first.
    pub fn take_whispers(&self) -> VecDeque<Whispered> {
        std::mem::take(&mut *lock(&self.whispers))
    }

    /// Something waits for the main world: a sleeping app wakes, and its next frame looks.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.app.wake_by_ref();
    }

    /// Whether something waits.
    pub fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// Before everything that waits is taken: what comes meanwhile rings again.
    pub fn hush(&self) {
        self.rung.store(false, Ordering::Release);
    }

    /// Lays out a new showcase, for whenever the app looks.
    pub fn show(&self, showcase: Showcase) {
        let mut shown = lock(&self.shown);
        if shown.latest != showcase {
            shown.latest = showcase;
            self.edition.fetch_add(1, Ordering::Release);
        }
    }

    /// For how long an app that sleeps may sleep on although the status is another one than it saw; none if it is not. The
    /// figures of links are no reason to wake.
    pub fn rest(&self) -> Option<Duration> {
        let Shown { latest, seen } = &*lock(&self.shown);
        let loses_leader = seen.leader.is_some() && latest.status.leader != seen.leader;
        (latest.status != *seen).then_some(if loses_leader { ELECTION_PATIENCE } else { Duration::ZERO })
    }

    /// Wakes a sleeping app to look at the status.
    pub fn wake_for_status(&self) {
        lock(&self.shown).see();
        self.app.wake_by_ref();
    }

    /// How the room stands, as laid out last.
    pub fn status(&self) -> RoomStatus {
        lock(&self.shown).latest.status.clone()
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
        Some(lock(&self.shown).see().clone())
    }

    /// The driver has ended: everything is flushed.
    pub fn end(&self) {
        *lock(&self.ended) = true;
        self.end.notify_all();
        self.ring();
    }

    /// Waits for the driver's end, but no longer than `patience`.
    pub fn wait_for_end(&self, patience: Duration) {
        let ended = lock(&self.ended);
        drop(self.end.wait_timeout_while(ended, patience, |ended| !*ended));
    }
}

/// A desk with its two sides, for an app that `app` wakes.
pub(crate) fn desk(app: Waker) -> (Front, Back) {
    let (requests, requested) = channel();
    let shared = Arc::new(Shared::new(app));
    (Front { requests, shared: shared.clone() }, Back { requests: Mutex::new(requested), shared })
}

/// Locks, also after a panic elsewhere: what the locks of this crate hold is whole at every moment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
