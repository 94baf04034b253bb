//! The program itself, and players in processes of their own that leave a room to it, over real WebRTC and real disks.
//!
//! A player is this test, started again: see `player`.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

#[cfg(unix)]
mod player;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod stories;

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    if std::env::var_os(program::PLAYER).is_some() {
        player::play();
        return ExitCode::SUCCESS;
    }
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), stories::all()).exit_code()
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}
