//! What can go wrong before anything is served, each in one line that says what to do.

use bevy_quorum::{room::RoomError, wire::InvitationError};
use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode};

/// Why the host ends.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting makes no sense.
    #[error("{0}; `host --help` shows what it takes")]
    Usage(String),
    /// The config file can't be read.
    #[error("can't read the config file {}: {error}", path.display())]
    ConfigFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The config file makes no sense.
    #[error("the config file {}, line {line}: {reason}", path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// There is nothing to serve.
    #[error("the folder {} {reason}; run `cargo xtask web` first, or choose another one with --pages", folder.display())]
    Pages {
        /// Which folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The address can't be listened at.
    #[error("can't listen on {address}: {error}; choose another address with {flag}")]
    Listen {
        /// Where it should have listened.
        address: SocketAddr,
        /// Why it can't.
        error: io::Error,
        /// What chooses another.
        flag: &'static str,
    },
    /// The certificate can't be used.
    #[error("can't use the certificate {} with the key {}: {error}; --tls takes two PEM files", cert.display(), key.display())]
    Tls {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The secret of the TURN server can't be read.
    #[error("can't read the secret of the TURN server from {}: {reason}", path.display())]
    TurnSecret {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// An invitation can't be read.
    #[error("can't keep a room: {0}")]
    Invitation(#[from] InvitationError),
    /// An invitation only lets watch.
    #[error(
        "can't keep the room {room}: its link is for viewing, and who only watches has no vote; use one for editing"
    )]
    OnlyViewing {
        /// Which room.
        room: String,
    },
    /// A room is named twice.
    #[error("the room {room} is to be kept twice; leave one of its links out")]
    KeptTwice {
        /// Which room.
        room: String,
    },
    /// A room can't be kept.
    #[error("can't keep the room in {}: {error}", folder.display())]
    Keep {
        /// Its folder.
        folder: PathBuf,
        /// Why not.
        error: RoomError,
    },
    /// The operating system refuses threads or timers.
    #[error("the operating system refuses: {0}")]
    Runtime(io::Error),
}

impl Failure {
    /// What the process ends with: 2 for settings that make no sense, 1 for everything else.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config { .. } => 2,
            _ => 1,
        }
    }

    /// Says it on standard error and gives the exit code.
    pub fn report(&self) -> ExitCode {
        eprintln!("host: {}", one_line(&self.to_string()));
        ExitCode::from(self.code())
    }
}

/// The text without line breaks, whatever a library put into its message.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
