//! Drawing what a file holds, as a user would have.

use crate::board::{self, Drafts, Stroke};
use bevy::prelude::*;
use bevy_quorum::prelude::*;
use std::collections::VecDeque;

/// Strokes of the file in one frame.
const STROKES_PER_FRAME_MAX: usize = 200;
/// Strokes of the file on their way; it waits while there are more.
const STROKES_ON_THE_WAY_MAX: usize = 2_000;

/// What is still to be drawn.
#[derive(Resource, Debug, Default)]
pub struct Drawing(pub VecDeque<Stroke>);

/// Draws the next strokes, as long as the room takes them.
pub fn draw_on(mut drawing: ResMut<Drawing>, rooms: Query<&Room>, mut drafts: ResMut<Drafts>) {
    let Ok(room) = rooms.single() else { return };
    let free = STROKES_ON_THE_WAY_MAX.saturating_sub(room.status().pending);
    for _ in 0..free.min(STROKES_PER_FRAME_MAX) {
        let Some(stroke) = drawing.0.pop_front() else { break };
        if let Err(error) = board::draw(&mut drafts, room, &stroke) {
            drawing.0.clear();
            drafts.refusal = Some(format!("the file's strokes can't be drawn: {error}"));
        }
    }
}
