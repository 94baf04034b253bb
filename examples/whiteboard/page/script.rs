//! What a script may do on a page that was opened for one: draw, and see how the board stands, also while the page is
//! hidden and draws no frames.

use super::address::window;
use crate::{
    board::{AddStroke, StrokeId},
    draw_file,
    status::StatusLine,
};
use bevy::prelude::*;
use bevy_quorum::prelude::*;
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};

/// Lays `whiteboard.draw` and `whiteboard.status` open, for whichever room the board has.
///
/// `draw` takes strokes as a file has them and returns how many commands it proposed; `status` returns the line of
/// `--status-json` as consensus sees it at this moment, without what only frames know: strokes and digest.
pub fn lay_open(rooms: Query<(Entity, &Room)>, mut laid_open: Local<Option<Entity>>) {
    let newest = rooms.iter().filter_map(|(entity, room)| Some((entity, room.handle()?))).last();
    let Some((entity, room)) = newest.filter(|(entity, _)| *laid_open != Some(*entity)) else { return };
    *laid_open = Some(entity);
    let status = room.clone();
    let draw = Closure::<dyn Fn(String) -> Result<usize, JsValue>>::new(move |json: String| {
        draw(&room, &json).map_err(|reason| js_sys::Error::new(&reason).into())
    });
    let status = Closure::<dyn Fn() -> String>::new(move || StatusLine::new(&status.status(), 0, String::new()).json());
    let whiteboard = Object::new();
    let lay = |name: &str, function: JsValue| Reflect::set(&whiteboard, &name.into(), &function);
    let laid = lay("draw", draw.into_js_value()).and_then(|_| lay("status", status.into_js_value()));
    if let (Ok(window), Ok(_)) = (window(), laid) {
        let _ = Reflect::set(window.unchecked_ref(), &"whiteboard".into(), &whiteboard);
    }
}

fn draw(room: &RoomHandle, json: &str) -> Result<usize, String> {
    let strokes = draw_file::parse(json.as_bytes()).map_err(|error| error.to_string())?;
    let mut proposed = 0;
    for add in strokes.iter().flat_map(|stroke| AddStroke::all_of(StrokeId::random(), stroke)) {
        room.propose(&add).map_err(|error| error.to_string())?;
        proposed += 1;
    }
    Ok(proposed)
}
