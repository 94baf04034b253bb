//! Checks a store before anybody writes to it.

use super::{file, lock::Lock, overlay::Overlay, tables::ReadTables};
use crate::storage::{
    Damage, STORE_VERSION, StorageError,
    read::{Contents, Refusal, read},
};
use redb::{Error, StorageBackend};
use std::{
    fs::File,
    io::ErrorKind,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// What the store at `path` holds, if it is in order and as new as its mark says. The file is not touched.
pub(super) fn check(path: &Path, lock: &Lock) -> Result<Contents, StorageError> {
    let file = File::open(path).map_err(|error| StorageError::io(path, error))?;
    let overlay = Overlay::new(file).map_err(|error| StorageError::io(path, error))?;
    // redb trusts much of what it reads, and panics where that was wrong.
    let read = catch_unwind(AssertUnwindSafe(|| read_through(overlay)));
    let contents = read.unwrap_or(Err(Damage::Structure.into())).map_err(|refusal| storage_error(path, refusal))?;
    let (found, expected) = (contents.groups, lock.marked(contents.identity.node()));
    if found < expected {
        let damage = Damage::LastChanges { found, expected };
        return Err(StorageError::Damaged { path: path.to_owned(), damage });
    }
    Ok(contents)
}

fn read_through(overlay: Overlay) -> Result<Contents, Refusal<Error>> {
    // redb would make a new database of an empty file.
    if overlay.len().map_err(|error| Refusal::Database(error.into()))? == 0 {
        return Err(Damage::NotARoom.into());
    }
    let database = file::builder().create_with_backend(overlay).map_err(|error| Refusal::Database(error.into()))?;
    read(&ReadTables::open(&database).map_err(Refusal::Database)?)
}

fn storage_error(path: &Path, refusal: Refusal<Error>) -> StorageError {
    let damage = match refusal {
        Refusal::Version(found) => {
            return StorageError::OtherVersion { path: path.to_owned(), found, expected: STORE_VERSION };
        }
        Refusal::Damage(damage) => damage,
        Refusal::Database(error) => match error {
            Error::Io(error) if error.kind() == ErrorKind::InvalidData => Damage::NotARoom,
            Error::Io(error) if error.kind() != ErrorKind::UnexpectedEof => {
                return StorageError::io(path, error);
            }
            _ => Damage::Structure,
        },
    };
    StorageError::Damaged { path: path.to_owned(), damage }
}
