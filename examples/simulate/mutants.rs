//! Known mistakes, and what finds them.

use super::hunt::{Kill, hunt};
use bevy_quorum::raft::Mutant;
use std::process::ExitCode;

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

/// Hunts mistakes, and prints what found each.
pub fn print_table(mutants: &[Mutant], first: u64, seeds_max: u64) -> ExitCode {
    println!("| mistake | what it does | seen by | worlds |");
    println!("|---|---|---|---|");
    let mut all_found = true;
    for mutant in mutants {
        let kill = hunt(*mutant, first, seeds_max);
        let check = kill.as_ref().map_or_else(|| "**nothing**".to_owned(), Kill::to_string);
        let seeds = kill.as_ref().map_or(seeds_max, |kill| kill.seeds);
        println!("| `{}` | {} | {check} | {seeds} |", mutant.name(), mutant.mistake());
        all_found &= kill.is_some();
    }
    if all_found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
