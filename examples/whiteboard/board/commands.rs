//! What people do to the board: the commands that the room puts into one order, and their handlers.

use super::{Board, Stroke, StrokeId};
use bevy::prelude::*;
use bevy_quorum::prelude::*;
use serde::{Deserialize, Serialize};

/// The most strokes that one command erases.
pub const ERASED_MAX: usize = 400;

/// Draws a stroke on top of all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddStroke {
    /// Its name.
    pub id: StrokeId,
    /// It belongs to the same action as its author's command before: undone together.
    pub continued: bool,
    /// The stroke.
    pub stroke: Stroke,
}

impl AddStroke {
    /// What draws a stroke, in as many commands as its bytes need. The name of its first piece is `id`.
    pub fn all_of(id: StrokeId, stroke: &Stroke) -> impl Iterator<Item = Self> {
        stroke.pieces().into_iter().enumerate().map(move |(place, stroke)| {
            let (id, continued) = if place == 0 { (id, false) } else { (StrokeId::random(), true) };
            Self { id, continued, stroke }
        })
    }
}

impl Portable for AddStroke {
    const NAME: &'static str = "stroke";
}

/// Erases strokes, whoever drew them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EraseStrokes {
    /// Which.
    pub ids: Ids,
    /// It belongs to the same action as its author's command before: undone together.
    pub continued: bool,
}

impl Portable for EraseStrokes {
    const NAME: &'static str = "erase";
}

/// Takes back the author's latest action that can be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undo;

impl Portable for Undo {
    const NAME: &'static str = "undo";
}

/// Does the author's latest undone action again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Redo;

impl Portable for Redo {
    const NAME: &'static str = "redo";
}

/// Names of strokes: at least one, at most [`ERASED_MAX`], in order, each once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<StrokeId>")]
pub struct Ids(Vec<StrokeId>);

impl Ids {
    /// The names in as many lists as they need.
    pub fn lists(ids: impl IntoIterator<Item = StrokeId>) -> Vec<Self> {
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        ids.chunks(ERASED_MAX).map(|list| Self(list.to_vec())).collect()
    }

    /// The names.
    pub fn as_slice(&self) -> &[StrokeId] {
        &self.0
    }
}

impl TryFrom<Vec<StrokeId>> for Ids {
    type Error = &'static str;

    fn try_from(ids: Vec<StrokeId>) -> Result<Self, Self::Error> {
        match ids.len() {
            1..=ERASED_MAX if ids.is_sorted_by(|a, b| a < b) => Ok(Self(ids)),
            _ => Err("not a list of strokes"),
        }
    }
}

pub(super) fn add_stroke(add: In<Committed<AddStroke>>, mut board: ResMut<Board>) -> Result<(), Reject> {
    let add = add.0;
    board.add(add.author, add.index, add.id, &add.stroke, add.continued).map_err(Reject::because)
}

pub(super) fn erase_strokes(erase: In<Committed<EraseStrokes>>, mut board: ResMut<Board>) -> Result<(), Reject> {
    let erase = erase.0;
    board.erase(erase.author, erase.index, erase.ids.as_slice(), erase.continued).map_err(Reject::because)
}

pub(super) fn undo(undo: In<Committed<Undo>>, mut board: ResMut<Board>) -> Result<(), Reject> {
    board.undo(undo.author, undo.index).map_err(Reject::because)
}

pub(super) fn redo(redo: In<Committed<Redo>>, mut board: ResMut<Board>) -> Result<(), Reject> {
    board.redo(redo.author, redo.index).map_err(Reject::because)
}
