//! What the server that the page came from advises: where boards are found, and how peers reach each other.

use super::{address::window, shell};
use bevy::prelude::*;
use bevy_quorum::prelude::{IceServer, Room};
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
    /// Whether this browser's addresses are kept from the others.
    #[serde(skip)]
    pub relay_only: bool,
}

impl Settings {
    /// Asks the server at `origin`.
    pub async fn fetch(origin: &str) -> Self {
        let mut settings = match fetch(&format!("{origin}/config.json")).await {
            Ok(json) => Self::parse(&json),
            Err(_) => Self::default(),
        };
        if settings.rendezvous.is_empty() {
            // `http` becomes `ws`, and `https` becomes `wss`.
            settings.rendezvous.push(origin.replacen("http", "ws", 1));
        }
        settings
    }

    /// Settings that nobody can read are the same as none, but somebody has to learn of it.
    fn parse(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_else(|error| {
            warn!("the server's config.json can't be read: {error}");
            shell::notice(
                "The settings of this server can't be read, so the others may be out of reach. Tell whoever runs it \
                 that its config.json is malformed.",
            );
            Self::default()
        })
    }

    /// Where a new board is found first.
    pub fn rendezvous(&self) -> &str {
        &self.rendezvous[0]
    }

    /// A new board is found at all the addresses.
    pub fn spread(&self, room: Room) -> Room {
        self.rendezvous.iter().skip(1).fold(room, Room::also_at)
    }

    /// How the peers of a board reach each other, directly or not.
    pub fn connect(&self, room: Room) -> Room {
        let room = room.ice_servers(self.ice_servers.clone());
        if self.relay_only { room.relay_only() } else { room }
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
