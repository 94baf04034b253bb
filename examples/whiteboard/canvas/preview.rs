//! The board as this person sees it: what is decided, with what they did since laid over it.

use crate::board::{Board, Drafts, Preview, StrokeId, Version};
use bevy::prelude::*;
use bevy_quorum::prelude::*;
use std::collections::BTreeSet;

/// The difference between the board and what this person sees of it.
#[derive(Resource, Default)]
pub struct Shown {
    /// What waits to be decided.
    pub preview: Preview,
    /// Strokes under the eraser, on their way out.
    pub erasing: BTreeSet<StrokeId>,
    computed_for: Option<(Version, u64, NodeId)>,
}

impl Shown {
    /// Whether a stroke of the board is still to be seen.
    pub fn shows(&self, id: StrokeId) -> bool {
        !self.preview.hidden.contains(&id)
    }
}

/// Brings the preview up to date with board and drafts.
pub fn update_shown(board: Res<Board>, drafts: Res<Drafts>, rooms: Query<&Room>, mut shown: ResMut<Shown>) {
    let me = rooms.iter().find_map(|room| room.status().node).unwrap_or(NodeId(0));
    let current = (board.version(), drafts.version(), me);
    if shown.computed_for != Some(current) {
        shown.preview = drafts.preview(&board, me);
        shown.computed_for = Some(current);
    }
}
