//! Says on the page's own card why the board can't go on: what stands there can be copied, and is read out to those who
//! don't see it.

use super::shell;
use bevy::prelude::*;
use bevy_quorum::prelude::*;

/// Shows the card when the room failed.
pub fn show(rooms: Query<&RoomState, Changed<RoomState>>) {
    for state in &rooms {
        if let RoomState::Failed(error) = state {
            shell::fail("This board can't go on here", &error.to_string());
        }
    }
}
