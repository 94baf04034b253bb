//! What the page's address says: the board, after the `#`, and how to show it, after the `?`.

use super::events::listen;
use std::time::Duration;
use wasm_bindgen::JsValue;
use web_sys::{Event, Location, Window};

/// The address that the page was opened with.
pub struct Address {
    origin: String,
    hash: String,
    query: Vec<(String, String)>,
}

impl Address {
    pub fn read() -> Result<Self, String> {
        let location = window()?.location();
        let part = |read: fn(&Location) -> Result<String, JsValue>| {
            read(&location).map_err(|_| "This page may not read its own address.".to_owned())
        };
        let query = part(Location::search)?;
        let query = query.trim_start_matches('?').split('&').map(parameter).collect();
        Ok(Self { origin: part(Location::origin)?, hash: part(Location::hash)?, query })
    }

    /// The server that the page came from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The whole link, if the address is one.
    pub fn invitation(&self) -> Option<String> {
        (self.hash.len() > 1).then(|| format!("{}/{}", self.origin, self.hash))
    }

    /// What we are called.
    pub fn name(&self) -> Option<String> {
        self.get("name")
    }

    /// A file of strokes to draw.
    pub fn draw(&self) -> Option<String> {
        self.get("draw")
    }

    /// Whether to show the board alone.
    pub fn board_only(&self) -> bool {
        self.get("board-only").is_some()
    }

    /// When to take a picture, counted from the start.
    pub fn picture(&self) -> Option<Duration> {
        let seconds = self.get("picture")?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// Whether to reach the others through relays alone.
    pub fn relay_only(&self) -> bool {
        self.get("relay-only").is_some()
    }

    /// Whether a script wants to know how the board stands.
    pub fn status_json(&self) -> bool {
        self.get("status-json").is_some()
    }

    fn get(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

/// A name and its value, with what browsers write as `%20` put back.
fn parameter(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let value = value.replace('+', " ");
    let plain = js_sys::decode_uri_component(&value).ok().and_then(|plain| plain.as_string());
    (name.to_owned(), plain.unwrap_or(value))
}

/// Shows a link in the address bar, without loading anything.
pub fn show(link: &str) {
    let (Ok(window), Some(place)) = (window(), link.find('#')) else { return };
    let shown =
        window.history().and_then(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&link[place..])));
    if shown.is_err() {
        bevy::log::warn!("the link can't be shown in the address bar");
    }
}

/// Loads the page anew when somebody gives it another address that differs after the `#` alone: browsers then only scroll.
pub fn follow() {
    let Ok(window) = window() else { return };
    let location = window.location();
    listen(&window, "hashchange", move |_: Event| {
        let _ = location.reload();
    });
}

pub fn window() -> Result<Window, String> {
    web_sys::window().ok_or_else(|| "The whiteboard runs in a window only.".to_owned())
}
