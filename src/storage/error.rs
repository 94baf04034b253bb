//! What can go wrong with a store.

use crate::raft::LogIndex;
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why a store can't be opened, or can't be written any more; for people to read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// There is no room here.
    #[error("{path} holds no room; open a new one there, or join one with its link")]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is a room here already.
    #[error("{path} holds a room already; resume that one, or choose another folder")]
    Occupied {
        /// Where the other room is.
        path: PathBuf,
    },
    /// The room is open elsewhere.
    #[error("another program has the room in {path} open; close it, or choose another folder")]
    InUse {
        /// Where the room is.
        path: PathBuf,
    },
    /// The room is not as it was written. The file was not touched.
    #[error(
        "the room in {path} is damaged: {damage}; nothing was changed there, \
         so put a good copy back, or join the room again in another folder"
    )]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },
    /// The room was written by another version of the program. The file was not touched.
    #[error(
        "the room in {path} is of version {found}, this program reads version {expected}; \
         open it with the version that made it"
    )]
    OtherVersion {
        /// The room's file.
        path: PathBuf,
        /// The file's version.
        found: u16,
        /// Ours.
        expected: u16,
    },
    /// The browser keeps nothing for this page.
    #[error(
        "this browser keeps nothing for this page ({reason}); allow the site to store data, or leave the private window, \
         then load the page again"
    )]
    Denied {
        /// What the browser says.
        reason: Arc<str>,
    },
    /// There is no space left.
    #[error("no space is left to keep the room in {path}; free some, then start again ({source})")]
    Full {
        /// The room's file.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
    /// The system refuses to read or write.
    #[error("the room in {path} cannot be read or written: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: Arc<io::Error>,
    },
}

impl StorageError {
    /// What the system refused to do with `path`.
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let (path, kind, source) = (path.to_owned(), source.kind(), Arc::new(source));
        match kind {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { path, source },
            _ => Self::Io { path, source },
        }
    }
}

/// What is wrong with a damaged store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The file is something else, or its beginning is overwritten.
    #[error("the file is no room, or its beginning is lost")]
    NotARoom,
    /// The database's own checks fail.
    #[error("parts of the file are overwritten or missing")]
    Structure,
    /// A value is missing, or differs from what was written.
    #[error("its {what} is missing or changed")]
    Value {
        /// Which value.
        what: &'static str,
    },
    /// An entry of the log is missing, or differs from what was written.
    #[error("entry {index} of its log is missing or changed")]
    Entry {
        /// Which entry.
        index: LogIndex,
    },
    /// The file is in order, but older than it should be.
    #[error("its last changes are missing ({found} of {expected} are there)")]
    LastChanges {
        /// How many changes the file has seen.
        found: u64,
        /// How many were completed.
        expected: u64,
    },
}
