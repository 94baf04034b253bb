//! Pens: the browser says how hard they are pressed, which Bevy does not pass on.
//!
//! The events are heard before winit hears them, with all the places in between that came in one event, as winit
//! takes them too. What is noted here meets the same places as they come through Bevy, see [`Felt`].

use super::{events::listen, shell};
use crate::{board::Pressure, tools::Felt};
use bevy::prelude::*;
use js_sys::Reflect;
use wasm_bindgen::JsValue;
use web_sys::{Element, PointerEvent};

/// Hears pens as long as the page lives.
pub fn hear(felt: Option<Res<Felt>>) {
    let (Some(felt), Some(canvas)) = (felt, shell::canvas()) else { return };
    for event in ["pointerdown", "pointermove"] {
        let (felt, on) = (felt.clone(), canvas.clone());
        listen(&canvas, event, move |event: PointerEvent| {
            // A pen over the board that does not touch it presses nothing.
            if event.pointer_type() == "pen" && event.pressure() > 0.0 {
                keep(&on, &event);
                places(&event).iter().for_each(|place| note(&felt, place));
            }
        });
    }
}

/// A pen that is down belongs to the board until it is lifted, wherever that is; winit does this for mice alone.
fn keep(canvas: &Element, event: &PointerEvent) {
    if event.type_() == "pointerdown" {
        // Refused for pens that are no more, and for those that scripts pretend.
        let _ = canvas.set_pointer_capture(event.pointer_id());
    }
}

/// The places that the pen came by since the last event, the event's own at the end; older browsers know just that.
fn places(event: &PointerEvent) -> Vec<JsValue> {
    let all = match Reflect::has(event, &"getCoalescedEvents".into()) {
        Ok(true) if event.type_() == "pointermove" => event.get_coalesced_events().to_vec(),
        _ => Vec::new(),
    };
    if all.is_empty() { vec![event.into()] } else { all }
}

fn note(felt: &Felt, event: &JsValue) {
    // As fractions of pixels: the bindings round them.
    let number = |name: &str| Reflect::get(event, &name.into()).ok().and_then(|number| number.as_f64());
    if let (Some(x), Some(y), Some(pressure)) = (number("offsetX"), number("offsetY"), number("pressure")) {
        felt.note(Vec2::new(x as f32, y as f32), Pressure::of_share(pressure as f32));
    }
}
