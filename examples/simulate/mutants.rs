//! Known mistakes, and what finds them.

use super::trial;
use bevy_quorum::{
    playtest::{Check, Simulation},
    raft::Mutant,
};
use std::process::ExitCode;

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

/// Hunts all mistakes, and prints what found them.
pub fn print_table(first: u64, seeds_max: u64) -> ExitCode {
    println!("| mistake | what it does | seen by | seeds |");
    println!("|---|---|---|---|");
    let mut alive = 0;
    for mutant in Mutant::ALL {
        let (check, seeds) = match hunt(*mutant, first, seeds_max) {
            Some(kill) => (kill.check.map_or("an assertion of the core", Check::name), kill.seeds.to_string()),
            None => {
                alive += 1;
                ("**nothing**", format!("{seeds_max} did not"))
            }
        };
        println!("| `{}` | {} | {check} | {seeds} |", mutant.name(), mutant.mistake());
    }
    if alive == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
