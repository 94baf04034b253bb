//! Standard output, written by a thread of its own, so that a slow reader never holds up the board.

use bevy::prelude::Resource;
use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// At most this often a state is written; states in between are skipped, the last one never.
pub const STATE_INTERVAL: Duration = Duration::from_millis(50);
/// How long the end of the program waits for a reader who doesn't read.
const FLUSH_PATIENCE: Duration = Duration::from_millis(300);
/// More lines than these wait for no reader.
const LINES_MAX: usize = 64;

/// The way to standard output.
#[derive(Resource)]
pub struct Output {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

/// What the writer has still to write.
#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
    state: Option<String>,
    closed: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self::to(io::stdout())
    }
}

impl Output {
    /// Writes to `sink`.
    pub fn to(sink: impl Write + Send + 'static) -> Self {
        let shared = Arc::<Shared>::default();
        let writer = thread::Builder::new().name("stdout".into()).spawn({
            let shared = shared.clone();
            move || shared.write_all(sink)
        });
        Self { shared, writer: writer.ok() }
    }

    /// Writes a line that must not be skipped.
    pub fn line(&self, text: String) {
        let mut waiting = self.shared.lock();
        if waiting.lines.len() < LINES_MAX {
            waiting.lines.push_back(text);
        }
        self.shared.changed.notify_one();
    }

    /// Writes the newest state, in place of one that nobody has read yet.
    pub fn state(&self, text: String) {
        self.shared.lock().state = Some(text);
        self.shared.changed.notify_one();
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        let Some(writer) = self.writer.take() else { return };
        let deadline = Instant::now() + FLUSH_PATIENCE;
        while !writer.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        if writer.is_finished() {
            // A panic of the writer has nothing to add to the end of the program.
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until the output is closed, or its reader is gone.
    fn write_all(&self, mut sink: impl Write) {
        let mut state_due = Instant::now();
        while let Some(text) = self.next(&mut state_due) {
            if writeln!(sink, "{text}").and_then(|()| sink.flush()).is_err() {
                return;
            }
        }
    }

    /// The next line to write; nothing once all is written and the output is closed.
    fn next(&self, state_due: &mut Instant) -> Option<String> {
        let mut waiting = self.lock();
        loop {
            if let Some(line) = waiting.lines.pop_front() {
                return Some(line);
            }
            let early = state_due.saturating_duration_since(Instant::now());
            if (early.is_zero() || waiting.closed) && waiting.state.is_some() {
                *state_due = Instant::now() + STATE_INTERVAL;
                return waiting.state.take();
            }
            if waiting.closed {
                return None;
            }
            let pause = if waiting.state.is_some() { early } else { Duration::from_secs(60) };
            waiting = self.changed.wait_timeout(waiting, pause).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A reader that reads only when asked.
    struct Slow {
        turns: mpsc::Receiver<()>,
        read: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.turns.recv();
            self.read.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_slow_reader_misses_states_but_never_the_last_one() {
        let (turn, turns) = mpsc::channel();
        let read = Arc::<Mutex<Vec<u8>>>::default();
        let output = Output::to(Slow { turns, read: read.clone() });
        for number in 0..1000 {
            output.state(number.to_string());
        }
        output.line("invite: link".into());
        drop(turn);
        drop(output);
        let text = String::from_utf8(read.lock().unwrap().clone()).unwrap();
        assert!(text.lines().count() < 1000, "states nobody read were kept");
        assert!(text.contains("invite: link\n"));
        assert!(text.contains("999\n"), "{text}");
    }

    #[test]
    fn a_reader_who_never_reads_does_not_hold_up_the_end() {
        let (turn, turns) = mpsc::channel();
        let output = Output::to(Slow { turns, read: Arc::default() });
        output.state("1".into());
        drop(output);
        drop(turn);
    }
}
