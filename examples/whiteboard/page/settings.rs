//! What the server that the page came from advises: where boards are found, and how peers reach each other.

use super::address::window;
use bevy::prelude::*;
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// The server's settings; a server that has none is itself where boards are found.
#[derive(Resource, Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    rendezvous: Vec<String>,
    ice_servers: Vec<IceServer>,
}

#[derive(Clone, Debug, Deserialize)]
struct IceServer {
    urls: Vec<String>,
}

impl Settings {
    /// Asks the server at `origin`.
    pub async fn fetch(origin: &str) -> Self {
        let json = fetch(&format!("{origin}/config.json")).await.unwrap_or_default();
        let mut settings: Self = serde_json::from_str(&json).unwrap_or_default();
        if settings.rendezvous.is_empty() {
            // `http` becomes `ws`, and `https` becomes `wss`.
            settings.rendezvous.push(origin.replacen("http", "ws", 1));
        }
        settings
    }

    /// Where new boards are found.
    pub fn rendezvous(&self) -> &str {
        &self.rendezvous[0]
    }

    /// The servers that help peers to reach each other.
    pub fn ice_servers(&self) -> impl Iterator<Item = &String> {
        self.ice_servers.iter().flat_map(|server| &server.urls)
    }
}

/// Loads a text.
pub async fn fetch(url: &str) -> Result<String, String> {
    let response = JsFuture::from(window()?.fetch_with_str(url)).await.map_err(words)?;
    let response: Response = response.dyn_into().map_err(words)?;
    if !response.ok() {
        return Err(format!("the server answers {}", response.status()));
    }
    let text = JsFuture::from(response.text().map_err(words)?).await.map_err(words)?;
    text.as_string().ok_or_else(|| "it is no text".to_owned())
}

/// What the browser says went wrong.
fn words(error: JsValue) -> String {
    let message = js_sys::Reflect::get(&error, &"message".into()).ok().and_then(|message| message.as_string());
    message.unwrap_or_else(|| "the browser does not say why".to_owned())
}
