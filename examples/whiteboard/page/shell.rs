//! The page around the canvas: it covers the canvas while everything loads, and says what went wrong.

use super::address::window;
use bevy::prelude::*;
use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};

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

/// Loads the page again.
pub fn reload() {
    if let Ok(window) = window() {
        let _ = window.location().reload();
    }
}

/// Lays a line out where scripts find it.
pub fn tell(line: &str) {
    let root = window().ok().and_then(|window| window.document()?.document_element());
    if let Some(root) = root {
        let _ = root.set_attribute("data-status", line);
    }
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
