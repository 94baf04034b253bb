//! The database file: where it is, and how it comes to be.

use super::tables::OpenTables;
use crate::{
    raft::Durable,
    storage::{Identity, StorageError, write::Writer},
};
use redb::{Builder, Database, Error};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

const NAME: &str = "room.redb";
const UNFINISHED_NAME: &str = "room.redb.new";
/// What redb may keep of the file in memory.
const CACHE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where the room in `dir` is.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// How databases are opened here: every page is checked, not only after a crash.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES_MAX).set_check_integrity_on_open(true);
    builder
}

/// Makes the file; under its name it is never seen unfinished. The folder must be locked.
pub(super) fn create(dir: &Path, identity: &Identity, founding: &Durable) -> Result<(), StorageError> {
    let (unfinished, finished) = (dir.join(UNFINISHED_NAME), path(dir));
    remove_if_there(&unfinished)
        .map_err(Error::Io)
        .and_then(|()| fill(&unfinished, identity, founding))
        .and_then(|()| fs::rename(&unfinished, &finished).map_err(Error::Io))
        .and_then(|()| flush_folder(dir).map_err(Error::Io))
        .map_err(|error| storage_error(&finished, error))
}

/// Opens a file that was checked.
pub(super) fn open(path: &Path) -> Result<Database, StorageError> {
    builder().open(path).map_err(|error| storage_error(path, error.into()))
}

/// What redb's error means to people.
pub(super) fn storage_error(path: &Path, error: Error) -> StorageError {
    match error {
        Error::Io(error) => StorageError::io(path, error),
        Error::DatabaseAlreadyOpen => StorageError::InUse { path: path.to_owned() },
        other => StorageError::io(path, io::Error::other(other)),
    }
}

fn fill(path: &Path, identity: &Identity, founding: &Durable) -> Result<(), Error> {
    let database = builder().create(path)?;
    let transaction = database.begin_write()?;
    Writer(OpenTables::open(&transaction)?).create(identity, founding)?;
    transaction.commit()?;
    drop(database);
    Ok(File::open(path)?.sync_all()?)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Makes the file's name durable, where folders can be flushed.
fn flush_folder(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
