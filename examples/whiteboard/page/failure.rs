//! Says on the page's own card why the board can't go on: what stands there can be copied, and is read out to those who
//! don't see it.

use super::shell;
use bevy::prelude::*;
use bevy_quorum::{prelude::*, storage::StorageError};

/// What the card says beside a failure of the store.
const KEPT_BEFORE: &str = "What was saved before is still in this browser. Your last strokes may not be.";

/// Shows the card when the room failed.
pub fn show(rooms: Query<(&Room, &RoomState), Changed<RoomState>>) {
    for (room, state) in &rooms {
        let RoomState::Failed(error) = state else { continue };
        let was_open = room.status().node.is_some();
        if let (RoomError::Storage(_), true) = (error, was_open) {
            shell::keep(KEPT_BEFORE);
        }
        shell::fail("This board can't go on here", &words(error));
    }
}

/// What it means to somebody with a browser, who has no folders and can't choose the program's version.
fn words(error: &RoomError) -> String {
    let RoomError::Storage(storage) = error else { return error.to_string() };
    match &**storage {
        StorageError::Damaged { damage, .. } => format!(
            "What this browser kept of the board is damaged ({damage}), and can't be used. If others have the board, open \
             its link in another browser, or clear what this browser stores of this site and open it again."
        ),
        StorageError::OtherVersion { found, expected, .. } => format!(
            "What this browser kept of the board was written by another version of the whiteboard (its store has version \
             {found}, this page reads {expected}). Load the page again, so that it is the newest; if that changes nothing, \
             open the link in another browser."
        ),
        error => error.to_string(),
    }
}
