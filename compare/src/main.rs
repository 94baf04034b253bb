//! The consensus core beside raft-rs and openraft: in one process, on one core, taking turns.
//!
//! `cargo run --release --manifest-path compare/Cargo.toml -- core` prints tables and a ratio for each case; with
//! `--quick` it takes a few minutes and means less, and `--only "window=1 "` leaves out every case without this in its
//! name; `repair` and `frugality` are names too. `-- profile CONTENDER ROUNDS` repeats one case for a profiler.

mod allocations;
mod cases;
mod contender;
mod cpu;
mod frugality;
mod machine;
mod open_raft;
mod ours;
mod profile;
mod raft_rs;
mod repair;
mod report;
mod stepped;
mod throughput;

use cases::Scale;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

const USAGE: &str = "usage: compare core [--quick] [--only TEXT]\n       compare profile core|raft-rs|openraft ROUNDS";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["core"] => compare(&Scale::FULL, ""),
        ["core", "--quick"] => compare(&Scale::QUICK, ""),
        ["core", "--only", text] => compare(&Scale::FULL, text),
        ["core", "--quick", "--only", text] => compare(&Scale::QUICK, text),
        ["profile", contender, rounds] => profile::repeat(contender, rounds.parse().expect("how often")),
        _ => {
            eprintln!("{USAGE}");
            std::process::exit(2);
        }
    }
}

/// Measures every case whose name contains `only`.
fn compare(scale: &Scale, only: &str) {
    println!("{}", cpu::pin());
    let mut ratios = throughput::compare(scale, only);
    ratios.extend(repair::compare(scale, only));
    if "frugality".contains(only) {
        frugality::compare();
    }
    println!();
    ratios.iter().for_each(|ratio| println!("{ratio}"));
}
