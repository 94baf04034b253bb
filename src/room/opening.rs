//! Entering a room: the store first, then the links that its identity opens.

use super::RoomError;
use crate::{
    link::Link,
    raft::{Config, Durable, LogIndex, LogTime, Permission},
    storage::{Identity, MemoryDisk, Opened},
    wire::Invitation,
};
use bytes::Bytes;

/// By which door somebody comes in.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    /// Opens a new room that can be found at these addresses. Only this bootstraps a cluster.
    Open { rendezvous: Vec<String> },
    /// Continues another room as a new one. This bootstraps a cluster too.
    Continue { rendezvous: Vec<String>, legacy: Legacy },
    /// Comes in by an invitation, or comes back by it.
    Join(Invitation),
    /// Comes back to what the store holds, at another address if one is given.
    Resume { rendezvous: Option<Vec<String>> },
}

/// What a room that is continued leaves to the new one.
#[derive(Clone, Debug)]
pub(crate) struct Legacy {
    /// The last entry of its log that was carried out.
    pub index: LogIndex,
    /// The log time by then.
    pub time: LogTime,
    /// The state, in canonical bytes.
    pub state: Bytes,
}

/// Opens the store that belongs to a door.
pub(crate) type StoreMaker = Box<dyn FnOnce(Door) -> Result<Opened, RoomError> + Send + Sync>;
/// Opens the links of an identity.
pub(crate) type LinkMaker = Box<dyn FnOnce(&Identity) -> Result<Box<dyn Link>, RoomError> + Send + Sync>;

/// All that a driver needs to bring a room up.
pub(crate) struct Setup {
    pub door: Door,
    pub places: Places,
    pub store: StoreMaker,
    pub link: LinkMaker,
    pub config: Config,
    pub seed: u64,
}

impl Setup {
    /// Opens the store, then the links.
    pub fn bring_up(self) -> Result<(Opened, Box<dyn Link>, Config, u64), RoomError> {
        let mut opened = (self.store)(self.door)?;
        let invitation = self.places.change(opened.identity.invitation.clone())?;
        renew(&mut opened, invitation);
        let link = (self.link)(&opened.identity)?;
        Ok((opened, link, self.config, self.seed))
    }
}

/// What becomes of the addresses at which a room can be found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// It is found there besides.
    pub gained: Vec<String>,
    /// It is not found there any more.
    pub lost: Vec<String>,
}

impl Places {
    fn change(&self, invitation: Invitation) -> Result<Invitation, RoomError> {
        let mut places: Vec<String> = invitation.rendezvous().to_vec();
        places.retain(|place| !self.lost.contains(place) || self.gained.contains(place));
        for place in &self.gained {
            if !places.contains(place) {
                places.push(place.clone());
            }
        }
        Ok(invitation.with_rendezvous(places)?)
    }
}

/// A store that is forgotten with the process.
pub(crate) fn in_memory(door: Door) -> Result<Opened, RoomError> {
    let (identity, durable) = match door {
        Door::Open { rendezvous } => found(rendezvous)?,
        Door::Continue { rendezvous, legacy } => proceed(rendezvous, legacy)?,
        Door::Join(invitation) => (Identity::generate(invitation), Durable::default()),
        Door::Resume { .. } => return Err(RoomError::Unsupported("a store in memory holds nothing to resume")),
    };
    Ok(MemoryDisk::new().create(&identity, &durable)?)
}

/// A new room's identity and first state.
pub(crate) fn found(rendezvous: Vec<String>) -> Result<(Identity, Durable), RoomError> {
    let identity = Identity::generate(Invitation::new(rendezvous, Permission::Editor)?);
    let durable = Durable::founding(identity.node(), identity.public_key());
    Ok((identity, durable))
}

/// The identity and first state of a room that continues another one.
pub(crate) fn proceed(rendezvous: Vec<String>, legacy: Legacy) -> Result<(Identity, Durable), RoomError> {
    let identity = Identity::generate(Invitation::new(rendezvous, Permission::Editor)?);
    let Legacy { index, time, state } = legacy;
    let durable = Durable::continuing(identity.node(), identity.public_key(), index, time, state);
    Ok((identity, durable))
}

/// The store in a folder of a native disk.
#[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
pub(crate) fn on_disk(folder: &std::path::Path, door: Door) -> Result<Opened, RoomError> {
    use crate::storage::DiskStorage;

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

/// Opens a store. A room of this process that was just left may still be flushing it.
#[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
fn open(folder: &std::path::Path) -> Result<Opened, crate::storage::StorageError> {
    use crate::storage::{DiskStorage, StorageError};
    use std::time::Duration;

    const FLUSH_PATIENCE: Duration = Duration::from_secs(1);
    const RETRY_INTERVAL: Duration = Duration::from_millis(10);

    let start = web_time::Instant::now();
    loop {
        match DiskStorage::open(folder) {
            Err(StorageError::InUse { .. }) if start.elapsed() < FLUSH_PATIENCE => std::thread::sleep(RETRY_INTERVAL),
            opened => return opened,
        }
    }
}

/// Comes back to a room by an invitation: the room may be found elsewhere by now, or we may edit it from now on.
#[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
fn come_back(mut opened: Opened, invitation: Invitation) -> Result<Opened, RoomError> {
    let stored = &opened.identity.invitation;
    if stored.cluster != invitation.cluster {
        return Err(RoomError::OtherRoom { stored: stored.cluster, invited: invitation.cluster });
    }
    let renewed = if invitation.permission() > stored.permission() {
        invitation
    } else {
        stored.clone().with_rendezvous(invitation.rendezvous())?
    };
    renew(&mut opened, renewed);
    Ok(opened)
}

fn renew(opened: &mut Opened, invitation: Invitation) {
    if opened.identity.invitation != invitation {
        opened.storage.set_invitation(&invitation);
        opened.identity.invitation = invitation;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn places_are_gained_and_lost() {
        let invitation = || Invitation::new(["ws://a:1", "ws://b:2"], Permission::Editor).unwrap();
        let changed = |gained: &[&str], lost: &[&str]| {
            let [gained, lost] = [gained, lost].map(|places| places.iter().map(ToString::to_string).collect());
            Places { gained, lost }.change(invitation()).map(|invitation| invitation.rendezvous().join(" "))
        };
        assert_eq!(changed(&[], &[]).unwrap(), "ws://a:1 ws://b:2");
        assert_eq!(changed(&["ws://c:3", "ws://a:1"], &["ws://b:2"]).unwrap(), "ws://a:1 ws://c:3");
        assert_eq!(changed(&["ws://b:2"], &["ws://b:2"]).unwrap(), "ws://a:1 ws://b:2", "it has not moved");
        assert!(changed(&["http://c"], &[]).is_err());
        assert!(changed(&["ws://c", "ws://d", "ws://e"], &[]).is_err(), "too many");
    }
}
