//! Colours and sizes of everything on screen, light and dark.

use crate::board::Rgb;
use bevy::{color::Oklcha, prelude::*, window::WindowTheme};
use bevy_egui::egui::Color32;

/// Which of the two looks is on.
#[derive(Resource, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark ink on white.
    #[default]
    Light,
    /// Light ink on near-black.
    Dark,
}

/// The colours of one look.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// Behind the strokes.
    pub canvas: Color32,
    /// Floating panels.
    pub island: Color32,
    /// Hairlines around and inside panels.
    pub border: Color32,
    /// Under the pointer.
    pub hover: Color32,
    /// What is chosen.
    pub chosen: Color32,
    /// The line of what is chosen, and links.
    pub accent: Color32,
    /// Text and icons.
    pub text: Color32,
    /// What matters less.
    pub weak: Color32,
    /// All is well.
    pub good: Color32,
    /// Something waits.
    pub warning: Color32,
    /// Something failed.
    #[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "a page has a card of its own"))]
    pub bad: Color32,
    /// The dots of the grid.
    pub grid: Color32,
    /// Shadows of panels.
    pub shadow: Color32,
    /// Over the board while a dialog is open.
    pub veil: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const LIGHT: Tokens = Tokens {
    canvas: rgb(0xff_ffff),
    island: rgb(0xff_ffff),
    border: rgb(0xe6_e8ee),
    hover: rgb(0xf1_f2f7),
    chosen: rgb(0xe3_e2fe),
    accent: rgb(0x54_50c9),
    text: rgb(0x1e_2129),
    weak: rgb(0x64_697a),
    good: rgb(0x2b_8a3e),
    warning: rgb(0xc7_6a00),
    bad: rgb(0xc9_2a2a),
    grid: rgb(0xd4_d8e2),
    shadow: Color32::from_black_alpha(28),
    veil: Color32::from_black_alpha(56),
};

const DARK: Tokens = Tokens {
    canvas: rgb(0x12_1212),
    island: rgb(0x23_2329),
    border: rgb(0x35_3540),
    hover: rgb(0x31_313b),
    chosen: rgb(0x40_3e6a),
    accent: rgb(0xa8_a5ff),
    text: rgb(0xe9_e9f0),
    weak: rgb(0x9d_9eae),
    good: rgb(0x69_db7c),
    warning: rgb(0xff_c078),
    bad: rgb(0xff_8787),
    grid: rgb(0x33_333b),
    shadow: Color32::from_black_alpha(110),
    veil: Color32::from_black_alpha(130),
};

/// The quick colours, then the rest of the palette.
pub const PALETTE: [(Rgb, &str); 15] = [
    ([0x1e, 0x1e, 0x1e], "Black"),
    ([0xe0, 0x31, 0x31], "Red"),
    ([0x2f, 0x9e, 0x44], "Green"),
    ([0x19, 0x71, 0xc2], "Blue"),
    ([0xf0, 0x8c, 0x00], "Orange"),
    ([0x86, 0x8e, 0x96], "Grey"),
    ([0xc2, 0x25, 0x5c], "Pink"),
    ([0x9c, 0x36, 0xb5], "Grape"),
    ([0x67, 0x41, 0xd9], "Violet"),
    ([0x3b, 0x5b, 0xdb], "Indigo"),
    ([0x0c, 0x85, 0x99], "Cyan"),
    ([0x09, 0x92, 0x68], "Teal"),
    ([0x66, 0xa8, 0x0f], "Lime"),
    ([0xfc, 0xc4, 0x19], "Yellow"),
    ([0x84, 0x64, 0x4c], "Brown"),
];
/// How many of the palette are always in sight.
pub const QUICK_COLORS: usize = 5;
/// The pens' widths in pixels.
pub const WIDTHS: [(f32, &str); 3] = [(2.0, "Thin"), (4.0, "Medium"), (8.0, "Bold")];
/// Colours of people, each readable under a white label.
pub const PEOPLE: [Rgb; 12] = [
    [0x1b, 0x6e, 0xc2],
    [0xc9, 0x2a, 0x2a],
    [0x2b, 0x7a, 0x3e],
    [0x9c, 0x36, 0xb5],
    [0xb3, 0x5a, 0x00],
    [0x0b, 0x72, 0x85],
    [0xa6, 0x1e, 0x4d],
    [0x5f, 0x3d, 0xc4],
    [0x5c, 0x6e, 0x0c],
    [0x36, 0x4f, 0xc7],
    [0x7a, 0x4f, 0x2f],
    [0x08, 0x7f, 0x5b],
];

/// How much of a stroke's colour is left while it waits to be decided.
pub const PENDING_OPACITY: f32 = 0.6;
/// How much of it is left under the eraser.
pub const ERASING_OPACITY: f32 = 0.25;

impl Theme {
    /// Its colours.
    pub fn tokens(self) -> &'static Tokens {
        match self {
            Self::Light => &LIGHT,
            Self::Dark => &DARK,
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::Light,
        }
    }

    /// What a colour looks like on this canvas: in the dark, dark ink turns light.
    pub fn ink(self, color: Rgb) -> Color {
        let color = Color::srgb_u8(color[0], color[1], color[2]);
        if self == Self::Light {
            return color;
        }
        let mut bright = Oklcha::from(color);
        bright.lightness =
            if bright.lightness < 0.6 { 1.0 - bright.lightness * 0.5 } else { bright.lightness.max(0.65) };
        Color::from(bright)
    }

    /// Ink of which only a share is left, the rest canvas: looks translucent and overlaps without a seam.
    pub fn faint_ink(self, color: Rgb, opacity: f32) -> Color {
        let canvas = self.tokens().canvas;
        let canvas = Color::srgb_u8(canvas.r(), canvas.g(), canvas.b()).to_srgba();
        Color::from(canvas.mix(&self.ink(color).to_srgba(), opacity))
    }

    /// The same ink for a panel.
    pub fn swatch(self, color: Rgb) -> Color32 {
        let [r, g, b, _] = self.ink(color).to_srgba().to_u8_array();
        Color32::from_rgb(r, g, b)
    }
}

impl From<WindowTheme> for Theme {
    fn from(theme: WindowTheme) -> Self {
        match theme {
            WindowTheme::Light => Self::Light,
            WindowTheme::Dark => Self::Dark,
        }
    }
}
