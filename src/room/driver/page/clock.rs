//! A clock that also runs while the page is hidden: the timer of a worker.

use std::{
    cell::RefCell,
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Blob, BlobPropertyBag, MessageEvent, Url, Worker};

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

/// The clock. Without a worker, where a page's rules forbid it, the page's own slow timers do.
pub(super) struct Clock {
    source: Source,
    breath: Rc<RefCell<Breath>>,
    waker: Waker,
}

enum Source {
    Worker { worker: Worker, _hear: Closure<dyn FnMut(MessageEvent)> },
    Page,
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
        let source = match worker() {
            Some(worker) => {
                let hear = hear(waker.clone(), breath.clone());
                worker.set_onmessage(Some(hear.as_ref().unchecked_ref()));
                Source::Worker { worker, _hear: hear }
            }
            None => {
                tracing::warn!("this page may run no worker, so the room is slow while the page is hidden");
                Source::Page
            }
        };
        Self { source, breath, waker }
    }

    /// Wakes after `wait`, and not any more when it was told to before.
    pub fn ring_in(&self, wait: Duration) {
        let wait = wait.min(LONGEST);
        match &self.source {
            // Rounded up, or it would wake a little early, find nothing due, and be set again.
            Source::Worker { worker, .. } => drop(worker.post_message(&(wait.as_secs_f64() * 1e3).ceil().into())),
            Source::Page => {
                let waker = self.waker.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    futures_timer::Delay::new(wait).await;
                    waker.wake();
                });
            }
        }
    }

    /// Lets the page draw, and hear what it was sent, before it goes on.
    pub async fn breathe(&self) {
        let Source::Worker { worker, .. } = &self.source else {
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
}

impl Drop for Clock {
    fn drop(&mut self) {
        if let Source::Worker { worker, .. } = &self.source {
            // An answer that is on its way would reach a closure that is gone.
            worker.set_onmessage(None);
            worker.terminate();
        }
    }
}

fn hear(waker: Waker, breath: Rc<RefCell<Breath>>) -> Closure<dyn FnMut(MessageEvent)> {
    Closure::new(move |message: MessageEvent| {
        if message.data().as_f64() != Some(BREATH) {
            return waker.wake_by_ref();
        }
        let mut breath = breath.borrow_mut();
        breath.taken = true;
        if let Some(task) = breath.task.take() {
            task.wake();
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
