//! Files for `--draw`.

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file of strokes.
pub struct StrokeFile(PathBuf);

impl StrokeFile {
    /// Writes `strokes` to `path`.
    pub fn write(path: PathBuf, strokes: &[Value]) -> Self {
        fs::write(&path, serde_json::to_vec(strokes).unwrap()).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl AsRef<str> for StrokeFile {
    fn as_ref(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

/// `count` strokes that differ from each other, and from those of every other `hand`.
pub fn strokes(hand: usize, count: usize) -> Vec<Value> {
    (0..count).map(|number| stroke(hand, number)).collect()
}

fn stroke(hand: usize, number: usize) -> Value {
    let (left, top) = ((number % 40) * 20, (number / 40) * 20 + hand * 600);
    let points: Vec<[f64; 2]> = (0..12)
        .map(|step| {
            let t = f64::from(step);
            [left as f64 + t, top as f64 + (t * 0.9 + hand as f64).sin() * 6.0]
        })
        .collect();
    let color = ["#1971c2", "#e03131", "#2f9e44"][hand % 3];
    json!({ "color": color, "width": 2, "points": points })
}
