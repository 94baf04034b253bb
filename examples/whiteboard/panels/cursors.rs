//! On the board: the others' pointers with their names.

use super::{avatars::display_name, icons};
use crate::{
    canvas::View,
    presence::{self, People},
};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Color32, FontId, Id, LayerId, Order, Rect, pos2, vec2},
};
use bevy_quorum::prelude::*;

/// Shows the pointers below the panels.
pub fn show(mut contexts: EguiContexts, rooms: Query<&Room>, people: Res<People>, view: Res<View>) -> Result {
    let context = contexts.ctx_mut()?;
    let Some(room) = rooms.iter().next() else { return Ok(()) };
    let colors = presence::colors(presence::everybody(room.status()));
    let painter = context.layer_painter(LayerId::new(Order::Background, Id::new("cursors")));
    for (node, somebody, place) in people.cursors() {
        let [r, g, b] = colors.get(&node).copied().unwrap_or([90; 3]);
        let color = Color32::from_rgb(r, g, b);
        let place = view.to_screen(place);
        let tip = pos2(place.x, place.y);
        icons::pointer(&painter, tip, color);
        let strength = somebody.label_strength();
        if strength > 0.0 {
            let name = display_name(&people, node);
            let text =
                painter.layout_no_wrap(name, FontId::proportional(12.0), Color32::WHITE.gamma_multiply(strength));
            let at = tip + vec2(13.0, 15.0);
            let chip = Rect::from_min_size(at, text.size() + vec2(14.0, 6.0));
            painter.rect_filled(chip, 6.0, color.gamma_multiply(strength));
            painter.galley(at + vec2(7.0, 3.0), text, Color32::WHITE);
        }
    }
    Ok(())
}
