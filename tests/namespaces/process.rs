//! One process in its network: started, killed, stopped, and what it says.

use crate::{
    peer::{self, Order, Word},
    rendezvous,
    world::{Place, program_in},
};
use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::Sender,
    thread,
};

/// Something that a peer said, in which of its lives.
pub struct Said {
    pub peer: usize,
    pub life: u32,
    /// Nothing more, if nothing.
    pub word: Option<Word>,
}

/// A process that runs until it is killed.
pub struct Process {
    child: Child,
    stdin: ChildStdin,
}

impl Process {
    /// A signaling server.
    pub fn rendezvous(logs: &Path, port: u16) -> Self {
        let mut command = program_in(Place::Rendezvous);
        command.args([rendezvous::MARK, &format!("{}:{port}", Place::Rendezvous.address())]);
        Self::start(command.stdout(Stdio::null()), log(logs, Place::Rendezvous))
    }

    /// A peer with its store in `folder`, and a way in unless the store has one. What it says is sent on.
    pub fn peer(folder: &Path, peer: usize, life: u32, way: Option<&str>, words: Sender<Said>) -> Self {
        let place = Place::Peer(peer);
        let mut command = program_in(place);
        command.arg(peer::MARK).arg(folder.join(place.name())).args(way).stdout(Stdio::piped());
        let mut process = Self::start(&mut command, log(folder, place));
        let stdout = process.child.stdout.take().unwrap();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The last line of who is killed may be cut off.
                let Ok(word) = serde_json::from_str(&line) else { break };
                let _nobody_listens = words.send(Said { peer, life, word: Some(word) });
            }
            let _nobody_listens = words.send(Said { peer, life, word: None });
        });
        process
    }

    fn start(command: &mut Command, log: File) -> Self {
        let mut child = command.stdin(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        Self { child, stdin }
    }

    /// Tells it what to do; who was killed doesn't hear it.
    pub fn tell(&mut self, order: &Order) {
        let line = serde_json::to_string(order).unwrap();
        let _nobody_listens = self.stdin.write_all(format!("{line}\n").as_bytes());
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it ended by itself");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGSTOP.
    pub fn stop(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success(), "kill {signal}");
    }
}

/// Where a process complains, in all of its lives.
fn log(folder: &Path, place: Place) -> File {
    OpenOptions::new().create(true).append(true).open(folder.join(format!("{}.log", place.name()))).unwrap()
}
