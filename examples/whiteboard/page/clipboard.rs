//! The browser's clipboard.

use super::address::window;
use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, HtmlTextAreaElement};

/// Puts text on the clipboard.
pub fn copy(text: &str) -> Result<(), String> {
    let window = window()?;
    let navigator = window.navigator();
    let clipboard = Reflect::get(&navigator, &"clipboard".into()).unwrap_or(JsValue::UNDEFINED);
    if clipboard.is_undefined() {
        let document = window.document().ok_or("this page has no document")?;
        return copy_by_selection(&document, text).map_err(|_| "this browser keeps its clipboard to itself".to_owned());
    }
    // Whether it worked is known later; a press of a button is what browsers ask for, and there was one.
    let _ = window.navigator().clipboard().write_text(text);
    Ok(())
}

/// The only way on plain http: a text that is selected and copied as if by its reader.
fn copy_by_selection(document: &Document, text: &str) -> Result<(), JsValue> {
    let field: HtmlTextAreaElement = document.create_element("textarea")?.unchecked_into();
    field.set_value(text);
    field.style().set_property("position", "fixed")?;
    document.body().ok_or(JsValue::UNDEFINED)?.append_child(&field)?;
    field.select();
    let execute: Function = Reflect::get(document, &"execCommand".into())?.dyn_into()?;
    let copied = execute.call1(document, &"copy".into());
    field.remove();
    if copied?.is_truthy() { Ok(()) } else { Err(JsValue::UNDEFINED) }
}
