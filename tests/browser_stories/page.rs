//! Stories told in a real browser: a page that the tests in `tests/browser` open, which tells on its root element what it did.
//!
//! `?story=NAME` chooses what it does.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

#[cfg(target_arch = "wasm32")]
mod bell;
#[cfg(target_arch = "wasm32")]
#[path = "../rooms/mod.rs"]
mod rooms;
#[cfg(target_arch = "wasm32")]
mod stores;
#[cfg(target_arch = "wasm32")]
mod stories;

#[cfg(target_arch = "wasm32")]
fn main() {
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(stories::tell());
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this runs in browsers: see tests/browser");
}
