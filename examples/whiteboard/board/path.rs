//! The exact line that a stroke's points describe, for every renderer alike.
//!
//! - One point: a disc whose diameter is the stroke's width.
//! - Two points: a straight line between them.
//! - More, `p0 … pn`: a straight line from `p0` to the middle of `p0 p1`; then for each inner point `pi` a quadratic
//!   Bézier curve with control point `pi` to the middle of `pi p(i+1)`; then a straight line to `pn`.
//!
//! The line has the stroke's width throughout, round caps and round joins. Coordinates are pixels of the board at
//! 100 %, `y` grows downwards.

use super::stroke::Stroke;

/// A piece of a stroke's path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Segment {
    /// Where the path begins.
    Start((f32, f32)),
    /// A straight line to here.
    Line((f32, f32)),
    /// A quadratic Bézier curve: control point, end.
    Curve((f32, f32), (f32, f32)),
}

/// The path of a stroke; a single [`Segment::Start`] is a dot.
pub fn of(stroke: &Stroke) -> Vec<Segment> {
    through(&stroke.points().collect::<Vec<_>>())
}

/// The path through points in pixels.
pub fn through(points: &[(f32, f32)]) -> Vec<Segment> {
    let Some(&first) = points.first() else { return Vec::new() };
    let mut path = vec![Segment::Start(first)];
    if points.len() > 2 {
        path.push(Segment::Line(middle(first, points[1])));
        path.extend(points.windows(2).skip(1).map(|pair| Segment::Curve(pair[0], middle(pair[0], pair[1]))));
    }
    if points.len() > 1 {
        path.push(Segment::Line(points[points.len() - 1]));
    }
    path
}

fn middle(a: (f32, f32), b: (f32, f32)) -> (f32, f32) {
    ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0)
}

/// The path as straight pieces, each curve in `pieces` of them.
pub fn flattened(path: &[Segment], pieces: u16) -> Vec<(f32, f32)> {
    let mut line: Vec<(f32, f32)> = Vec::new();
    for segment in path {
        match (*segment, line.last().copied()) {
            (Segment::Curve(control, end), Some(from)) => {
                line.extend((1..=pieces).map(|i| on_curve(from, control, end, f32::from(i) / f32::from(pieces))));
            }
            (Segment::Start(point) | Segment::Line(point) | Segment::Curve(_, point), _) => line.push(point),
        }
    }
    line
}

fn on_curve(from: (f32, f32), control: (f32, f32), end: (f32, f32), t: f32) -> (f32, f32) {
    let mix = |a: f32, b: f32, c: f32| (1.0 - t) * (1.0 - t) * a + 2.0 * t * (1.0 - t) * b + t * t * c;
    (mix(from.0, control.0, end.0), mix(from.1, control.1, end.1))
}

/// How far a place is from the straight line between two others.
pub fn distance_to_line(place: (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let (along, offset) = ((to.0 - from.0, to.1 - from.1), (place.0 - from.0, place.1 - from.1));
    let length_squared = along.0 * along.0 + along.1 * along.1;
    let t = if length_squared == 0.0 {
        0.0
    } else {
        ((offset.0 * along.0 + offset.1 * along.1) / length_squared).clamp(0.0, 1.0)
    };
    (offset.0 - t * along.0).hypot(offset.1 - t * along.1)
}

/// How far a place is from a line of straight pieces.
pub fn distance(place: (f32, f32), line: &[(f32, f32)]) -> f32 {
    match line {
        [] => f32::INFINITY,
        [only] => distance_to_line(place, *only, *only),
        _ => line.windows(2).map(|pair| distance_to_line(place, pair[0], pair[1])).fold(f32::INFINITY, f32::min),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_runs_through_the_middles() {
        let path = through(&[(0.0, 0.0), (8.0, 0.0), (8.0, 8.0), (0.0, 8.0)]);
        let expected = [
            Segment::Start((0.0, 0.0)),
            Segment::Line((4.0, 0.0)),
            Segment::Curve((8.0, 0.0), (8.0, 4.0)),
            Segment::Curve((8.0, 8.0), (4.0, 8.0)),
            Segment::Line((0.0, 8.0)),
        ];
        assert_eq!(path, expected);
    }

    #[test]
    fn short_strokes_are_dots_and_lines() {
        assert_eq!(through(&[(1.0, 2.0)]), [Segment::Start((1.0, 2.0))]);
        assert_eq!(through(&[(1.0, 2.0), (3.0, 4.0)]), [Segment::Start((1.0, 2.0)), Segment::Line((3.0, 4.0))]);
    }
}
