//! Left, or above the tools of a phone: the pen's colour and width, while the pen is in the hand.

use super::{Open, island};
use crate::{
    theme::{PALETTE, QUICK_COLORS, Theme, Tokens, WIDTHS},
    tools::{Command, Tool, Toolbox},
};
use bevy::prelude::*;
use bevy_egui::{
    EguiContexts,
    egui::{Align2, Color32, Grid, RichText, Sense, Stroke, Ui, Vec2, vec2},
};

/// The side of a colour field.
const SWATCH_PX: f32 = 28.0;

/// Shows colours and widths.
pub fn show(
    mut contexts: EguiContexts,
    (theme, toolbox, open): (Res<Theme>, Res<Toolbox>, Res<Open>),
    mut commands: MessageWriter<Command>,
) -> Result {
    if toolbox.tool != Tool::Pen {
        return Ok(());
    }
    let tokens = theme.tokens();
    let all = *open == Open::Palette;
    let context = contexts.ctx_mut()?;
    if island::is_narrow(context) {
        island::float_in_row(context, tokens, "properties", Align2::CENTER_BOTTOM, 1, |ui| {
            palette(ui, &theme, &toolbox, QUICK_COLORS, QUICK_COLORS, &mut commands);
            ui.horizontal(|ui| widths(ui, tokens, &toolbox, &mut commands));
        });
        return Ok(());
    }
    let area = island::area("properties", Align2::LEFT_CENTER, vec2(island::MARGIN_PX, -20.0));
    area.show(context, |ui| {
        island::frame(tokens).inner_margin(9).show(ui, |ui| {
            let (columns, count) = if all { (3, PALETTE.len()) } else { (1, QUICK_COLORS) };
            heading(ui, tokens, "Colour");
            palette(ui, &theme, &toolbox, columns, count, &mut commands);
            let hidden = PALETTE[..QUICK_COLORS].iter().all(|(color, _)| *color != toolbox.color);
            if more(ui, tokens, all, theme.swatch(toolbox.color), hidden) {
                commands.write(Command::Toggle(Open::Palette));
            }
            ui.add_space(5.0);
            heading(ui, tokens, "Width");
            widths(ui, tokens, &toolbox, &mut commands);
        });
    });
    Ok(())
}

/// The first `count` colours, so many in a row.
fn palette(
    ui: &mut Ui,
    theme: &Theme,
    toolbox: &Toolbox,
    columns: usize,
    count: usize,
    commands: &mut MessageWriter<Command>,
) {
    Grid::new(("palette", columns)).min_col_width(SWATCH_PX).spacing(Vec2::splat(4.0)).show(ui, |ui| {
        for (place, (color, name)) in PALETTE.iter().enumerate().take(count) {
            let chosen = toolbox.color == *color;
            let keys = if place < QUICK_COLORS { format!("Shift {}", place + 1) } else { String::new() };
            if swatch(ui, theme.tokens(), theme.swatch(*color), chosen, name, &keys) {
                commands.write(Command::Color(place));
            }
            if (place + 1) % columns == 0 {
                ui.end_row();
            }
        }
    });
}

fn widths(ui: &mut Ui, tokens: &Tokens, toolbox: &Toolbox, commands: &mut MessageWriter<Command>) {
    for (place, (width, name)) in WIDTHS.iter().enumerate() {
        if line(ui, tokens, *width, toolbox.width == *width, name, &(place + 1).to_string()) {
            commands.write(Command::Width(place));
        }
    }
}

fn heading(ui: &mut Ui, tokens: &Tokens, text: &str) {
    ui.label(RichText::new(text).size(10.5).color(tokens.weak));
}

fn swatch(ui: &mut Ui, tokens: &Tokens, color: Color32, chosen: bool, name: &str, keys: &str) -> bool {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(SWATCH_PX), Sense::click());
    let grown = ui.ctx().animate_bool_with_time(response.id, response.hovered() || chosen, 0.12);
    ui.painter().circle_filled(rect.center(), 8.5 + grown * 1.2, color);
    if chosen {
        ui.painter().circle_stroke(rect.center(), 12.5, Stroke::new(1.8, tokens.accent));
    }
    island::explain(tokens, &response, name, keys);
    response.clicked()
}

/// Opens the rest of the palette; shows the colour if it is one of the rest.
fn more(ui: &mut Ui, tokens: &Tokens, all: bool, color: Color32, chosen_is_hidden: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(SWATCH_PX, 20.0), Sense::click());
    let ink = if response.hovered() { tokens.text } else { tokens.weak };
    if chosen_is_hidden && !all {
        ui.painter().circle_filled(rect.center(), 7.0, color);
        ui.painter().circle_stroke(rect.center(), 9.8, Stroke::new(1.6, tokens.accent));
    } else {
        let way = if all { -1.0 } else { 1.0 };
        let corner = |x: f32, y: f32| rect.center() + vec2(x * way, y);
        let arrow = vec![corner(-2.5, -4.0), corner(2.0, 0.0), corner(-2.5, 4.0)];
        ui.painter().line(arrow, Stroke::new(1.6, ink));
    }
    island::explain(tokens, &response, if all { "Fewer colours" } else { "More colours" }, "");
    response.clicked()
}

fn line(ui: &mut Ui, tokens: &Tokens, width: f32, chosen: bool, name: &str, keys: &str) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(SWATCH_PX, 26.0), Sense::click());
    let fill = if chosen {
        tokens.chosen
    } else if response.hovered() {
        tokens.hover
    } else {
        Color32::TRANSPARENT
    };
    ui.painter().rect_filled(rect, 7.0, fill);
    let ink = if chosen { tokens.accent } else { tokens.text };
    let (from, to) = (rect.center() - vec2(8.0, 0.0), rect.center() + vec2(8.0, 0.0));
    let width = width.min(7.0);
    ui.painter().line_segment([from, to], Stroke::new(width, ink));
    for end in [from, to] {
        ui.painter().circle_filled(end, width / 2.0, ink);
    }
    island::explain(tokens, &response, name, keys);
    response.clicked()
}
