//! Around the board while a file is held over it: that it may be dropped.

use crate::{dropping::Hovering, theme::Theme};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Align2, FontId, Id, LayerId, Order, Stroke, StrokeKind, vec2},
};

/// Shows it as long as the file is there.
pub fn show(mut contexts: EguiContexts, theme: Res<Theme>, hovering: Res<Hovering>) -> Result {
    if !hovering.0 {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let tokens = theme.tokens();
    let window = context.content_rect().shrink(6.0);
    let painter = context.layer_painter(LayerId::new(Order::Tooltip, Id::new("drop")));
    let line = Stroke::new(2.0, tokens.accent);
    painter.rect(window, 12.0, tokens.accent.gamma_multiply(0.08), line, StrokeKind::Inside);
    let font = FontId::proportional(17.0);
    let words = "Drop a file of strokes to draw them";
    painter.text(window.center() - vec2(0.0, 80.0), Align2::CENTER_CENTER, words, font, tokens.accent);
    Ok(())
}
