//! Three peers in processes of their own, and what they say.

use super::peer::MARK;
use matchbox_signaling::SignalingServer;
use std::{
    env,
    io::{BufRead, BufReader, Write},
    net::Ipv4Addr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const PEERS: usize = 3;
/// How long anything may take before the measurement gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Something that a peer said, and when it was heard.
struct Word {
    peer: usize,
    at: Instant,
    line: String,
}

/// Three peers of one room.
pub struct Party {
    root: TempDir,
    link: String,
    peers: Vec<Option<Child>>,
    leads: [bool; PEERS],
    voters: [usize; PEERS],
    speak: Sender<Word>,
    words: Receiver<Word>,
    _signaling: Runtime,
}

impl Party {
    /// Starts a signaling server and three peers, and waits until all vote.
    pub fn gather() -> Self {
        let (signaling, url) = signaling();
        let (speak, words) = mpsc::channel();
        let root = tempfile::tempdir().expect("a temporary folder can be made");
        let mut party = Self {
            root,
            link: String::new(),
            peers: (0..PEERS).map(|_| None).collect(),
            leads: [false; PEERS],
            voters: [0; PEERS],
            speak,
            words,
            _signaling: signaling,
        };
        party.start(0, &url);
        party.until(|party| !party.link.is_empty(), |_, _| {});
        for peer in 1..PEERS {
            let link = party.link.clone();
            party.start(peer, &link);
        }
        party.until(Self::is_complete, |_, _| {});
        party
    }

    fn is_complete(&self) -> bool {
        self.voters == [PEERS; PEERS] && self.leader().is_some()
    }

    fn leader(&self) -> Option<usize> {
        self.leads.iter().position(|leads| *leads)
    }

    fn start(&mut self, peer: usize, way: &str) {
        let mut child = Command::new(env::current_exe().expect("this program has a path"))
            .arg(MARK)
            .arg(folder(self.root.path(), peer))
            .arg(way)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let stdout = child.stdout.take().expect("it is piped");
        let speak = self.speak.clone();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = speak.send(Word { peer, at: Instant::now(), line });
            }
        });
        self.peers[peer] = Some(child);
    }

    /// Tells every peer what to do.
    pub fn tell_all(&mut self, order: &str) {
        for child in self.peers.iter_mut().flatten() {
            let stdin = child.stdin.as_mut().expect("it is piped");
            writeln!(stdin, "{order}").expect("the peer runs");
        }
    }

    /// Listens for a while; `note` hears of each settled stroke whether the leader drew it, and how long it took.
    pub fn settled(&mut self, patience: Duration, mut note: impl FnMut(bool, Duration)) {
        let until = Instant::now() + patience;
        while let Ok(word) = self.words.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if let Some(latency) = self.hear(&word) {
                note(self.leads[word.peer], latency);
            }
        }
    }

    /// Listens for a while.
    pub fn run_for(&mut self, time: Duration) {
        self.settled(time, |_, _| {});
    }

    /// Kills the leader; gives when, and which it was.
    pub fn kill_leader(&mut self) -> (Instant, usize) {
        let leader = self.leader().expect("the room has a leader");
        let mut child = self.peers[leader].take().expect("the leader runs");
        let at = Instant::now();
        child.kill().expect("a process can be killed");
        child.wait().expect("a killed process ends");
        (self.leads[leader], self.voters[leader]) = (false, 0);
        (at, leader)
    }

    /// How long after `since` a stroke was committed that was drawn after it.
    pub fn first_commit_after(&mut self, since: Instant) -> Duration {
        let mut committed = None;
        self.until_word(|word, latency| {
            let drawn = latency.and_then(|latency| word.at.checked_sub(latency));
            if drawn.is_some_and(|drawn| drawn > since) {
                committed.get_or_insert(word.at);
            }
            committed.is_some()
        });
        committed.expect("commits resumed") - since
    }

    /// Starts a killed peer again, and waits until all vote.
    pub fn bring_back(&mut self, peer: usize) {
        let link = self.link.clone();
        self.start(peer, &link);
        self.until(Self::is_complete, |_, _| {});
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool, mut note: impl FnMut(bool, Duration)) {
        let started = Instant::now();
        while !done(self) {
            self.settled(Duration::from_millis(20), &mut note);
            assert!(started.elapsed() < PATIENCE, "voters {:?}, leads {:?}", self.voters, self.leads);
        }
    }

    fn until_word(&mut self, mut done: impl FnMut(&Word, Option<Duration>) -> bool) {
        loop {
            let word = self.words.recv_timeout(PATIENCE).expect("the peers go on");
            let latency = self.hear(&word);
            if done(&word, latency) {
                return;
            }
        }
    }

    /// Takes in what a peer said; gives the latency of a settled stroke.
    fn hear(&mut self, word: &Word) -> Option<Duration> {
        let words: Vec<&str> = word.line.split(' ').collect();
        match words[..] {
            ["settled", micros] => return micros.parse().ok().map(Duration::from_micros),
            ["invite", link] if self.link.is_empty() => link.clone_into(&mut self.link),
            ["stands", leads, voters] if self.peers[word.peer].is_some() => {
                self.leads[word.peer] = leads == "true";
                self.voters[word.peer] = voters.parse().unwrap_or_default();
            }
            _ => {}
        }
        None
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        for child in self.peers.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn folder(root: &Path, peer: usize) -> std::path::PathBuf {
    root.join(peer.to_string())
}

fn signaling() -> (Runtime, String) {
    let mut server = SignalingServer::full_mesh_builder((Ipv4Addr::LOCALHOST, 0)).build();
    let address = server.bind().expect("some port is free");
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads can be started");
    runtime.spawn(server.serve());
    (runtime, format!("ws://{address}"))
}
