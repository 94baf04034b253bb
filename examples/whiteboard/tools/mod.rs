//! What the pointer and the keys do: a file per tool.

mod eraser;
mod felt;
mod fingers;
mod hand;
mod keys;
mod pen;
mod pointer;

#[cfg(target_arch = "wasm32")]
pub use felt::Felt;
pub use keys::{Command, SHORTCUTS};
pub use pen::PenTip;
pub use pointer::{Motion, Pointer};

use crate::{
    board::Rgb,
    canvas::CanvasSystems,
    theme::{PALETTE, WIDTHS},
};
use bevy::prelude::*;

/// What is in the hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// Draws.
    #[default]
    Pen,
    /// Takes whole strokes away.
    Eraser,
    /// Moves the board.
    Hand,
}

/// The chosen tool and how it draws.
#[derive(Resource, Clone, Debug, PartialEq)]
pub struct Toolbox {
    /// The tool.
    pub tool: Tool,
    /// The pen's colour.
    pub color: Rgb,
    /// The pen's width in pixels of the board.
    pub width: f32,
    /// The space bar is held: the hand, for a moment.
    pub borrowed_hand: bool,
}

impl Default for Toolbox {
    fn default() -> Self {
        Self { tool: Tool::Pen, color: PALETTE[0].0, width: WIDTHS[1].0, borrowed_hand: false }
    }
}

impl Toolbox {
    /// The tool that a press uses.
    pub fn active(&self) -> Tool {
        if self.borrowed_hand { Tool::Hand } else { self.tool }
    }
}

/// The tools.
pub struct ToolsPlugin;

impl Plugin for ToolsPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Toolbox>()
            .init_resource::<Pointer>()
            .init_resource::<felt::Felt>()
            .init_resource::<PenTip>()
            .init_resource::<eraser::Sweep>()
            .add_message::<Command>()
            .add_systems(
                Update,
                (
                    (pointer::track, keys::read_keys),
                    (keys::obey, hand::pan_and_zoom),
                    (pen::draw, eraser::sweep),
                    pointer::show_cursor,
                )
                    .chain()
                    .before(CanvasSystems::Draw),
            );
    }
}
