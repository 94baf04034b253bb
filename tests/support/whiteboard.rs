//! One whiteboard process: what it says, and its end.

use super::binary;
use serde::Deserialize;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long anything may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// One line of `--status-json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    pub node: String,
    pub role: String,
    pub leader: Option<String>,
    pub term: u64,
    pub commit: u64,
    pub applied: u64,
    pub voters: Vec<String>,
    pub learners: Vec<String>,
    pub peers: Vec<String>,
    pub pending: usize,
    pub strokes: usize,
    pub digest: String,
    pub relayed: Vec<String>,
    pub rendezvous: String,
}

impl Status {
    /// Whether this process leads.
    pub fn leads(&self) -> bool {
        self.role == "leader"
    }
}

/// A process that runs until it is told to end, and no longer than the test.
pub struct Whiteboard {
    /// The last part of its data folder's path.
    pub name: String,
    child: Child,
    heard: Arc<Heard>,
    complaints: Option<JoinHandle<String>>,
}

/// What it said on standard output so far.
#[derive(Default)]
struct Heard {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    invitation: Option<String>,
    status: Option<Status>,
    ended: bool,
}

impl Whiteboard {
    /// Starts one with these arguments.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_on(None, arguments)
    }

    /// Starts one on an X display.
    pub fn start_on(display: Option<&str>, arguments: &[&str]) -> Self {
        let data = arguments.iter().skip_while(|argument| **argument != "--data").nth(1);
        let name = data.and_then(|data| Path::new(data).file_name()).map(|name| name.to_string_lossy().into_owned());
        let mut command = Command::new(binary());
        if let Some(display) = display {
            command.env("DISPLAY", display).env_remove("WAYLAND_DISPLAY");
        }
        let mut child =
            command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let heard = Arc::<Heard>::default();
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let listener = heard.clone();
        thread::spawn(move || listener.listen(stdout));
        let complaints = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Self { name: name.unwrap_or_default(), child, heard, complaints: Some(complaints) }
    }

    /// The link that it prints once others can join.
    pub fn invitation(&self) -> String {
        self.until("an invitation", |said| said.invitation.clone())
    }

    /// The last status, as soon as it is as wished.
    pub fn wait(&self, what: &str, wished: impl Fn(&Status) -> bool) -> Status {
        self.until(what, |said| said.status.clone().filter(&wished))
    }

    /// The last status.
    pub fn status(&self) -> Status {
        self.wait("any status", |_| true)
    }

    fn until<T>(&self, what: &str, find: impl Fn(&Said) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.heard.said.lock().unwrap();
        loop {
            if let Some(found) = find(&said) {
                return found;
            }
            let patience = deadline.saturating_duration_since(Instant::now());
            if said.ended || patience.is_zero() {
                let (ended, last) = (said.ended, said.status.clone());
                drop(said);
                panic!("{}: waited for {what}; ended: {ended}; last status: {last:?}", self.name);
            }
            said = self.heard.more.wait_timeout(said, patience).unwrap().0;
        }
    }

    /// SIGKILL. Gives what it said last.
    pub fn kill(mut self) -> Killed {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.heard.wait_for_end();
        let last = self.heard.said().status.clone();
        Killed { name: self.name.clone(), last }
    }

    /// SIGTERM. Gives its exit code and what it said on standard error.
    #[cfg(unix)]
    pub fn leave(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.end()
    }

    /// Waits until it ends by itself.
    pub fn end(&mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "{} doesn't end", self.name);
            thread::sleep(Duration::from_millis(5));
        };
        (status.code(), self.complaints.take().unwrap().join().unwrap())
    }
}

impl Drop for Whiteboard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let (true, Some(complaints)) = (thread::panicking(), self.complaints.take()) {
            eprintln!("{} said on standard error: {}", self.name, complaints.join().unwrap_or_default());
        }
    }
}

/// What is left of a killed whiteboard.
pub struct Killed {
    /// The last part of its data folder's path.
    pub name: String,
    /// Its last words.
    pub last: Option<Status>,
}

impl Heard {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap()
    }

    fn listen(&self, stdout: ChildStdout) {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { break };
            let mut said = self.said();
            match line.strip_prefix("invite: ") {
                Some(link) => said.invitation = Some(link.to_owned()),
                // A killed process's last line may be cut off.
                None => said.status = serde_json::from_str(&line).ok().or(said.status.take()),
            }
            self.more.notify_all();
        }
        self.said().ended = true;
        self.more.notify_all();
    }

    fn wait_for_end(&self) {
        let said = self.said();
        drop(self.more.wait_while(said, |said| !said.ended).unwrap());
    }
}

/// Runs a whiteboard that can't start, and gives its exit code and its one line of explanation.
pub fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let mut whiteboard = Whiteboard::start(arguments);
    let (code, text) = whiteboard.end();
    assert_eq!(text.lines().count(), 1, "one line was expected: {text}");
    assert_ne!(code, Some(0), "{text}");
    (code, text)
}
