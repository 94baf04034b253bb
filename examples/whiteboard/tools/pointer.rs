//! Mouse, pen and finger as one pointer, and what it looks like.

use super::{
    Tool, Toolbox,
    felt::Felt,
    fingers::{Fingers, Touched},
};
use crate::{board::Pressure, canvas::View};
use bevy::{
    prelude::*,
    window::{CursorIcon, PrimaryWindow, SystemCursorIcon, WindowEvent},
};
use bevy_egui::{EguiContexts, egui};

/// The pointer in this frame.
#[derive(Resource)]
pub struct Pointer {
    /// Where it is on screen; nowhere if it left.
    pub place: Option<Vec2>,
    /// The tool that is pressed on the board, from the press to the release.
    pub pressed: Option<Tool>,
    /// What it did to the board in this frame, in order, so that fast strokes stay round, and how hard it was pressed.
    pub motions: Vec<(Tool, Motion, Pressure)>,
    /// It is above a panel.
    pub over_panel: bool,
    /// How two fingers moved the board in this frame, and zoomed it around a place, in order.
    pub pinches: Vec<Pinch>,
    fingers: Fingers,
    /// How hard it is pressed, as far as it can tell.
    pressure: Pressure,
}

impl Default for Pointer {
    fn default() -> Self {
        Self {
            place: None,
            pressed: None,
            motions: Vec::new(),
            over_panel: false,
            pinches: Vec::new(),
            fingers: Fingers::default(),
            pressure: Pressure::EVEN,
        }
    }
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
        self.pressed_motions_of(tool).map(|(motion, _)| motion)
    }

    /// What it did with one tool, and how hard it was pressed.
    pub fn pressed_motions_of(&self, tool: Tool) -> impl Iterator<Item = (Motion, Pressure)> + '_ {
        let of_tool = self.motions.iter().filter(move |(with, ..)| *with == tool);
        of_tool.map(|(_, motion, pressure)| (*motion, *pressure))
    }

    /// Begins a press, unless one goes on; it belongs to what it began on, board or panel, until it ends.
    fn press(&mut self, tool: Tool, on_panel: bool) {
        if let (None, false, Some(place)) = (self.pressed, on_panel, self.place) {
            self.pressed = Some(tool);
            self.note(tool, Motion::Press(place));
        }
    }

    /// Goes somewhere; what was felt there is known for pens.
    fn go(&mut self, place: Vec2, felt: Option<Pressure>) {
        self.place = Some(place);
        // Where a pen is lifted it feels nothing any more: the stroke ends as heavy as it was.
        let unknown = if self.pressed.is_some() { self.pressure } else { Pressure::EVEN };
        self.pressure = felt.unwrap_or(unknown);
        if let Some(tool) = self.pressed {
            self.note(tool, Motion::Drag(place));
        }
    }

    fn cancel(&mut self) {
        if let Some(tool) = self.pressed.take() {
            self.note(tool, Motion::Cancel);
        }
    }

    /// A pen that comes while a hand rests on the screen is what is meant.
    fn prefer_pen(&mut self) {
        if self.pressure != Pressure::EVEN && !self.fingers.are_none() {
            self.cancel();
            self.fingers.forget();
        }
    }

    fn release(&mut self) {
        if let (Some(tool), Some(place)) = (self.pressed.take(), self.place) {
            self.note(tool, Motion::Release(place));
        }
    }

    fn note(&mut self, tool: Tool, motion: Motion) {
        self.motions.push((tool, motion, self.pressure));
    }
}

/// Brings the pointer up to date.
pub fn track(
    mut pointer: ResMut<Pointer>,
    (toolbox, felt): (Res<Toolbox>, Res<Felt>),
    mut contexts: EguiContexts,
    mut events: MessageReader<WindowEvent>,
) -> Result {
    let context = contexts.ctx_mut()?;
    let on_panel = |place: Option<Vec2>| place.is_some_and(|place| is_panel(context, place));
    pointer.motions.clear();
    pointer.pinches.clear();
    for event in events.read() {
        match event {
            WindowEvent::CursorMoved(moved) => pointer.go(moved.position, felt.take(moved.position)),
            WindowEvent::CursorLeft(_) if pointer.pressed.is_none() => pointer.place = None,
            WindowEvent::MouseButtonInput(input) => {
                let tool = match input.button {
                    MouseButton::Left => toolbox.active(),
                    MouseButton::Middle => Tool::Hand,
                    _ => continue,
                };
                if input.state.is_pressed() {
                    pointer.prefer_pen();
                    let on_panel = on_panel(pointer.place);
                    pointer.press(tool, on_panel);
                } else {
                    pointer.release();
                }
            }
            // A hand that rests on the screen while its pen or mouse draws means nothing.
            WindowEvent::TouchInput(_) if pointer.pressed.is_some() && pointer.fingers.are_none() => {}
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
    felt.forget();
    pointer.over_panel = on_panel(pointer.place);
    Ok(())
}

/// Follows the only finger; two move the board.
fn touched(pointer: &mut Pointer, touch: &TouchInput, tool: Tool, on_panel: bool) {
    match pointer.fingers.touch(touch) {
        Touched::Press(place) => {
            pointer.go(place, None);
            pointer.press(tool, on_panel);
        }
        Touched::Drag(place) => pointer.go(place, None),
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
        pointer.go(Vec2::new(1.0, 1.0), None);
        pointer.press(Tool::Pen, false);
        pointer.go(Vec2::new(2.0, 2.0), None);
        pointer.release();
        pointer.go(Vec2::new(3.0, 3.0), None);
        let expected =
            [Motion::Press(Vec2::splat(1.0)), Motion::Drag(Vec2::splat(2.0)), Motion::Release(Vec2::splat(2.0))];
        assert_eq!(pointer.motions_of(Tool::Pen).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_press_on_a_panel_never_reaches_the_board() {
        let mut pointer = Pointer::default();
        pointer.go(Vec2::ONE, None);
        pointer.press(Tool::Pen, true);
        pointer.go(Vec2::ZERO, None);
        pointer.release();
        assert!(pointer.motions.is_empty());
    }

    #[test]
    fn a_pen_is_as_heavy_as_it_felt_last_and_a_mouse_after_it_is_even() {
        let mut pointer = Pointer::default();
        let strokes = [[Some(Pressure(40)), Some(Pressure(90)), None], [None, None, None]];
        for felt in strokes {
            pointer.go(Vec2::ZERO, felt[0]);
            pointer.press(Tool::Pen, false);
            pointer.go(Vec2::ONE, felt[1]);
            pointer.go(Vec2::new(2.0, 2.0), felt[2]);
            pointer.release();
        }
        let pressures: Vec<_> = pointer.pressed_motions_of(Tool::Pen).map(|(_, pressure)| pressure.0).collect();
        assert_eq!(pressures, [40, 90, 90, 90, 128, 128, 128, 128]);
    }
}
