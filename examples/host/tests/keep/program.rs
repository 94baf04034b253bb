//! Programs of a test: what they say, and their end.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Set for a process that is a player.
pub const PLAYER: &str = "QUORUM_HOST_TEST_PLAYER";
/// How long anything may take on a busy machine before a test gives up.
const PATIENCE: Duration = Duration::from_secs(90);

/// A process that runs no longer than the test.
pub struct Program {
    child: Child,
    said: Arc<(Mutex<Said>, Condvar)>,
    complaints: Option<JoinHandle<String>>,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    ended: bool,
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let said = Arc::<(Mutex<Said>, Condvar)>::default();
        let heard = said.clone();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                heard.0.lock().unwrap().lines.push(line);
                heard.1.notify_all();
            }
            heard.0.lock().unwrap().ended = true;
            heard.1.notify_all();
        });
        let complaints = thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        Self { child, said, complaints: Some(complaints) }
    }

    /// What `find` finds in what it said so far, as soon as it does.
    fn wait<T>(&self, what: &str, find: impl Fn(&[String]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut said = self.said.0.lock().unwrap();
        loop {
            if let Some(found) = find(&said.lines) {
                return found;
            }
            let patience = deadline.saturating_duration_since(Instant::now());
            if said.ended || patience.is_zero() {
                let last = said.lines.last().cloned();
                drop(said);
                panic!("waited for {what}; it said last: {last:?}");
            }
            said = self.said.1.wait_timeout(said, patience).unwrap().0;
        }
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; gives its exit code and what it said on standard error.
    pub fn terminate(self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> (Option<i32>, String) {
        let said = self.said.0.lock().unwrap();
        let (said, waited) = self.said.1.wait_timeout_while(said, PATIENCE, |said| !said.ended).unwrap();
        drop(said);
        assert!(!waited.timed_out(), "it doesn't end");
        let code = self.child.wait().unwrap().code();
        (code, self.complaints.take().unwrap().join().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let (true, Some(complaints)) = (thread::panicking(), self.complaints.take()) {
            eprintln!("it said on standard error: {}", complaints.join().unwrap_or_default());
        }
    }
}

/// The host's own program.
pub struct Host(pub Program);

impl Host {
    /// At any free port, with more flags.
    pub fn start(flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
        Self(Program::start(command.args(["--listen", "127.0.0.1:0"]).args(flags)))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.wait("an address", |lines| {
            let url = lines.iter().find_map(|line| line.strip_prefix("serving: http://"))?;
            url.trim_end_matches('/').parse().ok()
        })
    }

    /// How it says it is, as soon as that is as wished.
    pub fn wait_for_health(&self, what: &str, wished: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let health = self.health();
            if wished(&health) {
                return health;
            }
            assert!(Instant::now() < deadline, "waited for {what}: {health}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn health(&self) -> Value {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        write!(stream, "GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

/// A player's process.
pub struct Player(Program);

impl Player {
    /// Keeps the room in a folder, and comes in by the address of a new room or a link.
    pub fn start(folder: &Path, way: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self(Program::start(command.env(PLAYER, "1").arg(folder).arg(way)))
    }

    pub fn link(&self) -> String {
        self.wait("a link", |status| status["link"].is_string())["link"].as_str().unwrap().to_owned()
    }

    pub fn draw(&mut self, count: u64) {
        self.tell(&format!("draw {count}"));
    }

    /// Leaves in good order.
    pub fn leave(mut self) {
        self.tell("leave");
        assert_eq!(self.0.end().0, Some(0));
    }

    pub fn kill(self) {
        self.0.kill();
    }

    /// Its status, as soon as that is as wished.
    pub fn wait(&self, what: &str, wished: impl Fn(&Value) -> bool) -> Value {
        self.0.wait(what, |lines| lines.last().and_then(|line| serde_json::from_str(line).ok()).filter(&wished))
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.0.child.stdin.as_mut().unwrap(), "{word}").unwrap();
    }
}
