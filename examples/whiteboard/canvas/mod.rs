//! The board on screen: where one looks, the strokes, what is on its way.

mod brush;
mod camera;
mod grid;
pub mod hit;
mod ink;
mod loose;
mod preview;
mod strokes;

pub use camera::{View, ZOOM_RANGE};
pub use loose::PENDING_PATIENCE;
pub use preview::Shown;

use crate::{board::Drafts, theme::Theme};
use bevy::{prelude::*, window::RequestRedraw};

/// Draws the board.
pub struct CanvasPlugin {
    /// Whether dots show where one is.
    pub grid: bool,
}

/// When the canvas works within a frame: after the tools, so that nothing waits for the next frame.
#[derive(SystemSet, Clone, Debug, PartialEq, Eq, Hash)]
pub enum CanvasSystems {
    /// Takes in what the tools did.
    Draw,
}

impl Plugin for CanvasPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<View>()
            .init_resource::<Shown>()
            .init_resource::<strokes::Chunks>()
            .init_resource::<strokes::Ink>()
            .init_resource::<loose::LooseStrokes>()
            .add_systems(Startup, camera::spawn_camera)
            .add_systems(
                Update,
                (
                    paint_background,
                    camera::follow_view,
                    preview::update_shown,
                    (strokes::draw_strokes, loose::draw_loose_strokes),
                    stay_awake_while_fresh,
                )
                    .chain()
                    .in_set(CanvasSystems::Draw),
            );
        if self.grid {
            app.add_systems(Startup, grid::spawn_grid)
                .add_systems(Update, grid::lay_out_grid.in_set(CanvasSystems::Draw));
        }
    }
}

fn paint_background(theme: Res<Theme>, mut background: ResMut<ClearColor>) {
    let canvas = theme.tokens().canvas;
    let color = Color::srgb_u8(canvas.r(), canvas.g(), canvas.b());
    if background.0 != color {
        background.0 = color;
    }
}

/// A stroke that waits changes its look after a while, although nothing else happens.
fn stay_awake_while_fresh(shown: Res<Shown>, drafts: Res<Drafts>, mut redraw: MessageWriter<RequestRedraw>) {
    let patience = loose::PENDING_PATIENCE + loose::PENDING_PATIENCE / 4;
    let fresh = shown.preview.shown.iter().any(|(.., since)| since.elapsed() < patience);
    if fresh && !drafts.is_empty() {
        redraw.write(RequestRedraw);
    }
}
