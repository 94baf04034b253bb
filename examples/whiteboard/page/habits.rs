//! What the browser does by itself with keys, wheel and drags, and must not where the board has a use for them.
//!
//! Everything else stays the browser's: reloading, its tools, its tabs, its address bar.

use super::address::window;
use js_sys::Object;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{AddEventListenerOptions, Event, HtmlElement, KeyboardEvent};

/// Keys that the board wants together with Ctrl or Cmd.
const WITH_CONTROL: [&str; 7] = ["z", "y", "i", "0", "+", "=", "-"];

/// Takes the browser off what is the board's, and lets the board hear keys from the start.
pub fn adopt() {
    let Some(document) = window().ok().and_then(|window| window.document()) else { return };
    let Some(canvas) = document.get_element_by_id("board") else { return };
    for event in ["wheel", "contextmenu", "dragstart"] {
        listen(&canvas, event, |event| event.prevent_default());
    }
    listen(&canvas, "keydown", |event| {
        if event.dyn_ref::<KeyboardEvent>().is_some_and(is_ours) {
            event.prevent_default();
        }
    });
    if let Some(canvas) = canvas.dyn_ref::<HtmlElement>() {
        let _ = canvas.focus();
    }
}

fn is_ours(press: &KeyboardEvent) -> bool {
    let key = press.key().to_lowercase();
    let control = press.ctrl_key() || press.meta_key();
    // Space would scroll, the slash opens Firefox's search.
    if control { WITH_CONTROL.contains(&key.as_str()) } else { matches!(key.as_str(), " " | "/" | "?" | "'") }
}

/// Hears an event as long as the page lives, and before the browser does anything.
fn listen(target: &web_sys::EventTarget, event: &str, act: impl Fn(Event) + 'static) {
    let listener = Closure::<dyn Fn(Event)>::new(act);
    let options: AddEventListenerOptions = Object::new().unchecked_into();
    options.set_passive(false);
    let function = listener.as_ref().unchecked_ref();
    if target.add_event_listener_with_callback_and_add_event_listener_options(event, function, &options).is_ok() {
        listener.forget();
    }
}
