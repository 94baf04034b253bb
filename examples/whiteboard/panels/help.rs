//! The dialog with the keys.

use super::{Open, island};
use crate::{
    theme::Theme,
    tools::{Command, SHORTCUTS},
};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Align, Layout, RichText},
};

/// Shows the dialog while it is open.
pub fn show(
    mut contexts: EguiContexts,
    (theme, open): (Res<Theme>, Res<Open>),
    mut commands: MessageWriter<Command>,
) -> Result {
    if *open != Open::Help {
        return Ok(());
    }
    let tokens = theme.tokens();
    let stays = island::dialog(contexts.ctx_mut()?, tokens, "Keys", 360.0, |ui| {
        for (place, (what, keys)) in SHORTCUTS.iter().enumerate() {
            if place > 0 {
                let rect = ui.available_rect_before_wrap();
                ui.painter().hline(rect.x_range(), rect.top(), (1.0, tokens.border));
            }
            ui.horizontal(|ui| {
                ui.set_min_height(26.0);
                ui.label(*what);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.label(RichText::new(*keys).color(tokens.weak));
                });
            });
        }
    });
    if !stays {
        commands.write(Command::Close);
    }
    Ok(())
}
