//! The eraser: takes whole strokes away, those it passed over between press and release.

use super::{
    Tool,
    pointer::{Motion, Pointer},
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
    for motion in pointer.motions_of(Tool::Eraser) {
        let (Motion::Press(place) | Motion::Drag(place) | Motion::Release(place)) = motion else {
            shown.erasing.clear();
            continue;
        };
        let to = view.to_board(place);
        let from = sweep.0.filter(|_| !matches!(motion, Motion::Press(_))).unwrap_or(to);
        mark(&mut shown, &board, from, to, RADIUS_PX / view.zoom);
        sweep.0 = Some(to);
        if matches!(motion, Motion::Release(_)) {
            erase(&mut shown, &mut drafts, &rooms);
        }
    }
}

fn mark(shown: &mut Shown, board: &Board, from: Vec2, to: Vec2, radius: f32) {
    let decided = hit::touched(board, from, to, radius).into_iter().filter(|id| shown.shows(*id));
    let waiting = shown.preview.shown.iter().filter(|(_, stroke, _)| hit::touches(stroke, from, to, radius));
    let touched: Vec<_> = decided.chain(waiting.map(|(id, ..)| *id)).collect();
    shown.erasing.extend(touched);
}

fn erase(shown: &mut Shown, drafts: &mut Drafts, rooms: &Query<&Room>) {
    let erased = std::mem::take(&mut shown.erasing);
    if let (false, Some(room)) = (erased.is_empty(), rooms.iter().next())
        && let Err(error) = drafts.erase(room, erased)
    {
        drafts.refusal = Some(format!("That could not be erased: {error}."));
    }
}
