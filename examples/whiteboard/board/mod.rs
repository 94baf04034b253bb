//! The board itself: strokes, the commands that change it, what is whispered beside them. Nothing here draws, so a
//! peer without a window runs it too.

mod changes;
mod codec;
mod commands;
mod drafts;
mod history;
mod introduction;
pub mod path;
mod pressure;
mod saved;
mod sheet;
pub mod simplify;
mod stroke;
mod whispers;

pub use changes::Version;
pub use commands::{AddStroke, EraseStrokes, Ids, Redo, Undo};
pub use drafts::{Drafts, Preview};
pub use introduction::Myself;
pub use pressure::{Pressure, felt};
pub use sheet::{Board, Record};
pub use stroke::{Point, Rgb, Stroke, StrokeError, StrokeId};
pub use whispers::{Cursor, LivePiece, LiveStroke, NAME_BYTES_MAX, PIECE_POINTS_MAX, Person, PersonName};

use bevy::prelude::*;
use bevy_quorum::prelude::*;

/// Keeps the [`Board`] and this person's [`Drafts`], and tells the others who [`Myself`] is.
pub struct BoardPlugin;

impl Plugin for BoardPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Board>()
            .replicate_resource::<Board>()
            .init_resource::<Drafts>()
            .add_command(commands::add_stroke)
            .add_command(commands::erase_strokes)
            .add_command(commands::undo)
            .add_command(commands::redo)
            .add_whisper::<Cursor>()
            .add_whisper::<LivePiece>()
            .add_whisper::<Person>()
            .add_systems(Update, introduction::introduce.run_if(resource_exists::<Myself>))
            .add_observer(drafts::forget_settled)
            .add_observer(drafts::restore_stroke)
            .add_observer(drafts::restore_erasure)
            .add_observer(drafts::restore_undo)
            .add_observer(drafts::restore_redo);
    }
}

/// Draws a stroke as its user would, in one action; shown at once, decided by the room.
pub fn draw(drafts: &mut Drafts, room: &Room, stroke: &Stroke) -> Result<Vec<Proposal>, ProposeError> {
    drafts.draw(room, StrokeId::random(), stroke)
}
