//! What the browser grants.

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::JsCast;

/// Whether the browser gives this page another connection. Some lack what makes them, in others an extension spoils it,
/// and all give a page only so many in its life.
pub(super) fn gives_connections() -> bool {
    let make = Reflect::get(&js_sys::global(), &"RTCPeerConnection".into()).ok();
    let make = make.and_then(|make| make.dyn_into::<Function>().ok());
    let connection = make.and_then(|make| Reflect::construct(&make, &Array::new()).ok());
    let Some(connection) = connection else { return false };
    let close = Reflect::get(&connection, &"close".into()).ok().and_then(|close| close.dyn_into::<Function>().ok());
    if let Some(close) = close {
        // It was made to be looked at alone.
        let _ = close.call0(&connection);
    }
    true
}
