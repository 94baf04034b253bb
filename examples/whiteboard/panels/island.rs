//! What all panels are made of: floating islands, buttons with icons, dialogs.

use super::icons::{self, Icon};
use crate::theme::Tokens;
use bevy_egui::egui::{
    self, Align2, Area, Color32, Context, CornerRadius, FontFamily, FontId, Frame, Id, Margin, Order, Response,
    RichText, Sense, Shadow, Stroke, StrokeKind, TextStyle, Ui, Vec2, vec2,
};

/// The side of a button.
pub const BUTTON_PX: f32 = 34.0;
/// How far islands stay from the window's edges.
pub const MARGIN_PX: f32 = 16.0;
/// Text.
pub const TEXT_PX: f32 = 13.0;
/// Text that matters less.
pub const SMALL_PX: f32 = 11.5;

/// A window narrower than this is a phone's: tools lie within reach of a thumb, and little else is shown.
const NARROW_PX: f32 = 700.0;
/// What an island and its distance to the next one take, in height.
pub const ROW_PX: f32 = BUTTON_PX + 18.0;

/// Whether the window is a phone's.
pub fn is_narrow(context: &Context) -> bool {
    context.content_rect().width() < NARROW_PX
}

/// Makes egui's own parts look like ours.
pub fn dress(style: &mut egui::Style, tokens: &Tokens) {
    for (text, size) in [
        (TextStyle::Body, TEXT_PX),
        (TextStyle::Button, TEXT_PX),
        (TextStyle::Small, SMALL_PX),
        (TextStyle::Heading, 17.0),
    ] {
        style.text_styles.insert(text, FontId::new(size, FontFamily::Proportional));
    }
    style.spacing.item_spacing = vec2(4.0, 4.0);
    style.interaction.tooltip_delay = 0.35;
    style.interaction.selectable_labels = false;
    let visuals = &mut style.visuals;
    visuals.override_text_color = Some(tokens.text);
    visuals.window_fill = tokens.island;
    visuals.panel_fill = tokens.island;
    visuals.window_stroke = Stroke::new(1.0, tokens.border);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.popup_shadow = shadow(tokens);
    visuals.selection.bg_fill = tokens.chosen;
    visuals.selection.stroke = Stroke::new(1.0, tokens.accent);
    visuals.extreme_bg_color = tokens.hover;
}

fn shadow(tokens: &Tokens) -> Shadow {
    Shadow { offset: [0, 3], blur: 14, spread: 0, color: tokens.shadow }
}

/// The frame of an island.
pub fn frame(tokens: &Tokens) -> Frame {
    Frame::new()
        .fill(tokens.island)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(CornerRadius::same(10))
        .shadow(shadow(tokens))
        .inner_margin(Margin::same(5))
}

/// A panel that floats at an edge of the window.
pub fn float<R>(context: &Context, tokens: &Tokens, id: &str, at: Align2, add: impl FnOnce(&mut Ui) -> R) -> R {
    float_in_row(context, tokens, id, at, 0, add)
}

/// The same, with so many rows of islands between the panel and the edge.
pub fn float_in_row<R>(
    context: &Context,
    tokens: &Tokens,
    id: &str,
    at: Align2,
    row: u8,
    add: impl FnOnce(&mut Ui) -> R,
) -> R {
    let inward = -at.to_sign() * (Vec2::splat(MARGIN_PX) + vec2(0.0, f32::from(row) * ROW_PX));
    area(id, at, inward).show(context, |ui| frame(tokens).show(ui, add).inner).inner
}

/// A place for a panel at an edge of the window.
pub fn area(id: &str, at: Align2, offset: Vec2) -> Area {
    Area::new(Id::new(id)).order(Order::Middle).anchor(at, offset).fade_in(false)
}

/// Something that a button needs to say.
#[derive(Clone, Copy)]
pub struct Face<'a> {
    /// Its picture.
    pub icon: Icon,
    /// What it does.
    pub label: &'a str,
    /// The key that does the same; empty if there is none.
    pub keys: &'a str,
}

/// How a button stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It can be pressed.
    Ready,
    /// It is what is chosen.
    Chosen,
    /// It would do nothing.
    Idle,
}

/// A square button with an icon; true when it was pressed.
pub fn button(ui: &mut Ui, tokens: &Tokens, face: Face, standing: Standing) -> bool {
    let sense = if standing == Standing::Idle { Sense::hover() } else { Sense::click() };
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(BUTTON_PX), sense);
    let (fill, color) = match standing {
        Standing::Chosen => (tokens.chosen, tokens.accent),
        Standing::Idle => (Color32::TRANSPARENT, tokens.weak.gamma_multiply(0.45)),
        Standing::Ready if response.hovered() => (tokens.hover, tokens.text),
        Standing::Ready => (Color32::TRANSPARENT, tokens.text),
    };
    let fill = fade(ui, &response, fill);
    ui.painter().rect_filled(rect.shrink(1.0), 7.0, fill);
    icons::paint(ui.painter(), rect.center(), face.icon, color);
    explain(tokens, &response, face.label, face.keys);
    response.clicked()
}

/// Lets a button's ground ease in and out.
fn fade(ui: &Ui, response: &Response, fill: Color32) -> Color32 {
    let strength = ui.ctx().animate_bool_with_time(response.id, fill != Color32::TRANSPARENT, 0.12);
    fill.gamma_multiply(strength)
}

/// A tooltip with the key beside the words.
pub fn explain(tokens: &Tokens, response: &Response, label: &str, keys: &str) {
    response.clone().on_hover_ui(|ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            ui.label(RichText::new(label).size(12.0));
            if !keys.is_empty() {
                ui.label(RichText::new(keys).size(12.0).color(tokens.weak));
            }
        });
    });
}

/// A button with words on a coloured ground; true when it was pressed.
pub fn call_to_action(ui: &mut Ui, tokens: &Tokens, icon: Icon, label: &str) -> Response {
    let font = FontId::proportional(TEXT_PX);
    let on_accent = contrast(tokens.accent);
    let text = ui.painter().layout_no_wrap(label.to_owned(), font, on_accent);
    let size = vec2(text.size().x + 46.0, BUTTON_PX);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let fill = if response.hovered() { tokens.accent.gamma_multiply(0.9) } else { tokens.accent };
    ui.painter().rect_filled(rect, 8.0, fill);
    icons::paint(ui.painter(), rect.left_center() + vec2(20.0, 0.0), icon, on_accent);
    let at = rect.left_center() + vec2(34.0, -text.size().y / 2.0);
    ui.painter().galley(at, text, on_accent);
    response
}

/// A button of words alone.
pub fn quiet_button(ui: &mut Ui, tokens: &Tokens, label: &str) -> Response {
    let text = ui.painter().layout_no_wrap(label.to_owned(), FontId::proportional(12.5), tokens.text);
    let (rect, response) = ui.allocate_exact_size(text.size() + vec2(20.0, 12.0), Sense::click());
    let fill = if response.hovered() { tokens.hover } else { Color32::TRANSPARENT };
    ui.painter().rect(rect, 7.0, fill, Stroke::new(1.0, tokens.border), StrokeKind::Inside);
    ui.painter().galley(rect.center() - text.size() / 2.0, text, tokens.text);
    response
}

/// Black or white, whichever reads better.
pub fn contrast(ground: Color32) -> Color32 {
    let brightness = 0.299 * f32::from(ground.r()) + 0.587 * f32::from(ground.g()) + 0.114 * f32::from(ground.b());
    if brightness > 150.0 { Color32::from_rgb(0x17, 0x17, 0x1c) } else { Color32::WHITE }
}

/// A dialog in the middle of the window; false once it was closed by a click beside it or on its cross.
pub fn dialog(context: &Context, tokens: &Tokens, title: &str, width: f32, add: impl FnOnce(&mut Ui)) -> bool {
    let veil = Area::new(Id::new((title, "veil"))).order(Order::Foreground).fixed_pos(egui::Pos2::ZERO);
    let window = context.content_rect();
    let width = width.min(window.width() - 2.0 * (MARGIN_PX + 22.0));
    let beside = veil.show(context, |ui| {
        let response = ui.allocate_rect(window, Sense::click());
        ui.painter().rect_filled(window, 0.0, tokens.veil);
        response.clicked()
    });
    let card = Area::new(Id::new(title)).order(Order::Tooltip).anchor(Align2::CENTER_CENTER, Vec2::ZERO);
    let closed = card.show(context, |ui| {
        frame(tokens).corner_radius(CornerRadius::same(14)).inner_margin(Margin::same(22)).show(ui, |ui| {
            ui.set_width(width);
            let row = vec2(width, BUTTON_PX);
            let closed = ui.allocate_ui_with_layout(row, egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.label(RichText::new(title).heading());
                let right = egui::Layout::right_to_left(egui::Align::Center);
                let face = Face { icon: Icon::Close, label: "Close", keys: "Esc" };
                ui.with_layout(right, |ui| button(ui, tokens, face, Standing::Ready)).inner
            });
            ui.add_space(6.0);
            add(ui);
            closed.inner
        })
    });
    !(beside.inner || closed.inner.inner)
}
