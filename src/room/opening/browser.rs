//! The stores of a browser: all rooms of one name, each in a database of its own.
//!
//! A tab that finds its room's store in use by another tab is a second peer, with a store of its own beside the first,
//! and comes back to that one when it is reloaded.

use super::{Door, come_back, found, proceed, renew};
use crate::{
    raft::Durable,
    room::RoomError,
    storage::{BrowserPlace, Identity, Opened, StorageError, ask_to_keep},
    wire::{ClusterId, Invitation},
};
use std::{path::PathBuf, time::Duration};

/// How long a page waits for the one before it to give its store free.
const RELOAD_PATIENCE: Duration = Duration::from_secs(2);
/// How many tabs of one browser can be in a room, each with a store.
const TABS_MAX: u32 = 16;

/// Opens the store under `name` that belongs to a door.
pub(crate) async fn in_browser(name: String, door: Door) -> Result<Opened, RoomError> {
    let opened = match door {
        Door::Open { rendezvous } => create(&name, found(rendezvous)?).await,
        Door::Continue { rendezvous, legacy } => create(&name, proceed(rendezvous, legacy)?).await,
        Door::Join(invitation) => join(&name, invitation).await,
        Door::Resume { rendezvous } => resume(&name, rendezvous).await,
    }?;
    ask_to_keep();
    Ok(opened)
}

async fn create(name: &str, (identity, durable): (Identity, Durable)) -> Result<Opened, RoomError> {
    let cluster = identity.invitation.cluster;
    let place = BrowserPlace::take(&database(name, cluster, 0), RELOAD_PATIENCE).await?;
    let opened = place.create(&identity, &durable).await?;
    remember(name, cluster, 0);
    Ok(opened)
}

/// Takes the place that this tab had, or the first that is free.
async fn join(name: &str, invitation: Invitation) -> Result<Opened, RoomError> {
    let cluster = invitation.cluster;
    let first = tab(name, cluster);
    let mut patience = RELOAD_PATIENCE;
    for tab in std::iter::once(first).chain((0..TABS_MAX).filter(|tab| *tab != first)) {
        match BrowserPlace::take(&database(name, cluster, tab), patience).await {
            Err(StorageError::InUse { .. }) => patience = Duration::ZERO,
            Err(error) => return Err(error.into()),
            Ok(place) => {
                remember(name, cluster, tab);
                return enter(place, invitation).await;
            }
        }
    }
    Err(StorageError::InUse { path: PathBuf::from(format!("this browser ({TABS_MAX} tabs)")) }.into())
}

async fn enter(place: BrowserPlace, invitation: Invitation) -> Result<Opened, RoomError> {
    if place.holds_a_room() {
        return come_back(place.open()?, invitation);
    }
    Ok(place.create(&Identity::generate(invitation), &Durable::default()).await?)
}

/// Comes back to the room of this name that was used last.
async fn resume(name: &str, rendezvous: Option<Vec<String>>) -> Result<Opened, RoomError> {
    let nothing = || StorageError::NotFound { path: PathBuf::from(format!("this browser ({name})")) };
    let cluster = last_room(name).ok_or_else(nothing)?;
    let place = BrowserPlace::take(&database(name, &cluster, tab(name, &cluster)), RELOAD_PATIENCE).await?;
    let mut opened = place.open()?;
    if let Some(rendezvous) = rendezvous {
        let invitation = opened.identity.invitation.clone().with_rendezvous(rendezvous)?;
        renew(&mut opened, invitation);
    }
    Ok(opened)
}

/// The name of the database for one of the tabs that are in a room.
fn database(name: &str, cluster: impl ToString, tab: u32) -> String {
    format!("{name}/{}/{tab}", cluster.to_string())
}

/// Which of the stores this tab had when it was loaded before; its reload comes back to it.
fn tab(name: &str, cluster: impl ToString) -> u32 {
    let key = format!("bevy_quorum/{name}/{}", cluster.to_string());
    let stored = web_sys::window().and_then(|window| window.session_storage().ok()?);
    stored.and_then(|stored| stored.get_item(&key).ok()?).and_then(|tab| tab.parse().ok()).unwrap_or_default()
}

fn last_room(name: &str) -> Option<String> {
    web_sys::window()?.local_storage().ok()??.get_item(&format!("bevy_quorum/{name}")).ok()?
}

/// Both are a convenience: without them a tab looks for a place, and comes back by its link alone.
fn remember(name: &str, cluster: ClusterId, tab: u32) {
    let Some(window) = web_sys::window() else { return };
    if let Ok(Some(stored)) = window.session_storage() {
        let _ = stored.set_item(&format!("bevy_quorum/{name}/{cluster}"), &tab.to_string());
    }
    if let Ok(Some(stored)) = window.local_storage() {
        let _ = stored.set_item(&format!("bevy_quorum/{name}"), &cluster.to_string());
    }
}
