//! The empty board: what it is, and where to begin.

use super::island;
use crate::{board::Board, canvas::Shown, presence::People, theme::Theme, tools::PenTip};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{
        Align2, Color32, FontId, Id, LayerId, Order, Painter, Pos2, Shape, Stroke, epaint::QuadraticBezierShape, pos2,
        vec2,
    },
};

/// Shows the hints until there is something on the board.
pub fn show(
    mut contexts: EguiContexts,
    (theme, board, shown, people, tip): (Res<Theme>, Res<Board>, Res<Shown>, Res<People>, Res<PenTip>),
) -> Result {
    let empty = board.is_empty() && shown.preview.shown.is_empty() && tip.0.is_none();
    let context = contexts.ctx_mut()?;
    let strength =
        context.animate_bool_with_time(Id::new("welcome"), empty && people.live_strokes().next().is_none(), 0.18);
    if strength == 0.0 {
        return Ok(());
    }
    let tokens = theme.tokens();
    let window = context.content_rect();
    let painter = context.layer_painter(LayerId::new(Order::Background, Id::new("welcome")));
    let (text, weak) = (tokens.text.gamma_multiply(strength), tokens.weak.gamma_multiply(strength));
    let middle = window.center();
    let line = |at: Pos2, words: &str, size: f32, color: Color32| {
        painter.text(at, Align2::CENTER_CENTER, words, FontId::proportional(size), color);
    };
    line(middle - vec2(0.0, 34.0), "Whiteboard", 34.0, text);
    let small = if island::is_narrow(context) { 12.5 } else { 14.5 };
    line(middle + vec2(0.0, 6.0), "Draw anything. Everybody with the link sees it as you do.", small, weak);
    line(middle + vec2(0.0, 30.0), "It is kept on your devices, and nowhere else.", small, weak);
    if island::is_narrow(context) {
        return Ok(());
    }
    let tools = pos2(middle.x, window.top() + 68.0);
    hint(&painter, tools + vec2(-70.0, 62.0), tools + vec2(-20.0, 4.0), vec2(-4.0, 16.0), "Pick a tool", weak);
    let share = pos2(window.right() - 64.0, window.top() + 60.0);
    hint(&painter, share + vec2(-76.0, 70.0), share, vec2(-4.0, 16.0), "Invite others", weak);
    let help = pos2(window.right() - 38.0, window.bottom() - 62.0);
    hint(&painter, help + vec2(-60.0, -66.0), help, vec2(0.0, -14.0), "All the keys", weak);
    Ok(())
}

/// Words with an arrow to what they are about.
fn hint(painter: &Painter, words: Pos2, target: Pos2, label: bevy_egui::egui::Vec2, text: &str, color: Color32) {
    let start = words + (target - words) * 0.12;
    let bend = pos2(start.x + (target.x - start.x) * 0.9, start.y + (target.y - start.y) * 0.25);
    let stroke = Stroke::new(1.4, color);
    let curve = QuadraticBezierShape::from_points_stroke([start, bend, target], false, Color32::TRANSPARENT, stroke);
    painter.add(Shape::QuadraticBezier(curve));
    let way = (target - bend).normalized();
    for side in [-1.0, 1.0] {
        let back = vec2(-way.x - side * way.y * 0.7, -way.y + side * way.x * 0.7).normalized() * 7.5;
        painter.line_segment([target, target + back], stroke);
    }
    painter.text(words + label, Align2::CENTER_CENTER, text, FontId::proportional(13.5), color);
}
