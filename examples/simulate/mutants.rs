//! Known mistakes, and what finds them.

use super::trial;
use bevy_quorum::{
    playtest::{Check, Simulation},
    raft::Mutant,
};
use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
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

/// A mistake by its name.
///
/// # Errors
/// If there is no such mistake.
pub fn named(name: &str) -> Result<Mutant, String> {
    let found = Mutant::ALL.iter().find(|mutant| mutant.name() == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
        format!("there are: {}", names.join(", "))
    })
}

/// Lets all nodes make a mistake, in one world after the other, until a check sees it.
pub fn hunt(mutant: Mutant, first: u64, seeds_max: u64) -> Option<Kill> {
    (first..first + seeds_max).enumerate().find_map(|(place, seed)| {
        let failure = trial::run(Simulation::with(seed, Some(mutant))).err()?;
        Some(Kill { seeds: place as u64 + 1, check: Check::of(&failure) })
    })
}

/// Hunts all mistakes, on all cores; what found each, in their order.
pub fn hunt_all(first: u64, seeds_max: u64) -> Vec<(Mutant, Option<Kill>)> {
    let (next, kills) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some(mutant) = Mutant::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let kill = hunt(*mutant, first, seeds_max);
            kills.lock().unwrap_or_else(PoisonError::into_inner).insert(*mutant, kill);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    kills.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

/// Hunts all mistakes, and prints what found them.
pub fn print_table(first: u64, seeds_max: u64) -> ExitCode {
    println!("| mistake | what it does | seen by | seeds |");
    println!("|---|---|---|---|");
    let kills = hunt_all(first, seeds_max);
    for (mutant, kill) in &kills {
        let check =
            kill.as_ref().map_or("**nothing**", |kill| kill.check.map_or("an assertion of the core", Check::name));
        let seeds = kill.as_ref().map_or(seeds_max, |kill| kill.seeds);
        println!("| `{}` | {} | {check} | {seeds} |", mutant.name(), mutant.mistake());
    }
    if kills.iter().all(|(_, kill)| kill.is_some()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
