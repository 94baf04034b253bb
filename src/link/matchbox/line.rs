//! A line to one signaling server: a websocket that is made again whenever it breaks.

use super::{doubling::doubled, websocket::WebSocket};
use crate::link::LinkError;
use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::{Either, select},
    pin_mut, select_biased,
};
use futures_timer::Delay;
use std::{cell::Cell, convert::Infallible, io::ErrorKind, rc::Rc, time::Duration};

/// How long connecting to a signaling server, or writing to it, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before connecting again, at first; it doubles with every failure in a row.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// How long to wait before connecting again, at most, while no server lets us in.
const BACKOFF_MAX: Duration = Duration::from_secs(8);
/// How long at most while another one does, so that there is no hurry.
const BACKOFF_CALM_MAX: Duration = Duration::from_secs(30);
/// How often a sign of life is asked for.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// How often none may come in a row, where they can be asked for.
const PINGS_MISSED_MAX: u32 = 3;

/// What comes of a line.
pub(super) enum News {
    /// The server said something.
    Said(String),
    /// It can't be reached, not any more, or has no place.
    Lost(LinkError),
}

/// Which of the lines it comes from, and what.
pub(super) type Reports = UnboundedSender<(usize, News)>;

/// Whether some server lets us in, as all lines know.
pub(super) type Calm = Rc<Cell<bool>>;

/// The far end of a line, on which it is served.
pub(super) struct Line {
    url: String,
    /// The same without the room's name, which tells people nothing.
    server: String,
    rank: usize,
    texts: UnboundedReceiver<String>,
    reports: Reports,
    calm: Calm,
}

impl Line {
    /// A line to the room at `url`, and what is said to its server.
    pub(super) fn new(url: String, rank: usize, reports: Reports, calm: Calm) -> (Self, UnboundedSender<String>) {
        let (say, texts) = unbounded();
        let server = url.rsplit_once('/').map_or(&*url, |(server, _)| server).to_owned();
        (Self { url, server, rank, texts, reports, calm }, say)
    }

    /// Connects, again and again.
    pub(super) async fn serve(mut self) {
        let mut failures = 0;
        loop {
            let connected = within(PATIENCE, WebSocket::connect(&self.url, &self.server)).await;
            let timed_out = || LinkError::Unreachable { url: self.server.clone(), kind: ErrorKind::TimedOut };
            let error = match connected.unwrap_or_else(|| Err(timed_out())) {
                Ok(mut socket) => {
                    let mut let_in = false;
                    let Err(end) = self.talk(&mut socket, &mut let_in).await;
                    let served = let_in && !matches!(end, LinkError::Full { .. });
                    failures = if served { 0 } else { failures + 1 };
                    end
                }
                Err(error) => {
                    failures += 1;
                    error
                }
            };
            self.report(News::Lost(error));
            Delay::new(self.backoff(failures)).await;
            // What was meant for the connection that is gone makes no sense on another.
            while self.texts.try_recv().is_ok() {}
        }
    }

    /// Speaks with a server until it is gone, and says how that came.
    async fn talk(&mut self, socket: &mut WebSocket, let_in: &mut bool) -> Result<Infallible, LinkError> {
        let gone = || LinkError::Gone { url: self.server.clone() };
        let mut ping = Delay::new(PING_INTERVAL).fuse();
        let mut pings_missed = 0;
        loop {
            select_biased! {
                text = socket.next().fuse() => {
                    let text = text?;
                    pings_missed = 0;
                    *let_in = true;
                    self.report(News::Said(text));
                }
                text = self.texts.select_next_some() => {
                    within(PATIENCE, socket.send(text)).await.filter(|sent| *sent).ok_or_else(gone)?;
                }
                _ = ping => {
                    pings_missed += u32::from(cfg!(not(target_arch = "wasm32")));
                    if pings_missed > PINGS_MISSED_MAX {
                        return Err(gone());
                    }
                    within(PATIENCE, socket.ping()).await.filter(|sent| *sent).ok_or_else(gone)?;
                    ping = Delay::new(PING_INTERVAL).fuse();
                }
            }
        }
    }

    fn report(&self, news: News) {
        // Nobody listens only when everything is being torn down.
        let _ = self.reports.unbounded_send((self.rank, news));
    }

    /// How long to wait after so many failures in a row; spread, so that not everybody comes at once.
    fn backoff(&self, failures: u32) -> Duration {
        let most = if self.calm.get() { BACKOFF_CALM_MAX } else { BACKOFF_MAX };
        let longest = doubled(BACKOFF_MIN, failures.saturating_sub(1), most);
        let random = getrandom::u32().unwrap_or(u32::MAX / 2);
        longest.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
    }
}

/// What `future` gives, if it does so in time.
async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    pin_mut!(future);
    match select(future, Delay::new(time)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
