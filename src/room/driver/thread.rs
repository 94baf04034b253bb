//! The native driver: a thread of its own, so that no frame of the game can hold consensus up.

use crate::{
    raft::Moment,
    room::{Back, ConsensusWorld, Report, RoomError, Setup},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    task::{Wake, Waker},
    thread::{self, Thread},
    time::Instant,
};

/// Starts a thread that brings the room up and steps it until it is over.
pub(crate) fn drive(setup: Setup, desk: Back) -> Waker {
    let (send_waker, receive_waker) = std::sync::mpsc::channel();
    thread::Builder::new()
        .name("quorum-room".into())
        .spawn(move || run(setup, desk, &send_waker))
        .expect("the operating system grants a thread for the room");
    receive_waker.recv().expect("the thread sends its waker before anything else")
}

fn run(setup: Setup, desk: Back, send_waker: &Sender<Waker>) {
    let bell = Arc::new(Bell { rung: AtomicBool::new(true), thread: thread::current() });
    let waker = Waker::from(bell.clone());
    drop(send_waker.send(waker.clone()));

    let shared = desk.shared.clone();
    let life = catch_unwind(AssertUnwindSafe(|| live(setup, desk, &bell, &waker)));
    let failure = match life {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error),
        Err(panic) => Some(RoomError::Fault(words_of(panic.as_ref()))),
    };
    if let Some(error) = failure {
        shared.report(Report::Failed(error));
    }
    shared.end();
}

/// Brings the room up and steps it whenever the bell rings or a deadline comes. The world is dropped, and its
/// store flushed, before this returns.
fn live(setup: Setup, desk: Back, bell: &Bell, waker: &Waker) -> Result<(), RoomError> {
    let start = Instant::now();
    let now = || Moment::ZERO + start.elapsed();
    let mut world = ConsensusWorld::bring_up(setup, desk, waker, now())?;
    loop {
        bell.rung.store(false, Ordering::Release);
        let Some(deadline) = world.step(now()) else { return Ok(()) };
        if !bell.rung.load(Ordering::Acquire) {
            thread::park_timeout(deadline - now());
        }
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> Arc<str> {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("a panic without words").into()
}

/// Wakes the driver's thread; remembers a ring that came while it was busy.
struct Bell {
    rung: AtomicBool,
    thread: Thread,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
