//! Top centre, or at the bottom of a phone: the tools.

use super::{
    icons::Icon,
    island::{self, Face, Standing},
};
use crate::{
    theme::Theme,
    tools::{Command, Tool, Toolbox},
};
use bevy::prelude::*;
use bevy_egui::{EguiContexts, egui::Align2};

const TOOLS: [(Tool, Face); 3] = [
    (Tool::Pen, Face { icon: Icon::Pen, label: "Pen", keys: "P or 7" }),
    (Tool::Eraser, Face { icon: Icon::Eraser, label: "Eraser", keys: "E or 0" }),
    (Tool::Hand, Face { icon: Icon::Hand, label: "Move the board", keys: "H or hold Space" }),
];

/// Shows the tools.
pub fn show(
    mut contexts: EguiContexts,
    (theme, toolbox): (Res<Theme>, Res<Toolbox>),
    mut commands: MessageWriter<Command>,
) -> Result {
    let tokens = theme.tokens();
    let context = contexts.ctx_mut()?;
    let place = if island::is_narrow(context) { Align2::CENTER_BOTTOM } else { Align2::CENTER_TOP };
    island::float(context, tokens, "toolbar", place, |ui| {
        ui.horizontal(|ui| {
            for (tool, face) in TOOLS {
                let standing = if toolbox.active() == tool { Standing::Chosen } else { Standing::Ready };
                if island::button(ui, tokens, face, standing) {
                    commands.write(Command::Take(tool));
                }
            }
        });
    });
    Ok(())
}
