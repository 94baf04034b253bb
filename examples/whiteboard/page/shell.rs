//! The page around the canvas: it covers the canvas while everything loads, and says what went wrong.

use super::address::window;
use bevy::prelude::*;
use js_sys::{Function, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, Document, HtmlElement, Url};

/// How many frames are drawn before the cover goes: the first ones are empty.
const FRAMES_COVERED: u32 = 2;

/// Takes the cover away once the board can be seen.
pub fn uncover(mut frames: Local<u32>) {
    *frames = frames.saturating_add(1);
    if *frames == FRAMES_COVERED {
        call("ready", &[]);
    }
}

/// Says that it doesn't go on, and why.
pub fn fail(title: &str, reason: &str) {
    if !call("fail", &[title, reason]) {
        bevy::log::error!("{title}: {reason}");
    }
}

/// Says something that stays until it is read.
pub fn notice(words: &str) {
    call("notice", &[words]);
}

/// Says what survives a failure, should there be one.
pub fn keep(words: &str) {
    call("keep", &[words]);
}

/// Lays something out where scripts find it: in an attribute of the root element.
pub fn lay_out(attribute: &str, value: &str) -> Result<(), String> {
    let root = document().and_then(|document| document.document_element());
    let laid = root.and_then(|root| root.set_attribute(attribute, value).ok());
    laid.ok_or_else(|| "this page has no place for what scripts look at".to_owned())
}

/// Lays the address of a picture out.
pub fn hang(png: &[u8]) -> Result<(), String> {
    let parts = js_sys::Array::of1(&Uint8Array::from(png));
    let options = BlobPropertyBag::new();
    options.set_type("image/png");
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options);
    let address = blob.and_then(|blob| Url::create_object_url_with_blob(&blob));
    lay_out("data-picture", &address.map_err(|_| "this browser can't hold the picture")?)
}

pub fn document() -> Option<Document> {
    window().ok()?.document()
}

/// What the board is drawn on.
pub fn canvas() -> Option<HtmlElement> {
    document()?.get_element_by_id("board")?.dyn_into().ok()
}

/// Calls a function of the page; whether there is one.
fn call(name: &str, arguments: &[&str]) -> bool {
    let function = || {
        let page = Reflect::get(&window().ok()?.into(), &"quorumPage".into()).ok()?;
        let function: Function = Reflect::get(&page, &name.into()).ok()?.dyn_into().ok()?;
        let arguments: js_sys::Array = arguments.iter().map(|argument| JsValue::from_str(argument)).collect();
        function.apply(&page, &arguments).ok()
    };
    function().is_some()
}
