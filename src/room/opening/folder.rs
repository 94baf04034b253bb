//! The store in a folder of a native disk.

use super::{Door, come_back, found, proceed, renew};
use crate::{
    raft::Durable,
    room::RoomError,
    storage::{DiskStorage, Identity, Opened, StorageError},
};
use std::{path::Path, thread, time::Duration};
use web_time::Instant;

/// How long a room of this process that was just left may go on flushing its store.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether it has.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Opens the store in `folder` that belongs to a door.
pub(crate) fn on_disk(folder: &Path, door: Door) -> Result<Opened, RoomError> {
    match door {
        Door::Open { rendezvous } => {
            let (identity, durable) = found(rendezvous)?;
            Ok(DiskStorage::create(folder, &identity, &durable)?)
        }
        Door::Continue { rendezvous, legacy } => {
            let (identity, durable) = proceed(rendezvous, legacy)?;
            Ok(DiskStorage::create(folder, &identity, &durable)?)
        }
        Door::Join(invitation) if DiskStorage::exists(folder) => come_back(open(folder)?, invitation),
        Door::Join(invitation) => {
            Ok(DiskStorage::create(folder, &Identity::generate(invitation), &Durable::default())?)
        }
        Door::Resume { rendezvous } => {
            let mut opened = open(folder)?;
            if let Some(rendezvous) = rendezvous {
                let invitation = opened.identity.invitation.clone().with_rendezvous(rendezvous)?;
                renew(&mut opened, invitation);
            }
            Ok(opened)
        }
    }
}

fn open(folder: &Path) -> Result<Opened, StorageError> {
    let start = Instant::now();
    loop {
        match DiskStorage::open(folder) {
            Err(StorageError::InUse { .. }) if start.elapsed() < FLUSH_PATIENCE => thread::sleep(RETRY_INTERVAL),
            opened => return opened,
        }
    }
}
