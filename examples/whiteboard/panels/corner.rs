//! Bottom left: zoom, undo and redo. On a phone two fingers zoom, and the rest is at the top.

use super::{
    icons::Icon,
    island::{self, Face, Standing},
};
use crate::{
    canvas::{Shown, View, ZOOM_RANGE},
    theme::{Theme, Tokens},
    tools::Command,
};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Align2, FontId, Sense, Ui, vec2},
};

/// Shows the buttons.
pub fn show(
    mut contexts: EguiContexts,
    (theme, view, shown): (Res<Theme>, Res<View>, Res<Shown>),
    mut commands: MessageWriter<Command>,
) -> Result {
    let tokens = theme.tokens();
    let context = contexts.ctx_mut()?;
    let narrow = island::is_narrow(context);
    let place = if narrow { Align2::LEFT_TOP } else { Align2::LEFT_BOTTOM };
    island::float(context, tokens, "zoom", place, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            if !narrow {
                zoom(ui, tokens, *view, &mut commands);
            }
            let undo = Face { icon: Icon::Undo, label: "Undo", keys: "Ctrl Z" };
            if island::button(ui, tokens, undo, ready(shown.preview.can_undo)) {
                commands.write(Command::Undo);
            }
            let redo = Face { icon: Icon::Redo, label: "Redo", keys: "Ctrl Shift Z" };
            if island::button(ui, tokens, redo, ready(shown.preview.can_redo)) {
                commands.write(Command::Redo);
            }
        });
    });
    Ok(())
}

fn zoom(ui: &mut Ui, tokens: &Tokens, view: View, commands: &mut MessageWriter<Command>) {
    let out = Face { icon: Icon::Minus, label: "Farther", keys: "Ctrl −" };
    if island::button(ui, tokens, out, ready(view.zoom > ZOOM_RANGE.0)) {
        commands.write(Command::ZoomOut);
    }
    let (rect, response) = ui.allocate_exact_size(vec2(50.0, island::BUTTON_PX), Sense::click());
    let color = if response.hovered() { tokens.accent } else { tokens.text };
    let percent = format!("{:.0} %", view.zoom * 100.0);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, percent, FontId::proportional(12.5), color);
    island::explain(tokens, &response, "Back to 100 %", "Ctrl 0");
    if response.clicked() {
        commands.write(Command::ZoomReset);
    }
    let closer = Face { icon: Icon::Plus, label: "Closer", keys: "Ctrl +" };
    if island::button(ui, tokens, closer, ready(view.zoom < ZOOM_RANGE.1)) {
        commands.write(Command::ZoomIn);
    }
    let (gap, _) = ui.allocate_exact_size(vec2(11.0, island::BUTTON_PX), Sense::hover());
    ui.painter().vline(gap.center().x, gap.shrink(7.0).y_range(), (1.0, tokens.border));
}

/// A button that would do nothing can't be pressed.
fn ready(able: bool) -> Standing {
    if able { Standing::Ready } else { Standing::Idle }
}
