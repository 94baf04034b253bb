//! How the page comes to its board, and what it does in a browser that keeps nothing for it.

use super::{address::Address, settings::Settings, shell};
use bevy::prelude::*;
use bevy_quorum::{prelude::*, storage::StorageError, wire::InvitationError};

/// The name under which this browser keeps boards.
const STORE: &str = "whiteboard";

/// What the page says in a browser that keeps nothing for it.
const KEPT_NOWHERE: &str = "This browser keeps nothing for this page, so the board is only in this tab's memory. \
    The others keep it, and with it what you draw; when everybody is gone, it is lost. Leave the private window, or \
    allow the site to store data, and load the page again.";

/// What it says in one that has no space left.
const NO_SPACE: &str = "No space is left to keep this board, so it is only in this tab's memory. The others keep it, \
    and with it what you draw; when everybody is gone, it is lost. Free some space, or clear what this browser stores \
    of other sites, and load the page again.";

/// What it says beside a failure otherwise.
const KEPT_HERE: &str = "What you drew is kept in this browser. It is there when you load the page again.";

/// What it says of a link that was made before the room's language changed.
const OLDER: &str = "This link was made by an older version of the whiteboard, which this page can't join. Ask whoever \
    sent it for a new one.";

/// What it says when the page itself is the older one.
const NEWER: &str = "This link was made by a newer version of the whiteboard. Load this page again, so that it is the \
    newest; if that changes nothing, ask whoever sent the link where to open it.";

/// The board of the page's link, or a new one.
#[derive(Resource)]
pub struct WayIn {
    invitation: Option<Invitation>,
    /// What it means that the board isn't kept here, if it isn't.
    kept_nowhere: Option<&'static str>,
}

impl WayIn {
    pub fn of(address: &Address) -> Result<Self, String> {
        let parse = |link: String| link.parse::<Invitation>().map_err(|error| leads_nowhere(&error));
        Ok(Self { invitation: address.invitation().map(parse).transpose()?, kept_nowhere: None })
    }

    pub fn enter(&self, settings: &Settings) -> Room {
        let room = match &self.invitation {
            Some(invitation) => Room::join(invitation.to_string()),
            None => settings.spread(Room::open(settings.rendezvous())),
        };
        settings.connect(self.keep(room))
    }

    /// Keeps a room in this browser; in one that keeps nothing, it is gone with the page.
    pub fn keep(&self, room: Room) -> Room {
        if self.kept_nowhere.is_none() { room.store(STORE) } else { room }
    }
}

/// Enters without a store when the browser gives none. Nothing is promised by then, and nobody has been met: the node in
/// memory is simply another one.
pub fn do_without_store(
    mut commands: Commands,
    rooms: Query<(Entity, &Room, &RoomState), Changed<RoomState>>,
    mut way_in: ResMut<WayIn>,
    settings: Res<Settings>,
) {
    for (entity, room, state) in &rooms {
        if room.status().node.is_some() || way_in.kept_nowhere.is_some() {
            continue;
        }
        if let Some(meaning) = without_store(state) {
            warn!("{meaning}");
            shell::notice(meaning);
            way_in.kept_nowhere = Some(meaning);
            commands.entity(entity).despawn();
            commands.spawn(way_in.enter(&settings));
        }
    }
}

/// Tells the page's shell what survives a failure.
pub fn tell_what_is_kept(rooms: Query<&RoomState, Changed<RoomState>>, way_in: Res<WayIn>) {
    if rooms.iter().any(|state| matches!(state, RoomState::Open)) {
        shell::keep(way_in.kept_nowhere.unwrap_or(KEPT_HERE));
    }
}

/// What is wrong with a link, for whoever opened it in a browser and can't choose the program's version.
fn leads_nowhere(error: &InvitationError) -> String {
    match error {
        InvitationError::OtherVersion { found, expected } if found < expected => OLDER.to_owned(),
        InvitationError::OtherVersion { .. } => NEWER.to_owned(),
        error => format!("This link leads nowhere: {error}"),
    }
}

/// What it means if a room failed because the browser gives it no store.
fn without_store(state: &RoomState) -> Option<&'static str> {
    let RoomState::Failed(RoomError::Storage(error)) = state else { return None };
    match **error {
        StorageError::Denied { .. } => Some(KEPT_NOWHERE),
        StorageError::Full { .. } => Some(NO_SPACE),
        _ => None,
    }
}
