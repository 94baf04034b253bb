//! Entering a room: the store first, then the links that its identity opens.

use super::RoomError;
use crate::{
    link::Link,
    raft::{Config, Durable, Permission},
    storage::{Identity, MemoryDisk, Opened},
    wire::Invitation,
};

/// By which door somebody comes in.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    /// Opens a new room that can be found at these addresses. Only this bootstraps a cluster.
    Open { rendezvous: Vec<String> },
    /// Comes in by an invitation, or comes back by it.
    Join(Invitation),
    /// Comes back to what the store holds, at another address if one is given.
    Resume { rendezvous: Option<Vec<String>> },
}

/// Opens the store that belongs to a door.
pub(crate) type StoreMaker = Box<dyn FnOnce(Door) -> Result<Opened, RoomError> + Send + Sync>;
/// Opens the links of an identity.
pub(crate) type LinkMaker = Box<dyn FnOnce(&Identity) -> Result<Box<dyn Link>, RoomError> + Send + Sync>;

/// All that a driver needs to bring a room up.
pub(crate) struct Setup {
    pub door: Door,
    pub store: StoreMaker,
    pub link: LinkMaker,
    pub config: Config,
    pub seed: u64,
}

impl Setup {
    /// Opens the store, then the links.
    pub fn bring_up(self) -> Result<(Opened, Box<dyn Link>, Config, u64), RoomError> {
        let opened = (self.store)(self.door)?;
        let link = (self.link)(&opened.identity)?;
        Ok((opened, link, self.config, self.seed))
    }
}

/// A store that is forgotten with the process.
pub(crate) fn in_memory(door: Door) -> Result<Opened, RoomError> {
    let (identity, durable) = match door {
        Door::Open { rendezvous } => found(rendezvous)?,
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

/// The store in a folder of a native disk.
#[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
pub(crate) fn on_disk(folder: &std::path::Path, door: Door) -> Result<Opened, RoomError> {
    use crate::storage::DiskStorage;

    match door {
        Door::Open { rendezvous } => {
            let (identity, durable) = found(rendezvous)?;
            Ok(DiskStorage::create(folder, &identity, &durable)?)
        }
        Door::Join(invitation) if DiskStorage::exists(folder) => {
            let opened = DiskStorage::open(folder)?;
            let (stored, invited) = (opened.identity.invitation.cluster, invitation.cluster);
            if stored != invited {
                return Err(RoomError::OtherRoom { stored, invited });
            }
            Ok(opened)
        }
        Door::Join(invitation) => {
            Ok(DiskStorage::create(folder, &Identity::generate(invitation), &Durable::default())?)
        }
        Door::Resume { rendezvous } => {
            let mut opened = DiskStorage::open(folder)?;
            if let Some(rendezvous) = rendezvous {
                let invitation = opened.identity.invitation.with_rendezvous(rendezvous)?;
                opened.storage.set_invitation(&invitation);
                opened.identity.invitation = invitation;
            }
            Ok(opened)
        }
    }
}
