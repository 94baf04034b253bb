//! The floating panels over the board: a file per panel.

mod avatars;
mod continue_board;
mod corner;
mod cursors;
mod drop;
#[cfg(not(target_arch = "wasm32"))]
mod failure;
mod help;
mod icons;
mod island;
mod name;
mod notice;
mod properties;
mod share;
mod status;
mod toolbar;
mod welcome;
mod words;

pub use notice::Notice;

#[cfg(target_arch = "wasm32")]
use crate::page::failure;
use crate::{
    theme::Theme,
    tools::{Motion, Pointer},
};
use bevy::prelude::*;
use bevy_egui::{EguiContexts, EguiPrimaryContextPass, egui};

/// The dialog that is open; never more than one.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Open {
    /// None.
    #[default]
    Nothing,
    /// The invitation.
    Share,
    /// The keys.
    Help,
    /// What the status line is made of.
    Status,
    /// All colours.
    Palette,
    /// Whether to go on without those who are missing.
    Continue,
}

/// Shows the panels.
pub struct PanelsPlugin;

impl Plugin for PanelsPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Open>().init_resource::<notice::Notice>().add_systems(
            EguiPrimaryContextPass,
            (
                (dress, close_at_press),
                cursors::show,
                welcome::show,
                (toolbar::show, properties::show, corner::show, avatars::show, status::show),
                (drop::show, notice::show),
                (share::show, help::show, continue_board::show, failure::show),
            )
                .chain(),
        );
    }
}

/// What floats without a veil closes when one goes on drawing.
fn close_at_press(pointer: Res<Pointer>, mut open: ResMut<Open>) {
    let pressed = pointer.motions.iter().any(|(_, motion, _)| matches!(motion, Motion::Press(_)));
    if pressed && matches!(*open, Open::Status | Open::Palette) {
        *open = Open::Nothing;
    }
}

/// Makes egui's own parts fit the theme.
fn dress(mut contexts: EguiContexts, theme: Res<Theme>, mut dressed: Local<Option<Theme>>) -> Result {
    if *dressed == Some(*theme) {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let tokens = theme.tokens();
    let kind = match *theme {
        Theme::Light => egui::Theme::Light,
        Theme::Dark => egui::Theme::Dark,
    };
    context.set_theme(kind);
    context.style_mut_of(kind, |style| island::dress(style, tokens));
    *dressed = Some(*theme);
    Ok(())
}
