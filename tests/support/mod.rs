//! Real whiteboards, each in a process of its own, and a signaling server apart from them.

// Each test file uses a part of it.
#![allow(dead_code, unused_imports)]
#![allow(clippy::unwrap_used)]

mod build;
mod rendezvous;
mod screen;
mod strokes;
mod whiteboard;

use build::binary;
pub use rendezvous::Rendezvous;
pub use screen::Screen;
pub use strokes::{StrokeFile, strokes};
pub use whiteboard::{PATIENCE, Status, Whiteboard, refused};

use std::{
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A place for one test: a signaling server, and a folder for each whiteboard.
pub struct Place {
    /// The server, until it is killed.
    pub rendezvous: Option<Rendezvous>,
    url: String,
    root: TempDir,
}

impl Place {
    /// With nobody in it.
    pub fn new() -> Self {
        let rendezvous = Rendezvous::start();
        Self { url: rendezvous.url(), rendezvous: Some(rendezvous), root: tempfile::tempdir().unwrap() }
    }

    /// Where its signaling server is found, or was.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The path of something in this place.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    /// A whiteboard without a window that keeps its board under `name`.
    pub fn whiteboard(&self, name: &str, more: &[&str]) -> Whiteboard {
        let data = self.path(name);
        let data = data.to_str().unwrap();
        Whiteboard::start(&[&["--headless", "--status-json", "--data", data], more].concat())
    }

    /// The first whiteboard of a new board.
    pub fn open(&self, name: &str) -> Whiteboard {
        self.whiteboard(name, &["--signal", &self.url])
    }

    /// A new board with this many people, all of them voters.
    pub fn party<const N: usize>(&self, names: [&str; N]) -> [Whiteboard; N] {
        let mut party: Vec<Whiteboard> = Vec::new();
        for name in names {
            let next = match party.first() {
                None => self.open(name),
                Some(first) => self.whiteboard(name, &[&first.invitation()]),
            };
            party.push(next);
            let voters = party.len();
            for one in &party {
                one.wait(&format!("{voters} voters"), |status| status.voters.len() == voters);
            }
        }
        party.try_into().ok().unwrap()
    }

    /// Kills everybody, and starts them again on what they stored; `more` for each.
    pub fn restart<const N: usize>(&self, party: [Whiteboard; N], more: [&[&str]; N]) -> [Whiteboard; N] {
        let names = party.map(|one| one.kill().name);
        std::array::from_fn(|number| self.whiteboard(&names[number], more[number]))
    }
}

/// Waits until everybody has settled everything and shows the same board.
pub fn agreed(party: &[&Whiteboard]) -> Status {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut all: Vec<Status> = party.iter().map(|one| one.status()).collect();
        let same = all.iter().all(|status| status.pending == 0 && status.digest == all[0].digest);
        if same {
            return all.swap_remove(0);
        }
        assert!(Instant::now() < deadline, "they don't agree: {all:#?}");
        thread::sleep(Duration::from_millis(20));
    }
}
