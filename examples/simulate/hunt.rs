//! Looks for the world in which a mistake is seen.

use super::trial;
use bevy_quorum::{
    playtest::{Check, Simulation},
    raft::Mutant,
};
use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// How a mistake was found.
pub struct Kill {
    /// How many seeds that took.
    pub seeds: u64,
    /// The check that saw it; none if the core itself stopped at an assertion.
    pub check: Option<Check>,
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.check.map_or("an assertion of the core or the store", Check::name))
    }
}

/// Lets all nodes make a mistake, in one world after the other, on all cores, until a check sees it.
pub fn hunt(mutant: Mutant, first: u64, seeds_max: u64) -> Option<Kill> {
    let (next, kill) = (AtomicU64::new(0), Mutex::new(None::<Kill>));
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let best = |kill: &Option<Kill>| kill.as_ref().map_or(seeds_max, |kill| kill.seeds);
            if place >= best(&kill.lock().unwrap_or_else(PoisonError::into_inner)) {
                return;
            }
            let Err(failure) = trial::run(Simulation::with(first + place, Some(mutant))) else { continue };
            let mut kill = kill.lock().unwrap_or_else(PoisonError::into_inner);
            if place < best(&kill) {
                *kill = Some(Kill { seeds: place + 1, check: Check::of(&failure) });
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    kill.into_inner().unwrap_or_else(PoisonError::into_inner)
}
