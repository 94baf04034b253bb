//! Top centre: the tools.

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
    island::float(contexts.ctx_mut()?, tokens, "toolbar", Align2::CENTER_TOP, |ui| {
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
