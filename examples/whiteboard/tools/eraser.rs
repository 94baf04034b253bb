//! The eraser: takes whole strokes away, those it passed over between press and release.

use super::{
    Tool,
    pointer::{Pointer, Press},
};
use crate::{
    board::{Board, Drafts},
    canvas::{Shown, View, hit},
};
use bevy::prelude::*;
use bevy_quorum::prelude::*;

/// The eraser's size on screen.
pub const RADIUS_PX: f32 = 6.0;

/// Where the eraser was last, on the board.
#[derive(Resource, Default)]
pub struct Sweep(Option<Vec2>);

/// Marks what the eraser passes over while it is pressed, and erases it at the end.
pub fn sweep(
    mut sweep: ResMut<Sweep>,
    mut shown: ResMut<Shown>,
    mut drafts: ResMut<Drafts>,
    rooms: Query<&Room>,
    (pointer, view, board): (Res<Pointer>, Res<View>, Res<Board>),
) {
    match pointer.press {
        Press::Began(Tool::Eraser) => {
            sweep.0 = pointer.on_board(&view);
            mark(&mut sweep, &mut shown, &board, &pointer, *view);
        }
        Press::Held(Tool::Eraser) => mark(&mut sweep, &mut shown, &board, &pointer, *view),
        Press::Ended(Tool::Eraser) => {
            mark(&mut sweep, &mut shown, &board, &pointer, *view);
            sweep.0 = None;
            let erased = std::mem::take(&mut shown.erasing);
            if let (false, Ok(room)) = (erased.is_empty(), rooms.single())
                && let Err(error) = drafts.erase(room, erased)
            {
                drafts.refusal = Some(format!("That could not be erased: {error}."));
            }
        }
        _ => {}
    }
}

fn mark(sweep: &mut Sweep, shown: &mut Shown, board: &Board, pointer: &Pointer, view: View) {
    let radius = RADIUS_PX / view.zoom;
    for place in pointer.trail.iter().copied().chain(pointer.place) {
        let (from, to) = (sweep.0.unwrap_or(view.to_board(place)), view.to_board(place));
        let decided = hit::touched(board, from, to, radius).into_iter().filter(|id| shown.shows(*id));
        let waiting = shown.preview.shown.iter().filter(|(_, stroke, _)| hit::touches(stroke, from, to, radius));
        let touched: Vec<_> = decided.chain(waiting.map(|(id, ..)| *id)).collect();
        if touched.iter().any(|id| !shown.erasing.contains(id)) {
            shown.erasing.extend(touched);
        }
        sweep.0 = Some(to);
    }
}
