//! A field of the browser's own, laid over the canvas where something is typed: with input methods, a phone's keyboard,
//! and all that its user is used to. The board hears no key that is typed in it.

use super::shell;
use crate::theme::Tokens;
use bevy_egui::egui::{Color32, Rect};
use bevy_quorum::prelude::AppBell;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Document, HtmlInputElement, KeyboardEvent};

/// The field, in the document.
const ID: &str = "text-field";

/// Opens the field with a text in it; whether the browser has one.
pub fn open(label: &str, text: &str, letters_max: usize, bell: Option<&AppBell>) -> bool {
    shell::document().is_some_and(|document| create(&document, label, text, letters_max, bell.cloned()).is_ok())
}

/// Lays the field where it belongs, in pixels of the canvas.
pub fn lay(place: Rect, tokens: &Tokens) {
    let Some((field, canvas)) = field().zip(shell::canvas()) else { return };
    let corner = canvas.get_bounding_client_rect();
    let px = |value: f64| format!("{value}px");
    let style = field.style();
    for (property, value) in [
        ("left", px(corner.left() + f64::from(place.left()))),
        ("top", px(corner.top() + f64::from(place.top()))),
        ("width", px(f64::from(place.width()))),
        ("height", px(f64::from(place.height()))),
        ("color", css(tokens.text)),
        ("background", css(tokens.hover)),
        ("border", format!("1px solid {}", css(tokens.border))),
    ] {
        let _ = style.set_property(property, &value);
    }
}

/// What is in the field.
pub fn text() -> Option<String> {
    field().map(|field| field.value())
}

/// Takes the field away; keys are the board's again.
pub fn close() {
    if let Some(field) = field() {
        field.remove();
        focus_board();
    }
}

fn create(
    document: &Document,
    label: &str,
    text: &str,
    letters_max: usize,
    bell: Option<AppBell>,
) -> Result<(), JsValue> {
    let field: HtmlInputElement = document.create_element("input")?.unchecked_into();
    field.set_id(ID);
    field.set_value(text);
    for (name, value) in [
        ("aria-label", label),
        ("maxlength", &letters_max.to_string()),
        ("autocomplete", "nickname"),
        ("enterkeyhint", "done"),
        ("spellcheck", "false"),
    ] {
        field.set_attribute(name, value)?;
    }
    for (property, value) in [
        ("position", "fixed"),
        ("box-sizing", "border-box"),
        ("padding", "0 10px"),
        ("border-radius", "8px"),
        // Phones zoom into fields with smaller letters.
        ("font", "16px system-ui, sans-serif"),
    ] {
        field.style().set_property(property, value)?;
    }
    let done = Closure::<dyn Fn(KeyboardEvent)>::new(|event: KeyboardEvent| {
        // Enter may end a word of an input method, and not yet the name.
        if !event.is_composing() && matches!(event.key().as_str(), "Enter" | "Escape") {
            focus_board();
        }
    });
    let typed = Closure::<dyn Fn()>::new(move || {
        if let Some(bell) = &bell {
            bell.ring();
        }
    });
    // They live as long as the field, which goes with its panel.
    field.set_onkeydown(Some(done.into_js_value().unchecked_ref()));
    field.set_oninput(Some(typed.into_js_value().unchecked_ref()));
    document.body().ok_or(JsValue::UNDEFINED)?.append_child(&field)?;
    Ok(())
}

fn focus_board() {
    if let Some(canvas) = shell::canvas() {
        let _ = canvas.focus();
    }
}

fn field() -> Option<HtmlInputElement> {
    shell::document()?.get_element_by_id(ID)?.dyn_into().ok()
}

fn css(color: Color32) -> String {
    let [red, green, blue, _] = color.to_array();
    format!("rgb({red} {green} {blue})")
}
