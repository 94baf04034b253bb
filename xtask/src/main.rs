//! Builds what cargo alone doesn't.

use clap::Parser;

/// Builds what cargo alone doesn't.
#[derive(Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {}

fn main() {
    Arguments::parse();
}
