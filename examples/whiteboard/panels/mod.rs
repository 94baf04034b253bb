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
use bevy_egui::{EguiContext, EguiContexts, EguiPreUpdateSet, EguiPrimaryContextPass, egui};

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
        app.init_resource::<Open>().init_resource::<notice::Notice>();
        if cfg!(target_arch = "wasm32") {
            let unhinted =
                leave_letters_their_shape.after(EguiPreUpdateSet::InitContexts).before(EguiPreUpdateSet::BeginPass);
            app.add_systems(PreUpdate, unhinted);
        }
        app.add_systems(
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

/// Hinting fits letters to whole pixels; the programs in fonts that do so would delay a page's first frame.
fn leave_letters_their_shape(mut contexts: Query<&mut EguiContext, Added<EguiContext>>) {
    for mut context in &mut contexts {
        context.get_mut().all_styles_mut(|style| style.visuals.text_options.font_hinting = false);
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
