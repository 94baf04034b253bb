//! The card that says why the room can't go on. A page has one of its own.

use super::{
    icons::{self, Icon},
    island,
    notice::Notice,
};
use crate::theme::Theme;
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Align2, Area, CornerRadius, Id, Label, Margin, Order, RichText, Sense, Vec2, vec2},
};
use bevy_quorum::prelude::*;

/// Shows the card when the room failed.
pub fn show(
    mut contexts: EguiContexts,
    rooms: Query<&RoomState>,
    theme: Res<Theme>,
    mut notice: ResMut<Notice>,
    mut exit: MessageWriter<AppExit>,
) -> Result {
    let failed = rooms.iter().find_map(|state| match state {
        RoomState::Failed(error) => Some(error.to_string()),
        _ => None,
    });
    let Some(reason) = failed else { return Ok(()) };
    let tokens = theme.tokens();
    let card = Area::new(Id::new("failure")).order(Order::Foreground).anchor(Align2::CENTER_CENTER, Vec2::ZERO);
    card.show(contexts.ctx_mut()?, |ui| {
        island::frame(tokens).corner_radius(CornerRadius::same(14)).inner_margin(Margin::same(24)).show(ui, |ui| {
            ui.set_width(400.0);
            ui.horizontal(|ui| {
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(24.0), Sense::hover());
                icons::paint(ui.painter(), rect.center() - vec2(2.0, 0.0), Icon::Alert, tokens.bad);
                ui.label(RichText::new("This board can't be opened").heading());
            });
            ui.add_space(6.0);
            ui.add(Label::new(&reason).wrap());
            ui.add_space(12.0);
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                if island::quiet_button(ui, tokens, "Copy the message").clicked() {
                    notice.copy(&reason, "The message is copied");
                }
                if island::quiet_button(ui, tokens, "Close").clicked() {
                    exit.write(AppExit::error());
                }
            });
        });
    });
    Ok(())
}
