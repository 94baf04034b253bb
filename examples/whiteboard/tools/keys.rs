//! Keys, and the commands that they and the panels share.

use super::{PenTip, Tool, Toolbox};
use crate::{
    board::Drafts,
    canvas::{Shown, View},
    panels::Open,
    theme::{PALETTE, QUICK_COLORS, Theme, WIDTHS},
};
use bevy::{
    input::keyboard::{Key, KeyboardFocusLost, KeyboardInput},
    prelude::*,
    window::PrimaryWindow,
};
use bevy_egui::input::EguiWantsInput;
use bevy_quorum::prelude::*;

/// How much a zoom button or key zooms.
const ZOOM_STEP: f32 = 1.25;

/// Something that a key or a button asks for.
#[derive(Message, Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Take this tool.
    Take(Tool),
    /// Draw in the colour at this place of the palette.
    Color(usize),
    /// Draw with the pen at this place of the widths.
    Width(usize),
    /// Take back one's own latest action.
    Undo,
    /// Do it again.
    Redo,
    /// Closer, around the middle of the window.
    ZoomIn,
    /// Farther.
    ZoomOut,
    /// Back to 100 %.
    ZoomReset,
    /// The other theme.
    SwitchTheme,
    /// Open or close a dialog.
    Toggle(Open),
    /// Close what is open.
    Close,
}

/// The keys, as the help shows them.
pub const SHORTCUTS: [(&str, &str); 13] = [
    ("Pen", "P or 7"),
    ("Eraser", "E or 0"),
    ("Hand", "H"),
    ("Quick colours", "Shift 1 – 5"),
    ("Thin, medium, bold", "1  2  3"),
    ("Undo", "Ctrl Z"),
    ("Redo", "Ctrl Shift Z"),
    ("Move the board", "Space drag, middle drag, wheel"),
    ("Zoom", "Ctrl wheel, pinch, Ctrl + and −"),
    ("Zoom to 100 %", "Ctrl 0"),
    ("Share", "Ctrl I"),
    ("Light or dark", "Alt Shift D"),
    ("This help", "?"),
];

/// The keys that change what others mean, as they were held when each other key was pressed: a quick chord may begin
/// and end within a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held {
    control: bool,
    shift: bool,
    alt: bool,
}

impl Held {
    fn follow(&mut self, key: KeyCode, pressed: bool) {
        match key {
            KeyCode::ControlLeft | KeyCode::ControlRight | KeyCode::SuperLeft | KeyCode::SuperRight => {
                self.control = pressed;
            }
            KeyCode::ShiftLeft | KeyCode::ShiftRight => self.shift = pressed,
            KeyCode::AltLeft | KeyCode::AltRight => self.alt = pressed,
            _ => {}
        }
    }
}

/// Turns keys into commands, unless a panel is being typed into.
pub fn read_keys(
    mut presses: MessageReader<KeyboardInput>,
    mut losses: MessageReader<KeyboardFocusLost>,
    keys: Res<ButtonInput<KeyCode>>,
    wants: Res<EguiWantsInput>,
    mut held: Local<Held>,
    mut toolbox: ResMut<Toolbox>,
    mut commands: MessageWriter<Command>,
) {
    let typing = wants.wants_keyboard_input();
    let borrowed = keys.pressed(KeyCode::Space) && !typing;
    if toolbox.borrowed_hand != borrowed {
        toolbox.borrowed_hand = borrowed;
    }
    for press in presses.read() {
        held.follow(press.key_code, press.state.is_pressed());
        if press.state.is_pressed()
            && (!typing || press.key_code == KeyCode::Escape)
            && let Some(command) = command_of(press, *held)
        {
            commands.write(command);
        }
    }
    if losses.read().next().is_some() {
        *held = Held::default();
    }
}

fn command_of(press: &KeyboardInput, held: Held) -> Option<Command> {
    let Held { control, shift, alt } = held;
    use KeyCode as K;
    let letter = match &press.logical_key {
        Key::Character(letter) => letter.to_lowercase(),
        _ => String::new(),
    };
    let digit = [K::Digit1, K::Digit2, K::Digit3, K::Digit4, K::Digit5].iter().position(|key| *key == press.key_code);
    if alt {
        return (shift && press.key_code == K::KeyD && !press.repeat).then_some(Command::SwitchTheme);
    }
    if control {
        return match (letter.as_str(), press.key_code) {
            ("z", _) if shift => Some(Command::Redo),
            ("z", _) => Some(Command::Undo),
            ("y", _) => Some(Command::Redo),
            ("i", _) => Some(Command::Toggle(Open::Share)),
            ("+" | "=", _) | (_, K::NumpadAdd) => Some(Command::ZoomIn),
            ("-", _) | (_, K::NumpadSubtract) => Some(Command::ZoomOut),
            ("0", _) => Some(Command::ZoomReset),
            _ => None,
        };
    }
    match (letter.as_str(), press.key_code, digit) {
        (_, K::Escape, _) => Some(Command::Close),
        ("?", ..) => Some(Command::Toggle(Open::Help)),
        (_, _, Some(place)) if shift && place < QUICK_COLORS => Some(Command::Color(place)),
        (_, _, Some(place)) if !shift && place < WIDTHS.len() => Some(Command::Width(place)),
        ("p" | "7", ..) => Some(Command::Take(Tool::Pen)),
        ("e" | "0", ..) => Some(Command::Take(Tool::Eraser)),
        ("h", ..) => Some(Command::Take(Tool::Hand)),
        _ => None,
    }
}

/// Carries commands out.
pub fn obey(
    mut asked: MessageReader<Command>,
    mut toolbox: ResMut<Toolbox>,
    mut view: ResMut<View>,
    mut theme: ResMut<Theme>,
    mut open: ResMut<Open>,
    mut drafts: ResMut<Drafts>,
    (tip, shown): (Res<PenTip>, Res<Shown>),
    (rooms, window): (Query<&Room>, Single<&Window, With<PrimaryWindow>>),
) {
    let middle = window.size() / 2.0;
    for command in asked.read() {
        match *command {
            Command::Take(tool) => toolbox.tool = tool,
            Command::Color(place) => (toolbox.color, toolbox.tool) = (PALETTE[place].0, Tool::Pen),
            Command::Width(place) => (toolbox.width, toolbox.tool) = (WIDTHS[place].0, Tool::Pen),
            Command::ZoomIn => view.zoom_at(middle, ZOOM_STEP),
            Command::ZoomOut => view.zoom_at(middle, ZOOM_STEP.recip()),
            Command::ZoomReset => {
                let factor = view.zoom.recip();
                view.zoom_at(middle, factor);
            }
            Command::SwitchTheme => *theme = theme.other(),
            Command::Toggle(dialog) => *open = if *open == dialog { Open::Nothing } else { dialog },
            Command::Close => *open = Open::Nothing,
            // Undo and redo wait until the pen is lifted.
            Command::Undo | Command::Redo if tip.0.is_some() => {}
            Command::Undo if shown.preview.can_undo => travel(&mut drafts, &rooms, Drafts::undo),
            Command::Redo if shown.preview.can_redo => travel(&mut drafts, &rooms, Drafts::redo),
            Command::Undo | Command::Redo => {}
        }
    }
}

fn travel(
    drafts: &mut Drafts,
    rooms: &Query<&Room>,
    step: impl FnOnce(&mut Drafts, &Room) -> Result<(), ProposeError>,
) {
    let Some(room) = rooms.iter().next() else { return };
    if let Err(error) = step(drafts, room) {
        drafts.refusal = Some(format!("That could not be undone: {error}."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy::input::ButtonState;

    fn typed(letter: &str, key_code: KeyCode, held: Held) -> Option<Command> {
        let press = KeyboardInput {
            key_code,
            logical_key: Key::Character(letter.into()),
            state: ButtonState::Pressed,
            text: None,
            repeat: false,
            window: Entity::PLACEHOLDER,
        };
        command_of(&press, held)
    }

    #[test]
    fn a_chord_counts_as_it_was_held_although_it_is_over() {
        let mut held = Held::default();
        held.follow(KeyCode::ControlLeft, true);
        held.follow(KeyCode::ShiftLeft, true);
        assert_eq!(typed("Z", KeyCode::KeyZ, held), Some(Command::Redo));
        held.follow(KeyCode::ShiftLeft, false);
        assert_eq!(typed("z", KeyCode::KeyZ, held), Some(Command::Undo));
        held.follow(KeyCode::ControlLeft, false);
        assert_eq!(typed("z", KeyCode::KeyZ, held), None);
    }

    #[test]
    fn digits_choose_widths_and_with_shift_colors() {
        let shift = Held { shift: true, ..Held::default() };
        assert_eq!(typed("2", KeyCode::Digit2, Held::default()), Some(Command::Width(1)));
        assert_eq!(typed("@", KeyCode::Digit2, shift), Some(Command::Color(1)));
        assert_eq!(typed("7", KeyCode::Digit7, Held::default()), Some(Command::Take(Tool::Pen)));
        assert_eq!(typed("0", KeyCode::Digit0, Held::default()), Some(Command::Take(Tool::Eraser)));
    }
}
