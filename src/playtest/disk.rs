//! A simulated disk, and the store on it.
//!
//! The store keeps what `Storage` promises: a write is durable whole or not at all, and never before those that were
//! submitted earlier. Beneath it is a disk of sectors. A write takes several, and the last vouches for all of them by
//! a checksum. A crash meets sectors that were not synced: all of them may be there (the write just made it), none
//! (it is lost), a first part (it is torn), or later ones without earlier (it is reordered). When the store is opened
//! again, the first write that is not whole, and everything behind it, was never written.
//!
//! A write of a commit index alone is a hint: it completes at once and is synced with the next one, so that a crash
//! may forget it. A sync can fail, and the disk can be full: then the store is stuck until it is opened again. Bits
//! that were synced and flip are seen when the store is opened: it refuses, for good, and its node is lost. A store
//! that is wiped is lost as well, for whoever comes back without one comes under a new id.

use super::machine::{absorb, end};
use crate::raft::{Dice, Durable, Entry, Mutant, Payload, Write, WriteId};
use std::{collections::VecDeque, time::Duration};

pub(super) struct Disk {
    /// What survives every crash.
    pub image: Durable,
    pub latency: Duration,
    /// How much longer a sync may take, at random.
    pub jitter: Duration,
    /// Handed to the disk, not durable yet.
    unsynced: VecDeque<(WriteId, Write)>,
    /// Completed, but synced only with what comes next.
    hints: Vec<Write>,
    /// No sync succeeds, for now.
    pub fails: bool,
    /// A sync failed since the store was opened: it completes nothing more.
    pub stuck: bool,
    /// The store can never be opened again.
    pub ruined: bool,
    /// A mistake that the store makes.
    pub mutant: Option<Mutant>,
    pub fates: Fates,
    pub failures: u64,
}

/// What became of writes that were not synced when a crash came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// They just made it.
    pub kept: u64,
    /// Nothing of them was left.
    pub lost: u64,
    /// Only a first part was left.
    pub torn: u64,
    /// Something was left, but not what had been written before it.
    pub reordered: u64,
}

enum Fate {
    Kept,
    Lost,
    Torn,
    Reordered,
}

impl Disk {
    pub fn new(image: Durable) -> Self {
        Self {
            image,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            unsynced: VecDeque::new(),
            hints: Vec::new(),
            fails: false,
            stuck: false,
            ruined: false,
            mutant: None,
            fates: Fates::default(),
            failures: 0,
        }
    }

    pub fn submit(&mut self, id: WriteId, write: Write) {
        self.unsynced.push_back((id, write));
    }

    /// How long the next sync takes.
    pub fn takes(&self, dice: &mut Dice) -> Duration {
        if self.jitter.is_zero() { self.latency } else { self.latency + dice.between(Duration::ZERO, self.jitter) }
    }

    /// Syncs the oldest write; false if that fails.
    pub fn sync(&mut self, id: WriteId) -> bool {
        self.failures += u64::from(self.fails && !self.stuck);
        self.stuck |= self.fails;
        if self.stuck {
            return false;
        }
        let (first, write) = self.unsynced.pop_front().expect("a write is under way");
        assert_eq!(first, id, "writes become durable in order");
        if write == (Write { commit: write.commit, ..Write::default() }) {
            self.hints.push(write);
            return true;
        }
        for write in self.hints.drain(..).chain([write]) {
            absorb(&mut self.image, write);
        }
        true
    }

    /// Whether a commit index waits to be synced with what comes next.
    pub fn has_hints(&self) -> bool {
        !self.hints.is_empty()
    }

    /// Syncs the hints alone.
    pub fn sync_hints(&mut self) {
        self.stuck |= self.fails;
        if !self.stuck {
            self.hints.drain(..).for_each(|write| absorb(&mut self.image, write));
        }
    }

    /// The power goes: what was synced stays, and of the rest what fate decides.
    pub fn crash(&mut self, dice: &mut Dice) {
        let open = self.hints.drain(..).chain(self.unsynced.drain(..).map(|(_, write)| write));
        let mut whole = true;
        for write in open {
            match Fate::draw(dice, whole) {
                Fate::Kept => {
                    self.fates.kept += 1;
                    absorb(&mut self.image, write);
                    continue;
                }
                Fate::Lost => self.fates.lost += 1,
                Fate::Torn if self.mutant == Some(Mutant::AcceptTornTail) && whole => {
                    self.fates.torn += 1;
                    absorb(&mut self.image, first_part(write));
                }
                Fate::Torn => self.fates.torn += 1,
                Fate::Reordered => self.fates.reordered += 1,
            }
            whole = false;
        }
    }

    /// What was synced is damaged: bits flipped, or all is gone. The store can't be opened any more.
    pub fn ruin(&mut self) {
        match self.mutant {
            Some(Mutant::TakeFlippedBitsForTornTail) => {
                let kept = self.image.log.len() / 2;
                self.image.log.truncate(kept);
                self.image.commit = self.image.commit.min(end(&self.image));
            }
            Some(Mutant::ReuseIdentity) => self.image = Durable::default(),
            _ => self.ruined = true,
        }
    }

    /// Opens the store again, if it can be.
    pub fn open(&mut self) -> Option<Durable> {
        assert!(self.unsynced.is_empty(), "a store is opened once it is closed");
        self.stuck = false;
        (!self.ruined).then(|| self.image.clone())
    }
}

impl Fate {
    /// Of a write in the open; what comes after one that isn't whole counts for nothing, whatever is left of it.
    fn draw(dice: &mut Dice, after_whole: bool) -> Self {
        match dice.roll() % 8 {
            0..=2 if after_whole => Self::Kept,
            0..=2 => Self::Reordered,
            3..=4 => Self::Lost,
            5..=6 => Self::Torn,
            _ => Self::Reordered,
        }
    }
}

/// A first part of a write, as a store that doesn't look for the end of it would take it: the last entry is garbage.
fn first_part(write: Write) -> Write {
    let count = write.entries.len().div_ceil(2);
    let mut entries: Vec<Entry> = write.entries.iter().take(count).cloned().collect();
    if let Some(last) = entries.last_mut() {
        last.payload = Payload::Empty;
    }
    Write { entries: entries.into_iter().collect(), truncate_from: write.truncate_from, ..Write::default() }
}
