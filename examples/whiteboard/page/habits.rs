//! What the browser does by itself with keys, wheel and drags, and must not where the board has a use for them.
//!
//! Everything else stays the browser's: reloading, its tools, its tabs, its address bar.

use super::{events::listen, shell};
use web_sys::{Event, KeyboardEvent};

/// Keys that the board wants together with Ctrl or Cmd.
const WITH_CONTROL: [&str; 7] = ["z", "y", "i", "0", "+", "=", "-"];

/// Takes the browser off what is the board's, and lets the board hear keys from the start.
pub fn adopt() {
    let Some(canvas) = shell::canvas() else { return };
    for event in ["wheel", "contextmenu", "dragstart"] {
        listen(&canvas, event, |event: Event| event.prevent_default());
    }
    listen(&canvas, "keydown", |press: KeyboardEvent| {
        if is_ours(&press) {
            press.prevent_default();
        }
    });
    let _ = canvas.focus();
}

fn is_ours(press: &KeyboardEvent) -> bool {
    let key = press.key().to_lowercase();
    let control = press.ctrl_key() || press.meta_key();
    // Space would scroll, the slash opens Firefox's search.
    if control { WITH_CONTROL.contains(&key.as_str()) } else { matches!(key.as_str(), " " | "/" | "?" | "'") }
}
