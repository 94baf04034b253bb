//! What is shown in passing and never logged: cursors, strokes still being drawn, who somebody is.

use super::{
    Pressure, Stroke, StrokeId,
    stroke::{POINTS_MAX, Point},
};
use bevy_quorum::prelude::*;
use serde::{Deserialize, Serialize};

/// The most points in one [`LivePiece`]; pieces overlap, so that what one loses the next brings.
pub const PIECE_POINTS_MAX: usize = 96;
/// The longest name of a person, in bytes.
pub const NAME_BYTES_MAX: usize = 48;

/// Where somebody's pointer is on the board, in grid steps; nowhere if it left the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cursor(pub Option<(i32, i32)>);

impl Portable for Cursor {
    const NAME: &'static str = "cursor";
}

impl Cursor {
    /// A cursor at a place in pixels.
    pub fn at(x: f32, y: f32) -> Self {
        Self(Point::nearest(x, y).map(|point| (point.x, point.y)))
    }

    /// The place in pixels; nowhere if it is off the board.
    pub fn px(self) -> Option<(f32, f32)> {
        let (x, y) = self.0?;
        Some(Point { x, y }.px())
    }
}

/// A stretch of a stroke that somebody is drawing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LivePiece {
    /// The name it will be committed under.
    pub id: StrokeId,
    /// Which of the stroke's points the first one here is.
    pub from: u16,
    /// The stretch, with colour and width.
    pub stretch: Stroke,
    /// The pen was lifted.
    pub ended: bool,
}

impl Portable for LivePiece {
    const NAME: &'static str = "live";
}

/// A stroke of somebody else as far as it was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveStroke {
    /// The name it will be committed under.
    pub id: StrokeId,
    /// What was heard of it.
    pub presses: Vec<(Point, Pressure)>,
    /// The latest stretch, for colour and width.
    pub latest: Stroke,
    /// The pen was lifted.
    pub ended: bool,
}

impl LiveStroke {
    /// A stroke of which this is the first that was heard.
    pub fn new(piece: &LivePiece) -> Self {
        let presses = piece.stretch.presses().collect();
        Self { id: piece.id, presses, latest: piece.stretch.clone(), ended: piece.ended }
    }

    /// Adds a stretch; where points were lost, the line goes straight until the stroke is committed.
    pub fn extend(&mut self, piece: &LivePiece) {
        self.presses.truncate(usize::from(piece.from));
        let room = POINTS_MAX.saturating_sub(self.presses.len());
        self.presses.extend(piece.stretch.presses().take(room));
        self.presses.dedup_by_key(|(point, _)| *point);
        self.latest = piece.stretch.clone();
        self.ended |= piece.ended;
    }
}

/// Who somebody is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// What they call themselves.
    pub name: PersonName,
}

impl Portable for Person {
    const NAME: &'static str = "person";
}

/// A name that fits on a label: not empty, no control characters, at most [`NAME_BYTES_MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct PersonName(String);

impl PersonName {
    /// The name that is closest to what somebody typed.
    pub fn tidied(typed: &str) -> Option<Self> {
        let mut name = String::new();
        for letter in typed.trim().chars().filter(|letter| !letter.is_control()) {
            if name.len() + letter.len_utf8() > NAME_BYTES_MAX {
                break;
            }
            name.push(letter);
        }
        Self::try_from(name.trim_end().to_owned()).ok()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PersonName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.len() {
            1..=NAME_BYTES_MAX if !name.chars().any(char::is_control) => Ok(Self(name)),
            _ => Err("not a name"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn piece(from: u16, xs: &[f32]) -> LivePiece {
        let stretch = Stroke::new([0; 3], 2.0, xs.iter().map(|&x| (x, 0.0))).unwrap();
        LivePiece { id: StrokeId(1), from, stretch, ended: false }
    }

    fn xs(live: &LiveStroke) -> Vec<f32> {
        live.presses.iter().map(|(point, _)| point.px().0).collect()
    }

    #[test]
    fn overlapping_pieces_make_the_whole_stroke_although_some_are_lost() {
        let mut live = LiveStroke::new(&piece(0, &[0.0, 1.0, 2.0]));
        live.extend(&piece(1, &[1.0, 2.0, 3.0, 4.0]));
        assert_eq!(xs(&live), [0.0, 1.0, 2.0, 3.0, 4.0]);
        live.extend(&piece(9, &[20.0, 21.0]));
        assert_eq!(xs(&live), [0.0, 1.0, 2.0, 3.0, 4.0, 20.0, 21.0], "a gap is bridged");
    }

    #[test]
    fn a_stretch_without_pressures_goes_on_evenly() {
        let pressed = Stroke::pressed([0; 3], 2.0, [((0.0, 0.0), Pressure(9)), ((1.0, 0.0), Pressure(8))]).unwrap();
        let mut live = LiveStroke::new(&LivePiece { id: StrokeId(1), from: 0, stretch: pressed, ended: false });
        live.extend(&piece(2, &[2.0, 3.0]));
        let felt: Vec<_> = live.presses.iter().map(|(_, pressure)| pressure.0).collect();
        assert_eq!(felt, [9, 8, 128, 128]);
    }

    #[test]
    fn a_live_stroke_never_grows_beyond_its_limit() {
        let mut live = LiveStroke::new(&piece(0, &[0.0]));
        for round in 0..POINTS_MAX as u32 {
            let x = (round * 3) as f32;
            live.extend(&piece(u16::MAX, &[x, x + 1.0, x + 2.0]));
        }
        assert_eq!(live.presses.len(), POINTS_MAX);
    }

    #[test]
    fn a_cursor_takes_at_most_16_bytes() {
        let farthest = Cursor::at(-1_000_000.0, 1_000_000.0);
        assert!(farthest.0.is_some());
        assert!(bevy_quorum::wire::encode(&farthest).unwrap().len() <= 16);
    }

    #[test]
    fn names_are_tidied_or_refused() {
        assert_eq!(PersonName::tidied("  Ada\n ").unwrap().as_str(), "Ada");
        assert_eq!(PersonName::tidied(" \t "), None);
        assert!(PersonName::tidied(&"é".repeat(99)).unwrap().as_str().len() <= NAME_BYTES_MAX);
        assert!(PersonName::try_from("a\u{7}".to_owned()).is_err());
    }
}
