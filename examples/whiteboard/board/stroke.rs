//! One stroke as the board keeps it: colour, width and points on a fixed grid, with pressures if a pen felt them.
//!
//! Points lie on a grid of an eighth of a pixel, so that every machine holds the same numbers and the board's digest
//! never depends on floating-point rounding.

use super::{
    codec,
    pressure::{Pressure, felt},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, ops::Range};

/// Grid steps in one pixel.
pub const STEPS_PER_PX: f32 = 8.0;
/// The largest distance of a coordinate from the origin, in grid steps: 2^20 pixels, still exact in an `f32`.
pub const COORDINATE_MAX: i32 = 1 << 23;
/// The largest number of points of one stroke.
pub const POINTS_MAX: usize = 4096;
/// The widest line, in grid steps.
pub const WIDTH_MAX: u16 = 256 * 8;
/// The largest encoding of one stroke, in bytes: what a command holds, less the envelope around it.
pub const ENCODED_BYTES_MAX: usize = bevy_quorum::raft::COMMAND_BYTES_MAX - 96;

/// A colour of the palette: red, green and blue as in `#rrggbb`.
pub type Rgb = [u8; 3];

/// A place on the board in grid steps; `y` grows downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// Steps to the right of the origin.
    pub x: i32,
    /// Steps below the origin.
    pub y: i32,
}

impl Point {
    /// The point of the grid nearest to a place in pixels; `None` outside the board or not a number.
    pub fn nearest(x: f32, y: f32) -> Option<Self> {
        Some(Self { x: step(x)?, y: step(y)? })
    }

    /// The place in pixels.
    pub fn px(self) -> (f32, f32) {
        (self.x as f32 / STEPS_PER_PX, self.y as f32 / STEPS_PER_PX)
    }
}

fn step(px: f32) -> Option<i32> {
    let steps = (px * STEPS_PER_PX).round();
    (steps.abs() <= COORDINATE_MAX as f32).then_some(steps as i32)
}

/// Who a stroke is: drawn at random by its author, so that it has a name before it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StrokeId(pub u64);

impl StrokeId {
    /// A name nobody else has.
    pub fn random() -> Self {
        Self(getrandom::u64().expect("the operating system gives random numbers"))
    }
}

/// Why points don't make a stroke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StrokeError {
    /// Nothing to draw.
    #[error("a stroke needs at least one point")]
    Empty,
    /// Too long for one stroke.
    #[error("{points} points are more than the {POINTS_MAX} of one stroke")]
    TooManyPoints {
        /// How many there are.
        points: usize,
    },
    /// A coordinate is infinite, not a number, or off the board.
    #[error("point {index} is not on the board")]
    OffBoard {
        /// Which point.
        index: usize,
    },
    /// Some points have a pressure, and some have none.
    #[error("{pressures} pressures don't fit {points} points")]
    Pressures {
        /// How many points there are.
        points: usize,
        /// How many pressures there are.
        pressures: usize,
    },
    /// The width is not one that a pen has.
    #[error("the width must be between 0.125 and 256 pixels")]
    Width,
    /// The bytes are not a stroke.
    #[error("malformed stroke: {0}")]
    Malformed(&'static str),
}

/// A line of one colour, and of one width unless a pen felt how hard it was pressed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stroke {
    color: Rgb,
    width: u16,
    points: Vec<Point>,
    /// One for each point; none at all if they all are even.
    pressures: Vec<Pressure>,
}

impl Stroke {
    /// A stroke through `points`, in pixels, moved to the nearest points of the grid; repeated points count once.
    pub fn new(color: Rgb, width: f32, points: impl IntoIterator<Item = (f32, f32)>) -> Result<Self, StrokeError> {
        Self::pressed(color, width, points.into_iter().map(|place| (place, Pressure::EVEN)))
    }

    /// A stroke through places that a pen was pressed at; of repeated ones the hardest press counts.
    pub fn pressed(
        color: Rgb,
        width: f32,
        places: impl IntoIterator<Item = ((f32, f32), Pressure)>,
    ) -> Result<Self, StrokeError> {
        let steps = (width * STEPS_PER_PX).round();
        if !(1.0..=f32::from(WIDTH_MAX)).contains(&steps) {
            return Err(StrokeError::Width);
        }
        let (mut points, mut pressures): (Vec<Point>, Vec<Pressure>) = (Vec::new(), Vec::new());
        for (index, ((x, y), pressure)) in places.into_iter().enumerate() {
            let point = Point::nearest(x, y).ok_or(StrokeError::OffBoard { index })?;
            match pressures.last_mut() {
                Some(last) if points.last() == Some(&point) => *last = pressure.max(*last),
                _ => {
                    points.push(point);
                    pressures.push(pressure);
                }
            }
        }
        Self::from_grid(color, steps as u16, points, pressures)
    }

    /// A stroke of points that are on the grid already, with a pressure for each of them or for none; refuses what no
    /// pen draws.
    pub fn from_grid(
        color: Rgb,
        width: u16,
        points: Vec<Point>,
        pressures: Vec<Pressure>,
    ) -> Result<Self, StrokeError> {
        if width == 0 || width > WIDTH_MAX {
            return Err(StrokeError::Width);
        }
        if points.is_empty() {
            return Err(StrokeError::Empty);
        }
        if points.len() > POINTS_MAX {
            return Err(StrokeError::TooManyPoints { points: points.len() });
        }
        let off = |point: &Point| point.x.abs() > COORDINATE_MAX || point.y.abs() > COORDINATE_MAX;
        if let Some(index) = points.iter().position(off) {
            return Err(StrokeError::OffBoard { index });
        }
        if points.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(StrokeError::Malformed("a point repeats the one before it"));
        }
        if !pressures.is_empty() && pressures.len() != points.len() {
            return Err(StrokeError::Pressures { points: points.len(), pressures: pressures.len() });
        }
        Ok(Self { color, width, points, pressures: felt(pressures) })
    }

    /// Its colour.
    pub fn color(&self) -> Rgb {
        self.color
    }

    /// Its width in pixels.
    pub fn width(&self) -> f32 {
        f32::from(self.width) / STEPS_PER_PX
    }

    /// Its width in grid steps.
    pub fn width_steps(&self) -> u16 {
        self.width
    }

    /// Its points on the grid.
    pub fn grid(&self) -> &[Point] {
        &self.points
    }

    /// Its points in pixels.
    pub fn points(&self) -> impl ExactSizeIterator<Item = (f32, f32)> + '_ {
        self.points.iter().map(|point| point.px())
    }

    /// How hard the pen was pressed at each point; empty if it was even all along.
    pub fn pressures(&self) -> &[Pressure] {
        &self.pressures
    }

    /// Its points on the grid, each with its pressure.
    pub fn presses(&self) -> impl Iterator<Item = (Point, Pressure)> + '_ {
        let even = std::iter::repeat(Pressure::EVEN);
        self.points.iter().copied().zip(self.pressures.iter().copied().chain(even))
    }

    /// Half the width of the line where it is widest, in pixels.
    pub fn reach(&self) -> f32 {
        let hardest = self.pressures.iter().max().copied().unwrap_or(Pressure::EVEN);
        self.width() * hardest.widening() / 2.0
    }

    /// The corners of the smallest box around its points, in pixels.
    pub fn bounds(&self) -> ((f32, f32), (f32, f32)) {
        let (mut low, mut high) = (self.points[0], self.points[0]);
        for point in &self.points {
            (low.x, low.y) = (low.x.min(point.x), low.y.min(point.y));
            (high.x, high.y) = (high.x.max(point.x), high.y.max(point.y));
        }
        (low.px(), high.px())
    }

    /// This stroke as one or more that each fit into a command; neighbours share an end.
    pub fn pieces(&self) -> Vec<Self> {
        if codec::encode(self).len() <= ENCODED_BYTES_MAX {
            return vec![self.clone()];
        }
        let middle = self.points.len() / 2;
        let (first, second) = (self.stretch(0..middle + 1), self.stretch(middle..self.points.len()));
        first.pieces().into_iter().chain(second.pieces()).collect()
    }

    /// A part of it, which is even if only the rest was not.
    fn stretch(&self, part: Range<usize>) -> Self {
        let pressures = self.pressures.get(part.clone()).unwrap_or_default().to_vec();
        Self::from_grid(self.color, self.width, self.points[part].to_vec(), pressures)
            .expect("a part of a stroke that has points is a stroke")
    }
}

/// A stroke travels as one compact run of bytes.
impl Serialize for Stroke {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&codec::encode(self))
    }
}

impl<'de> Deserialize<'de> for Stroke {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl de::Visitor<'_> for Bytes {
            type Value = Stroke;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an encoded stroke")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Stroke, E> {
                codec::decode(bytes).map_err(E::custom)
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Three presses that differ.
    fn pressed() -> [((f32, f32), Pressure); 3] {
        [((0.0, 0.0), Pressure(10)), ((4.0, 0.0), Pressure(200)), ((9.0, 0.0), Pressure(90))]
    }

    #[test]
    fn what_a_pen_felt_is_kept_and_the_hardest_press_makes_the_reach() {
        let stroke = Stroke::pressed([0; 3], 8.0, pressed()).unwrap();
        assert_eq!(stroke.pressures(), [Pressure(10), Pressure(200), Pressure(90)]);
        assert_eq!(stroke.reach(), 4.0 * Pressure(200).widening());
    }

    #[test]
    fn of_presses_in_one_place_the_hardest_counts() {
        let here = [10, 60, 20].map(|pressure| ((1.0, 1.0), Pressure(pressure)));
        let stroke = Stroke::pressed([0; 3], 8.0, here).unwrap();
        assert_eq!((stroke.grid().len(), stroke.pressures()), (1, [Pressure(60)].as_slice()));
    }

    #[test]
    fn a_pen_that_feels_nothing_leaves_the_stroke_of_a_mouse() {
        let even = pressed().map(|(place, _)| (place, Pressure::EVEN));
        let stroke = Stroke::pressed([0; 3], 8.0, even).unwrap();
        assert_eq!(stroke, Stroke::new([0; 3], 8.0, pressed().map(|(place, _)| place)).unwrap());
        assert_eq!(stroke.reach(), 4.0);
    }

    #[test]
    fn each_point_has_a_pressure_or_none_has() {
        let points = vec![Point { x: 0, y: 0 }, Point { x: 9, y: 0 }];
        let refused = Stroke::from_grid([0; 3], 8, points, vec![Pressure(3)]);
        assert_eq!(refused, Err(StrokeError::Pressures { points: 2, pressures: 1 }));
    }

    #[test]
    fn the_pieces_of_a_pressed_stroke_keep_what_the_pen_felt() {
        let place = |i: usize| (i as f32, if i.is_multiple_of(2) { 0.0 } else { 90_000.0 });
        let felt = |i: usize| Pressure(if i < 2000 { 128 } else { (i % 200) as u8 });
        let long = Stroke::pressed([0; 3], 2.0, (0..3000).map(|i| (place(i), felt(i)))).unwrap();
        let pieces = long.pieces();
        assert!(pieces.len() > 1 && pieces[0].pressures().is_empty(), "the pen began evenly");
        let mut joined: Vec<_> = pieces[0].presses().collect();
        pieces[1..].iter().for_each(|piece| joined.extend(piece.presses().skip(1)));
        assert_eq!(joined, long.presses().collect::<Vec<_>>());
    }

    fn zigzag(points: usize) -> Stroke {
        let jump = |i: usize| if i.is_multiple_of(2) { 0.0 } else { 90_000.0 };
        Stroke::new([0; 3], 2.0, (0..points).map(|i| (i as f32, jump(i)))).unwrap()
    }

    #[test]
    fn points_that_are_not_on_the_board_are_refused() {
        for bad in [f32::NAN, f32::INFINITY, -2e6] {
            let refused = Stroke::new([0; 3], 2.0, [(0.0, 0.0), (bad, 0.0)]);
            assert_eq!(refused, Err(StrokeError::OffBoard { index: 1 }));
        }
        assert_eq!(Stroke::new([0; 3], 2.0, []), Err(StrokeError::Empty));
    }

    #[test]
    fn widths_that_no_pen_has_are_refused() {
        for bad in [0.0, -1.0, f32::NAN, f32::INFINITY, 300.0] {
            assert_eq!(Stroke::new([0; 3], bad, [(0.0, 0.0)]), Err(StrokeError::Width));
        }
    }

    #[test]
    fn a_stroke_too_long_for_a_command_goes_in_pieces_that_meet() {
        let long = zigzag(3000);
        let pieces = long.pieces();
        assert!(pieces.len() > 1);
        assert!(pieces.iter().all(|piece| codec::encode(piece).len() <= ENCODED_BYTES_MAX));
        let mut joined = pieces[0].grid().to_vec();
        for pair in pieces.windows(2) {
            assert_eq!(pair[0].grid().last(), pair[1].grid().first());
            joined.extend_from_slice(&pair[1].grid()[1..]);
        }
        assert_eq!(joined, long.grid());
    }
}
