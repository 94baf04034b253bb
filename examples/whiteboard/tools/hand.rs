//! Moving about: the hand, the wheel, the pinch.

use super::{
    Tool,
    pointer::{Motion, Pointer},
};
use crate::canvas::View;
use bevy::{
    input::{
        gestures::PinchGesture,
        mouse::{MouseScrollUnit, MouseWheel},
    },
    prelude::*,
};

/// How far one notch of a wheel moves, in pixels.
const NOTCH_PX: f32 = 60.0;
/// How much one notch zooms.
const NOTCH_ZOOM: f32 = 1.12;

/// Moves and zooms the view.
pub fn pan_and_zoom(
    mut view: ResMut<View>,
    pointer: Res<Pointer>,
    keys: Res<ButtonInput<KeyCode>>,
    mut wheel: MessageReader<MouseWheel>,
    mut pinches: MessageReader<PinchGesture>,
    mut last: Local<Option<Vec2>>,
) {
    let mut moved = *view;
    for motion in pointer.motions_of(Tool::Hand) {
        let (Motion::Press(place) | Motion::Drag(place) | Motion::Release(place)) = motion else { continue };
        let from = last.filter(|_| !matches!(motion, Motion::Press(_))).unwrap_or(place);
        moved.pan(place - from);
        *last = Some(place);
    }
    let at = pointer.place.unwrap_or_default();
    let zooming = keys.any_pressed([KeyCode::ControlLeft, KeyCode::ControlRight, KeyCode::SuperLeft]);
    let sideways = keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight]);
    for turned in wheel.read().filter(|_| !pointer.over_panel) {
        let notches = match turned.unit {
            MouseScrollUnit::Line => Vec2::new(turned.x, turned.y),
            MouseScrollUnit::Pixel => Vec2::new(turned.x, turned.y) / NOTCH_PX,
        };
        if zooming {
            moved.zoom_at(at, NOTCH_ZOOM.powf(notches.y.clamp(-8.0, 8.0)));
        } else {
            let way = if sideways { notches.yx() } else { notches };
            moved.pan(way * NOTCH_PX);
        }
    }
    for pinch in &pointer.pinches {
        moved.pan(pinch.moved);
        moved.zoom_at(pinch.at, pinch.zoomed);
    }
    pinches.read().for_each(|pinch| moved.zoom_at(at, 1.0 + pinch.0.clamp(-0.5, 0.5)));
    view.set_if_neq(moved);
}
