//! What can go wrong before anybody draws, each in one line that says what to do.

use crate::draw_file::DrawFileError;
use bevy_quorum::wire::InvitationError;
use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode};

/// Why the whiteboard ends.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line makes no sense; the text says why.
    #[error("{0}; `whiteboard --help` shows what it takes")]
    Usage(String),
    /// The invitation can't be read.
    #[error(transparent)]
    Invitation(#[from] InvitationError),
    /// `--draw`'s file can't be used.
    #[error("can't draw {}: {error}", path.display())]
    DrawFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        error: DrawFileError,
    },
    /// The signaling server doesn't answer.
    #[error("can't reach the signaling server {url}: {reason}; check the address, and that the server runs")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// What happened instead.
        reason: String,
    },
    /// The signaling server has no place for us.
    #[error("{reason}; try again later, or ask whoever runs that server")]
    TakesNobodyIn {
        /// What it says.
        reason: String,
    },
    /// Our own signaling server can't listen.
    #[error("can't listen on {address}: {error}; choose another address with --listen")]
    Listen {
        /// Where it should have listened.
        address: SocketAddr,
        /// Why it can't.
        error: io::Error,
    },
    /// The folder can't be used.
    #[error("can't use the folder {}: {error}; choose another one with --data", folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// There is no board to continue.
    #[error("{} holds no board to continue; say with --data where it is", folder.display())]
    NothingToContinue {
        /// Where it should be.
        folder: PathBuf,
    },
    /// No folder was given, and this machine names none for applications' data.
    #[error("this machine names no folder for your boards; choose one with --data")]
    NoFolder,
    /// The room refused, or can't go on.
    #[error("{0}")]
    Room(String),
}

impl Failure {
    /// What the process ends with: 2 for a wrong command line, 1 for everything else.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// Says it on standard error and gives the exit code.
    pub fn report(&self) -> ExitCode {
        eprintln!("whiteboard: {}", one_line(&self.to_string()));
        ExitCode::from(self.code())
    }
}

/// The text without line breaks, whatever a library put into its message.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line() {
        let failure = Failure::Room("the store\nis damaged".into());
        assert_eq!(one_line(&failure.to_string()), "the store is damaged");
    }

    #[test]
    fn only_a_wrong_command_line_ends_with_two() {
        assert_eq!(Failure::Usage("no".into()).code(), 2);
        assert_eq!(Failure::NoFolder.code(), 1);
    }
}
