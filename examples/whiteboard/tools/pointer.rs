//! Mouse and finger as one pointer, and what it looks like.

use super::{
    Tool, Toolbox,
    fingers::{Fingers, Touched},
};
use crate::canvas::View;
use bevy::{
    prelude::*,
    window::{CursorIcon, PrimaryWindow, SystemCursorIcon, WindowEvent},
};
use bevy_egui::{EguiContexts, egui};

/// The pointer in this frame.
#[derive(Resource, Default)]
pub struct Pointer {
    /// Where it is on screen; nowhere if it left.
    pub place: Option<Vec2>,
    /// The tool that is pressed on the board, from the press to the release.
    pub pressed: Option<Tool>,
    /// What it did to the board in this frame, in order, so that fast strokes stay round.
    pub motions: Vec<(Tool, Motion)>,
    /// It is above a panel.
    pub over_panel: bool,
    /// How two fingers moved the board in this frame, and zoomed it around a place, in order.
    pub pinches: Vec<Pinch>,
    fingers: Fingers,
}

/// A move of two fingers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pinch {
    /// How far they went, in pixels of the screen.
    pub moved: Vec2,
    /// The middle between them.
    pub at: Vec2,
    /// How many times farther apart they are.
    pub zoomed: f32,
}

/// Something that the pointer did, and where on screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Motion {
    /// It was pressed.
    Press(Vec2),
    /// It moved while pressed.
    Drag(Vec2),
    /// It was let go.
    Release(Vec2),
    /// It was not meant: what began with the press is dropped.
    Cancel,
}

impl Pointer {
    /// Where it is on the board.
    pub fn on_board(&self, view: &View) -> Option<Vec2> {
        self.place.map(|place| view.to_board(place))
    }

    /// What it did with one tool.
    pub fn motions_of(&self, tool: Tool) -> impl Iterator<Item = Motion> + '_ {
        self.motions.iter().filter(move |(with, _)| *with == tool).map(|(_, motion)| *motion)
    }

    /// Begins a press, unless one goes on; it belongs to what it began on, board or panel, until it ends.
    fn press(&mut self, tool: Tool, on_panel: bool) {
        if let (None, false, Some(place)) = (self.pressed, on_panel, self.place) {
            self.pressed = Some(tool);
            self.motions.push((tool, Motion::Press(place)));
        }
    }

    fn go(&mut self, place: Vec2) {
        self.place = Some(place);
        if let Some(tool) = self.pressed {
            self.motions.push((tool, Motion::Drag(place)));
        }
    }

    fn cancel(&mut self) {
        if let Some(tool) = self.pressed.take() {
            self.motions.push((tool, Motion::Cancel));
        }
    }

    fn release(&mut self) {
        if let (Some(tool), Some(place)) = (self.pressed.take(), self.place) {
            self.motions.push((tool, Motion::Release(place)));
        }
    }
}

/// Brings the pointer up to date.
pub fn track(
    mut pointer: ResMut<Pointer>,
    toolbox: Res<Toolbox>,
    mut contexts: EguiContexts,
    mut events: MessageReader<WindowEvent>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let on_panel = |place: Option<Vec2>| place.is_some_and(|place| is_panel(context, place));
    pointer.motions.clear();
    pointer.pinches.clear();
    for event in events.read() {
        match event {
            WindowEvent::CursorMoved(moved) => pointer.go(moved.position),
            WindowEvent::CursorLeft(_) if pointer.pressed.is_none() => pointer.place = None,
            WindowEvent::MouseButtonInput(input) => {
                let tool = match input.button {
                    MouseButton::Left => toolbox.active(),
                    MouseButton::Middle => Tool::Hand,
                    _ => continue,
                };
                if input.state.is_pressed() {
                    let on_panel = on_panel(pointer.place);
                    pointer.press(tool, on_panel);
                } else {
                    pointer.release();
                }
            }
            WindowEvent::TouchInput(touch) => {
                let on_panel = on_panel(Some(touch.position));
                touched(&mut pointer, touch, toolbox.active(), on_panel);
            }
            WindowEvent::WindowFocused(focus) if !focus.focused => {
                pointer.release();
                pointer.fingers.forget();
            }
            _ => {}
        }
    }
    pointer.over_panel = on_panel(pointer.place);
    Ok(())
}

/// Follows the only finger; two move the board.
fn touched(pointer: &mut Pointer, touch: &TouchInput, tool: Tool, on_panel: bool) {
    match pointer.fingers.touch(touch) {
        Touched::Press(place) => {
            pointer.place = Some(place);
            pointer.press(tool, on_panel);
        }
        Touched::Drag(place) => pointer.go(place),
        Touched::Release => {
            pointer.release();
            pointer.place = None;
        }
        Touched::Cancel => {
            pointer.cancel();
            pointer.place = None;
        }
        Touched::Pinch { moved, at, zoomed } => pointer.pinches.push(Pinch { moved, at, zoomed }),
        Touched::Nothing => {}
    }
}

/// Whether a panel is there, as it was laid out last.
fn is_panel(context: &egui::Context, place: Vec2) -> bool {
    let layer = context.layer_id_at(egui::pos2(place.x, place.y));
    layer.is_some_and(|layer| layer.order != egui::Order::Background)
}

/// A cursor that tells what a press would do.
pub fn show_cursor(
    mut commands: Commands,
    window: Single<Entity, With<PrimaryWindow>>,
    (pointer, toolbox): (Res<Pointer>, Res<Toolbox>),
    mut shown: Local<Option<SystemCursorIcon>>,
) {
    let icon = match (pointer.pressed, toolbox.active()) {
        (None, _) if pointer.over_panel => SystemCursorIcon::Default,
        (Some(Tool::Hand), _) => SystemCursorIcon::Grabbing,
        (_, Tool::Hand) => SystemCursorIcon::Grab,
        (_, Tool::Pen) => SystemCursorIcon::Crosshair,
        (_, Tool::Eraser) => SystemCursorIcon::Cell,
    };
    if *shown != Some(icon) {
        *shown = Some(icon);
        commands.entity(*window).insert(CursorIcon::from(icon));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_begins_where_the_pointer_was_then() {
        let mut pointer = Pointer::default();
        pointer.go(Vec2::new(1.0, 1.0));
        pointer.press(Tool::Pen, false);
        pointer.go(Vec2::new(2.0, 2.0));
        pointer.release();
        pointer.go(Vec2::new(3.0, 3.0));
        let expected =
            [Motion::Press(Vec2::splat(1.0)), Motion::Drag(Vec2::splat(2.0)), Motion::Release(Vec2::splat(2.0))];
        assert_eq!(pointer.motions_of(Tool::Pen).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_press_on_a_panel_never_reaches_the_board() {
        let mut pointer = Pointer::default();
        pointer.go(Vec2::ONE);
        pointer.press(Tool::Pen, true);
        pointer.go(Vec2::ZERO);
        pointer.release();
        assert!(pointer.motions.is_empty());
    }
}
