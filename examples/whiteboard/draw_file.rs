//! Strokes from a JSON file, as `--draw` takes them.

use crate::board::{Pressure, Stroke, StrokeError};
use serde::Deserialize;
use std::io;
#[cfg(not(target_arch = "wasm32"))]
use std::{fs, path::Path};

/// The largest file that is read, in bytes.
#[cfg(not(target_arch = "wasm32"))]
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// One stroke as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileStroke {
    color: Rgb,
    width: f32,
    points: Vec<(f32, f32)>,
    /// How hard a pen was pressed at each point, from 0 to 1; may be left out.
    #[serde(default)]
    pressures: Vec<f32>,
}

impl FileStroke {
    fn drawn(self) -> Result<Stroke, StrokeError> {
        let (points, pressures) = (self.points.len(), self.pressures.len());
        if pressures == 0 {
            return Stroke::new(self.color.0, self.width, self.points);
        }
        if points != pressures {
            return Err(StrokeError::Pressures { points, pressures });
        }
        let pressures = self.pressures.into_iter().map(Pressure::of_share);
        Stroke::pressed(self.color.0, self.width, self.points.into_iter().zip(pressures))
    }
}

/// A colour, written `#rrggbb`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Rgb([u8; 3]);

impl TryFrom<String> for Rgb {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("the colour {text:?} isn't written #rrggbb");
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(wrong)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

/// What is wrong with a file of strokes, and where.
#[derive(Debug, thiserror::Error)]
pub enum DrawFileError {
    /// It can't be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// It is larger than what we read.
    #[cfg(not(target_arch = "wasm32"))]
    #[error("it has {bytes} bytes, and {FILE_BYTES_MAX} are the limit")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It isn't JSON, or not a list of strokes.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
    /// The board takes no such stroke.
    #[error("stroke {stroke} of the list can't be drawn: {error}")]
    Stroke {
        /// Which one, counted from 1.
        stroke: usize,
        /// What is wrong with it.
        error: StrokeError,
    },
}

/// Reads a file of strokes.
#[cfg(not(target_arch = "wasm32"))]
pub fn read(path: &Path) -> Result<Vec<Stroke>, DrawFileError> {
    let bytes = fs::metadata(path)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(DrawFileError::TooLarge { bytes });
    }
    parse(&fs::read(path)?)
}

/// Reads the strokes of a file.
pub fn parse(json: &[u8]) -> Result<Vec<Stroke>, DrawFileError> {
    let strokes: Vec<FileStroke> = serde_json::from_slice(json)?;
    let drawable = |(number, stroke): (usize, FileStroke)| {
        stroke.drawn().map_err(|error| DrawFileError::Stroke { stroke: number, error })
    };
    (1..).zip(strokes).map(drawable).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        parse(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn strokes_are_read_as_written() {
        let strokes = parse(br##"[{"color":"#1E90ff","width":2.5,"points":[[0,1],[-3.5,4]]}]"##).unwrap();
        let expected = Stroke::new([0x1e, 0x90, 0xff], 2.5, [(0.0, 1.0), (-3.5, 4.0)]).unwrap();
        assert_eq!(strokes, [expected]);
        assert_eq!(parse(b"[]").unwrap(), []);
    }

    #[test]
    fn what_a_pen_felt_is_read_with_the_points() {
        let json = |pressures: &str| {
            let stroke = r##""color":"#112233","width":4,"points":[[0,0],[9,0]]"##;
            format!(r#"[{{{stroke},"pressures":{pressures}}}]"#)
        };
        let strokes = parse(json("[0, 1]").as_bytes()).unwrap();
        assert_eq!(strokes[0].pressures(), [Pressure(0), Pressure(255)]);
        assert!(refusal(&json("[0.5]")).contains("1 pressures don't fit 2 points"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        assert!(refusal("[\n{\"color\":}]").contains("line 2 column 10"));
        let red = "[\n{\"color\":\"red\",\"width\":2,\"points\":[[0,0]]}]";
        assert!(refusal(red).contains("\"red\"") && refusal(red).contains("line 2"), "{}", refusal(red));
        assert!(refusal(r##"[{"color":"#+12345","width":2,"points":[]}]"##).contains("#rrggbb"));
        assert!(refusal(r##"[{"color":"#112233","width":2}]"##).contains("`points`"));
        assert!(refusal(r##"[{"color":"#112233","width":2,"points":[[0]]}]"##).contains("line 1"));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let stroke = |width: &str, points: &str| {
            let good = r##"{"color":"#112233","width":1,"points":[[0,0]]}"##;
            refusal(&format!(r##"[{good},{{"color":"#112233","width":{width},"points":{points}}}]"##))
        };
        assert!(stroke("1", "[]").contains("stroke 2 "));
        assert!(stroke("0", "[[0,0]]").contains("width"));
        assert!(stroke("1", "[[0,0],[1e300,0]]").contains("point 1 "));
    }
}
