//! Puts seeds to the test: each is a whole room, its work and everything that can go wrong, for ten virtual minutes.
//! `cargo run --release --example simulate --features playtest -- --first 0 --seeds 1000`

mod hunt;
mod linearizability;
mod mutants;
mod seeds;
mod trial;

use bevy_quorum::{
    playtest::{Coverage, Simulation},
    raft::Mutant,
};
use clap::Parser;
use std::{panic::set_hook, process::ExitCode};

/// The command that shows one world again.
const REPLAY: &str = "cargo run --release --example simulate --features playtest --";

/// Simulated rooms, and whether they keep their promises.
#[derive(Parser)]
struct Options {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 300)]
    seeds: u64,
    /// A mistake that all nodes make; with `--mutants`, the only one that is hunted.
    #[arg(long, value_parser = mutants::named)]
    mutant: Option<Mutant>,
    /// Hunts every known mistake instead, for so many seeds at most, and prints a table.
    #[arg(long)]
    mutants: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // What fails is told once, by whoever catches it.
    set_hook(Box::new(|_| {}));
    if options.mutants {
        let hunted = options.mutant.map_or(Mutant::ALL.to_vec(), |mutant| vec![mutant]);
        return mutants::print_table(&hunted, options.first, options.seeds);
    }
    let total = seeds::run_all(options.first, options.seeds, options.mutant);
    if let Some((seed, _)) = total.failures.first() {
        let _ = trial::run(Simulation::with(*seed, options.mutant).told());
    }
    let mutant = options.mutant.map_or_else(String::new, |mutant| format!(" --mutant {}", mutant.name()));
    for (seed, failure) in &total.failures {
        println!("seed {seed} failed: {failure}\n  {REPLAY} --first {seed} --seeds 1{mutant}");
    }
    print!("{}", total.coverage);
    let tame = total.tame();
    tame.iter().for_each(|line| println!("{line}"));
    let failures = total.failures.len() + tame.len();
    let (hours, Coverage { faults, commits, .. }) = (total.elapsed.as_secs() / 3_600, total.coverage);
    println!("seeds={} hours={hours} faults={faults} commits={commits} failures={failures}", options.seeds);
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
