//! A clock that also runs while the page is hidden: the timer of a worker.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Blob, BlobPropertyBag, MessageEvent, Url, Window, Worker};

/// Answers each message, which holds milliseconds, after that time; a later one takes the place of an earlier one.
/// Answers a negative one at once.
const SCRIPT: &str = "\
    let timer; \
    onmessage = ({ data }) => { \
        if (data < 0) return postMessage(data); \
        clearTimeout(timer); \
        timer = setTimeout(postMessage, data, data); \
    };";
/// The message that is answered at once.
const BREATH: f64 = -1.0;
/// The longest time that is set; a browser's timers count in 31 bits.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The clock. Where a page's rules forbid a worker, the page's own slow timers take its place.
pub(super) struct Clock {
    ticker: Option<Ticker>,
    timer: Option<Timer>,
    breath: Rc<RefCell<Breath>>,
}

/// A worker that is asked for the time.
struct Ticker {
    worker: Worker,
    /// A browser that doesn't let it run may say so later, by an event.
    refused: Rc<Cell<bool>>,
    _hear: Closure<dyn FnMut(MessageEvent)>,
    _refuse: Closure<dyn FnMut()>,
}

/// The page's own timer.
struct Timer {
    window: Window,
    set: Cell<Option<i32>>,
    ring: Closure<dyn FnMut()>,
}

/// Whether the page had its turn since it was let go on.
#[derive(Default)]
struct Breath {
    taken: bool,
    task: Option<Waker>,
}

impl Clock {
    /// Starts a clock that wakes `waker`.
    pub fn start(waker: Waker) -> Self {
        let breath = Rc::new(RefCell::new(Breath::default()));
        let ticker = Ticker::start(&waker, &breath);
        if ticker.is_none() {
            tell_of_refusal();
        }
        Self { ticker, timer: Timer::new(waker), breath }
    }

    /// Wakes after `wait`, and not any more when it was told to before.
    pub fn ring_in(&self, wait: Duration) {
        // Rounded up, or it would wake a little early, find nothing due, and be set again.
        let wait = (wait.min(LONGEST).as_secs_f64() * 1e3).ceil();
        match (self.worker(), &self.timer) {
            (Some(worker), _) => drop(worker.post_message(&wait.into())),
            (None, Some(timer)) => timer.set(wait as i32),
            (None, None) => {}
        }
    }

    /// Lets the page draw, and hear what it was sent, before it goes on.
    pub async fn breathe(&self) {
        let Some(worker) = self.worker() else {
            return futures_timer::Delay::new(Duration::ZERO).await;
        };
        *self.breath.borrow_mut() = Breath::default();
        if worker.post_message(&BREATH.into()).is_err() {
            return;
        }
        poll_fn(|context| {
            let mut breath = self.breath.borrow_mut();
            breath.task = Some(context.waker().clone());
            if breath.taken { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn worker(&self) -> Option<&Worker> {
        self.ticker.as_ref().filter(|ticker| !ticker.refused.get()).map(|ticker| &ticker.worker)
    }
}

impl Ticker {
    /// A worker that wakes `waker` and lets `breath` be taken; none if this page may not have one.
    fn start(waker: &Waker, breath: &Rc<RefCell<Breath>>) -> Option<Self> {
        let worker = worker()?;
        let refused = Rc::new(Cell::new(false));
        let hear = hear(waker.clone(), breath.clone());
        worker.set_onmessage(Some(hear.as_ref().unchecked_ref()));
        let (given_up, waker, breath) = (refused.clone(), waker.clone(), breath.clone());
        let refuse = Closure::<dyn FnMut()>::new(move || {
            if !given_up.replace(true) {
                tell_of_refusal();
            }
            // What it was asked for would never come.
            breath.borrow_mut().take();
            waker.wake_by_ref();
        });
        worker.set_onerror(Some(refuse.as_ref().unchecked_ref()));
        Some(Self { worker, refused, _hear: hear, _refuse: refuse })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // An answer that is on its way would reach a closure that is gone.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Timer {
    fn new(waker: Waker) -> Option<Self> {
        let ring = Closure::new(move || waker.wake_by_ref());
        Some(Self { window: web_sys::window()?, set: Cell::default(), ring })
    }

    /// Rings after so many milliseconds, and not any more when it was to before.
    fn set(&self, wait: i32) {
        self.stop();
        let ring = self.ring.as_ref().unchecked_ref();
        self.set.set(self.window.set_timeout_with_callback_and_timeout_and_arguments_0(ring, wait).ok());
    }

    fn stop(&self) {
        if let Some(timer) = self.set.take() {
            self.window.clear_timeout_with_handle(timer);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Breath {
    fn take(&mut self) {
        self.taken = true;
        if let Some(task) = self.task.take() {
            task.wake();
        }
    }
}

fn tell_of_refusal() {
    tracing::warn!("this page may run no worker, so the room is slow while the page is hidden");
}

fn hear(waker: Waker, breath: Rc<RefCell<Breath>>) -> Closure<dyn FnMut(MessageEvent)> {
    Closure::new(move |message: MessageEvent| {
        if message.data().as_f64() == Some(BREATH) {
            breath.borrow_mut().take();
        } else {
            waker.wake_by_ref();
        }
    })
}

/// A worker that runs the script, if this page may have one.
fn worker() -> Option<Worker> {
    let parts = js_sys::Array::of1(&SCRIPT.into());
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options).ok()?;
    let url = Url::create_object_url_with_blob(&blob).ok()?;
    let worker = Worker::new(&url).ok();
    drop(Url::revoke_object_url(&url));
    worker
}
