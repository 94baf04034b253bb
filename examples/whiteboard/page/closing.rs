//! Asks before the page is closed when somebody's drawing would be out of reach for the others.

use super::{address::window, events::listen};
use crate::board::Board;
use bevy::prelude::*;
use bevy_quorum::prelude::*;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use web_sys::BeforeUnloadEvent;

/// Keeps the browser's question up to date.
pub struct ClosingPlugin;

/// Whether the browser should ask.
#[derive(Resource, Clone, Default)]
struct Ask(Arc<AtomicBool>);

impl Plugin for ClosingPlugin {
    fn build(&self, app: &mut App) {
        let ask = Ask::default();
        hear(ask.clone());
        app.insert_resource(ask).add_systems(PostUpdate, decide);
    }
}

/// Changes that nobody else has seen, or a board that nobody else has.
fn decide(rooms: Query<&Room>, board: Res<Board>, ask: Res<Ask>) {
    let matters = |room: &Room| {
        let status = room.status();
        let only_copy = status.voters.len() + status.learners.len() <= 1 && board.len() > 0;
        status.pending > 0 || only_copy
    };
    ask.0.store(rooms.iter().any(matters), Ordering::Relaxed);
}

fn hear(ask: Ask) {
    let Ok(window) = window() else { return };
    listen(&window, "beforeunload", move |event: BeforeUnloadEvent| {
        if ask.0.load(Ordering::Relaxed) {
            event.prevent_default();
            // Older browsers ask only if there is a text, and show their own.
            event.set_return_value("");
        }
    });
}
