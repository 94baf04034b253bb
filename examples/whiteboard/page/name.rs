//! What this person is called, kept in their browser for all boards of this place.

use super::address::window;
use crate::board::Myself;
use bevy::prelude::*;
use web_sys::Storage;

/// Under which key the browser keeps it.
const KEY: &str = "whiteboard-name";

/// The name that was typed here before.
pub fn remembered() -> Option<String> {
    store()?.get_item(KEY).ok()?
}

/// Keeps a name that is typed; one from the page's address is not this browser's.
pub fn remember(myself: Res<Myself>) {
    if myself.is_changed() && !myself.is_added() {
        // A browser that keeps nothing asks again next time.
        let _ = store().map(|store| store.set_item(KEY, myself.0.as_str()));
    }
}

fn store() -> Option<Storage> {
    window().ok()?.local_storage().ok()?
}
