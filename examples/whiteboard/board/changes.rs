//! Which strokes changed since somebody last looked, so that a full board is drawn once.

use super::StrokeId;
use bevy_quorum::raft::LogIndex;
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound::{Excluded, Unbounded},
    sync::atomic::{AtomicU64, Ordering},
};

/// How many changes of strokes that are gone are remembered.
const GONE_MAX: usize = 1_024;

/// What somebody has seen of a board. Boards that came about apart from each other never have the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    board: u64,
    change: u64,
}

/// The strokes of one board by when they last changed.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    board: u64,
    last: u64,
    by_number: BTreeMap<u64, (StrokeId, LogIndex)>,
    /// Changes of strokes that are gone, oldest first.
    gone: VecDeque<u64>,
    /// Changes up to this one are forgotten.
    forgotten: u64,
}

impl Default for Changes {
    fn default() -> Self {
        static BOARDS: AtomicU64 = AtomicU64::new(1);
        let board = BOARDS.fetch_add(1, Ordering::Relaxed);
        Self { board, last: 0, by_number: BTreeMap::new(), gone: VecDeque::new(), forgotten: 0 }
    }
}

impl Changes {
    pub fn version(&self) -> Version {
        Version { board: self.board, change: self.last }
    }

    /// Notes that a stroke changed, whose last change was `former`; gives the number of this one.
    pub fn note(&mut self, former: u64, id: StrokeId, place: LogIndex) -> u64 {
        self.last += 1;
        self.by_number.remove(&former);
        self.by_number.insert(self.last, (id, place));
        self.last
    }

    /// The stroke that changed last at `number` is gone. Who has not seen that change still hears of it for a while.
    pub fn forget(&mut self, number: u64) {
        self.gone.push_back(number);
        if self.gone.len() > GONE_MAX
            && let Some(oldest) = self.gone.pop_front()
        {
            self.by_number.remove(&oldest);
            self.forgotten = self.forgotten.max(oldest);
        }
    }

    /// The strokes that changed after `version`, each with its place; none if that is not known.
    pub fn since(&self, version: Version) -> Option<impl Iterator<Item = (StrokeId, LogIndex)>> {
        let known = version.board == self.board && version.change >= self.forgotten;
        known.then(|| self.by_number.range((Excluded(version.change), Unbounded)).map(|(_, changed)| *changed))
    }
}
