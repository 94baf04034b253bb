//! Mouse and finger as one pointer, and what it looks like.

use super::{Tool, Toolbox, panels_want_pointer};
use crate::canvas::View;
use bevy::{
    input::touch::TouchPhase,
    prelude::*,
    window::{CursorIcon, CursorLeft, CursorMoved, PrimaryWindow, SystemCursorIcon},
};
use bevy_egui::input::EguiWantsInput;

/// The pointer in this frame.
#[derive(Resource, Default)]
pub struct Pointer {
    /// Where it is on screen; nowhere if it left.
    pub place: Option<Vec2>,
    /// Every place it went through in this frame, so that fast strokes stay round.
    pub trail: Vec<Vec2>,
    /// What is being pressed on the board, from the press to the release.
    pub press: Press,
    /// The pointer is above a panel.
    pub over_panel: bool,
}

/// A press on the board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Press {
    /// Nothing is pressed, or a panel is.
    #[default]
    None,
    /// It began in this frame.
    Began(Tool),
    /// It goes on.
    Held(Tool),
    /// It ended in this frame.
    Ended(Tool),
}

impl Pointer {
    /// Where it is on the board.
    pub fn on_board(&self, view: &View) -> Option<Vec2> {
        self.place.map(|place| view.to_board(place))
    }
}

/// Brings the pointer up to date. A press belongs to what it began on, board or panel, until it ends.
pub fn track(
    mut pointer: ResMut<Pointer>,
    toolbox: Res<Toolbox>,
    wants: Res<EguiWantsInput>,
    buttons: Res<ButtonInput<MouseButton>>,
    mut moves: MessageReader<CursorMoved>,
    mut leaves: MessageReader<CursorLeft>,
    mut touches: MessageReader<TouchInput>,
    window: Single<&Window, With<PrimaryWindow>>,
) {
    pointer.trail.clear();
    pointer.trail.extend(moves.read().map(|moved| moved.position));
    pointer.place = window.cursor_position();
    if leaves.read().next().is_some() && pointer.place.is_none() {
        pointer.trail.clear();
    }
    let (mut began, mut ended) = (buttons.just_pressed(MouseButton::Left), buttons.just_released(MouseButton::Left));
    for touch in touches.read() {
        pointer.trail.push(touch.position);
        pointer.place = Some(touch.position);
        began |= touch.phase == TouchPhase::Started;
        ended |= matches!(touch.phase, TouchPhase::Ended | TouchPhase::Canceled);
    }
    let middle = buttons.just_pressed(MouseButton::Middle);
    pointer.over_panel = panels_want_pointer(&wants);
    pointer.press = match pointer.press {
        Press::None | Press::Ended(_) if middle && !pointer.over_panel => Press::Began(Tool::Hand),
        Press::None | Press::Ended(_) if began && !pointer.over_panel => Press::Began(toolbox.active()),
        Press::Began(tool) | Press::Held(tool) => {
            let over = ended || buttons.just_released(MouseButton::Middle);
            if over { Press::Ended(tool) } else { Press::Held(tool) }
        }
        _ => Press::None,
    };
}

/// A cursor that tells what a press would do.
pub fn show_cursor(
    mut commands: Commands,
    window: Single<Entity, With<PrimaryWindow>>,
    (pointer, toolbox): (Res<Pointer>, Res<Toolbox>),
    mut shown: Local<Option<SystemCursorIcon>>,
) {
    if pointer.over_panel && pointer.press == Press::None {
        *shown = None;
        return;
    }
    let icon = match (toolbox.active(), pointer.press) {
        (_, Press::Began(Tool::Hand) | Press::Held(Tool::Hand)) => SystemCursorIcon::Grabbing,
        (Tool::Hand, _) => SystemCursorIcon::Grab,
        (Tool::Pen, _) => SystemCursorIcon::Crosshair,
        (Tool::Eraser, _) => SystemCursorIcon::Cell,
    };
    if *shown != Some(icon) {
        *shown = Some(icon);
        commands.entity(*window).insert(CursorIcon::from(icon));
    }
}
