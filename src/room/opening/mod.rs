//! Entering a room: the store first, then the links that its identity opens.

#[cfg(all(feature = "disk", target_arch = "wasm32"))]
mod browser;
#[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
mod folder;

#[cfg(all(feature = "disk", target_arch = "wasm32"))]
pub(crate) use browser::in_browser;
#[cfg(all(feature = "disk", not(target_arch = "wasm32")))]
pub(crate) use folder::on_disk;

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
pub(crate) enum StoreMaker {
    /// At once.
    Now(Box<dyn FnOnce(Door) -> Result<Opened, RoomError> + Send + Sync>),
    /// When the browser has it.
    #[cfg(all(feature = "disk", target_arch = "wasm32"))]
    Later(Box<dyn FnOnce(Door) -> Opening + Send + Sync>),
}

/// A store that a browser is opening.
#[cfg(all(feature = "disk", target_arch = "wasm32"))]
pub(crate) type Opening = std::pin::Pin<Box<dyn Future<Output = Result<Opened, RoomError>>>>;

impl StoreMaker {
    /// A store that is opened at once.
    pub fn now(open: impl FnOnce(Door) -> Result<Opened, RoomError> + Send + Sync + 'static) -> Self {
        Self::Now(Box::new(open))
    }
}

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

/// What a node stands between, and how it behaves there.
pub(crate) struct Ends {
    pub store: Opened,
    pub link: Box<dyn Link>,
    pub config: Config,
    pub seed: u64,
}

impl Setup {
    /// Opens the store, then the links.
    pub fn bring_up(self) -> Result<Ends, RoomError> {
        match self.store {
            StoreMaker::Now(open) => connect(open(self.door)?, &self.places, self.link, self.config, self.seed),
            #[cfg(all(feature = "disk", target_arch = "wasm32"))]
            StoreMaker::Later(_) => Err(RoomError::Unsupported("a browser's store takes time to open")),
        }
    }

    /// The same, where opening the store may take time.
    #[cfg(target_arch = "wasm32")]
    pub async fn open(self) -> Result<Ends, RoomError> {
        let store = match self.store {
            StoreMaker::Now(open) => open(self.door)?,
            #[cfg(feature = "disk")]
            StoreMaker::Later(open) => open(self.door).await?,
        };
        connect(store, &self.places, self.link, self.config, self.seed)
    }
}

/// Opens the links of whoever the store belongs to, at the places where the room is found from now on.
fn connect(mut store: Opened, places: &Places, link: LinkMaker, config: Config, seed: u64) -> Result<Ends, RoomError> {
    let invitation = places.change(store.identity.invitation.clone())?;
    renew(&mut store, invitation);
    let link = link(&store.identity)?;
    Ok(Ends { store, link, config, seed })
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

/// Comes back to a room by an invitation: the room may be found elsewhere by now, or we may edit it from now on.
#[cfg(feature = "disk")]
pub(super) fn come_back(mut opened: Opened, invitation: Invitation) -> Result<Opened, RoomError> {
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

pub(super) fn renew(opened: &mut Opened, invitation: Invitation) {
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
