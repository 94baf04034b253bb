//! Builds what cargo alone doesn't.
//!
//! `cargo xtask web` makes the examples into pages, `cargo xtask web --serve` also serves them.

mod failure;
mod web;

use clap::Parser;
use std::process::ExitCode;

/// Builds what cargo alone doesn't.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Builds every example that runs in a browser into one folder of static files.
    Web(web::Arguments),
}

fn main() -> ExitCode {
    let Task::Web(arguments) = Task::parse();
    match web::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
