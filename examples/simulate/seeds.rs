//! Many seeds, on all cores.

use super::trial;
use bevy_quorum::{
    playtest::{Coverage, Outcome, Simulation},
    raft::Mutant,
};
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// After how many seeds enough must have happened.
const BLOCK_SEEDS: u64 = 300;

/// What all seeds came to.
#[derive(Default)]
pub struct Total {
    /// How often things happened.
    pub coverage: Coverage,
    /// The same for each block of seeds, and how many they are.
    blocks: Vec<(u64, Coverage)>,
    /// The virtual time that passed.
    pub elapsed: Duration,
    /// The seeds that failed, and why.
    pub failures: Vec<(u64, String)>,
}

/// Puts seeds to the test.
pub fn run_all(first: u64, seeds: u64, mutant: Option<Mutant>) -> Total {
    let (next, total) = (AtomicU64::new(0), Mutex::new(Total::default()));
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= seeds {
                return;
            }
            let result = trial::run(Simulation::with(first + place, mutant));
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.add(first + place, place / BLOCK_SEEDS, result);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    total.failures.sort();
    total
}

impl Total {
    fn add(&mut self, seed: u64, block: u64, result: Result<Outcome, String>) {
        let block = usize::try_from(block).expect("blocks fit in memory");
        if self.blocks.len() <= block {
            self.blocks.resize(block + 1, (0, Coverage::default()));
        }
        let (seeds, coverage) = &mut self.blocks[block];
        *seeds += 1;
        match result {
            Ok(outcome) => {
                *coverage += outcome.coverage;
                self.coverage += outcome.coverage;
                self.elapsed += outcome.elapsed;
            }
            Err(failure) => self.failures.push((seed, failure)),
        }
    }

    /// Says where too little happened for a proof.
    pub fn tame(&self) -> Vec<String> {
        let full = self.blocks.iter().enumerate().filter(|(_, (seeds, _))| *seeds == BLOCK_SEEDS);
        let tame = full.flat_map(|(block, (_, coverage))| {
            let counts = coverage.tame().into_iter();
            counts.map(move |(name, count, least)| format!("block {block} is too tame: {count} {name}, not {least}"))
        });
        tame.collect()
    }
}
