//! Hearing what the browser tells the page.

use js_sys::Object;
use wasm_bindgen::{JsCast, closure::Closure, convert::FromWasmAbi};
use web_sys::{AddEventListenerOptions, EventTarget};

/// Hears an event as long as the page lives: on its way down to what it is about, before winit does, and early enough to
/// keep the browser from what it does by itself.
pub fn listen<E: FromWasmAbi + 'static>(target: &EventTarget, event: &str, act: impl Fn(E) + 'static) {
    let listener = Closure::<dyn Fn(E)>::new(act);
    let options: AddEventListenerOptions = Object::new().unchecked_into();
    options.set_capture(true);
    options.set_passive(false);
    let function = listener.as_ref().unchecked_ref();
    if target.add_event_listener_with_callback_and_add_event_listener_options(event, function, &options).is_ok() {
        listener.forget();
    }
}
