//! The driver of a page: a task on its event loop, woken by what comes over the links and by a clock of its own.
//!
//! A page in the background draws no frames, and its own timers are slowed down; messages and the timers of a worker
//! are not. So consensus goes on while the page is hidden, at full rate, but it is a bad place to lead from: the node
//! stands back as long as nobody looks, and hands over. When the page goes for good there is no time to ask anybody,
//! only to say what can be said at once.

mod clock;
mod life;

use crate::{
    raft::{Input, Moment, PRIORITY_DEFAULT},
    room::{Back, ConsensusWorld, Report, RoomError, Setup, lock},
};
use clock::Clock;
use life::Life;
use std::{
    cell::RefCell,
    future::poll_fn,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use wasm_bindgen_futures::spawn_local;
use web_time::Instant;

/// How long consensus works before it lets the page do something else.
const SLICE: Duration = Duration::from_millis(8);
/// The priority of a node whose page is hidden: it leads only while nobody else can.
const PRIORITY_HIDDEN: u8 = PRIORITY_DEFAULT / 4;

/// Starts a task that brings the room up and steps it until it is over.
pub(crate) fn drive(setup: Setup, desk: Back) -> Waker {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
    spawn_local(run(setup, desk, bell, waker.clone()));
    waker
}

async fn run(setup: Setup, desk: Back, bell: Arc<Bell>, waker: Waker) {
    let shared = desk.shared.clone();
    if let Err(error) = live(setup, desk, &bell, &waker).await {
        shared.report(Report::Failed(error));
    }
    shared.end();
}

/// Brings the room up and steps it whenever the bell rings or a deadline comes.
async fn live(setup: Setup, desk: Back, bell: &Bell, waker: &Waker) -> Result<(), RoomError> {
    let start = Instant::now();
    let opened = setup.open().await?;
    let world = ConsensusWorld::between(opened, desk, waker, Moment::ZERO + start.elapsed());
    let stage = Rc::new(Stage { world: RefCell::new(world), start });
    let clock = Clock::start(waker.clone());
    let _life = Life::watch(&stage, waker.clone());
    let mut slice = Instant::now();
    loop {
        bell.hush();
        let Some(deadline) = stage.step() else { return Ok(()) };
        if !bell.is_rung() {
            clock.ring_in(deadline - stage.now());
            poll_fn(|context| bell.poll(context)).await;
            slice = Instant::now();
        } else if slice.elapsed() >= SLICE {
            clock.breathe().await;
            slice = Instant::now();
        }
    }
}

/// The room, as the page's task and its listeners share it.
struct Stage {
    world: RefCell<ConsensusWorld>,
    start: Instant,
}

impl Stage {
    fn now(&self) -> Moment {
        Moment::ZERO + self.start.elapsed()
    }

    fn step(&self) -> Option<Moment> {
        self.world.borrow_mut().step(self.now())
    }

    /// Nobody looks at the page, or somebody does again.
    fn show(&self, visible: bool) {
        let priority = if visible { PRIORITY_DEFAULT } else { PRIORITY_HIDDEN };
        self.world.borrow_mut().tell(self.now(), Input::Priority(priority));
    }

    /// The page goes, at once: what can be said is said before this returns.
    fn leave(&self) {
        let now = self.now();
        self.world.borrow_mut().leave(now);
        self.step();
    }
}

/// Wakes the driver's task; remembers a ring that came while it was busy.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Bell {
    fn hush(&self) {
        self.rung.store(false, Ordering::Release);
    }

    fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    fn poll(&self, context: &Context) -> Poll<()> {
        *lock(&self.task) = Some(context.waker().clone());
        if self.is_rung() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        if let Some(task) = lock(&self.task).take() {
            task.wake();
        }
    }
}
