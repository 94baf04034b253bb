//! The exact line that a stroke's points describe, for every renderer alike.
//!
//! - One point: a disc whose diameter is the stroke's width.
//! - Two points: a straight line between them.
//! - More, `p0 … pn`: a straight line from `p0` to the middle of `p0 p1`; then for each inner point `pi` a quadratic
//!   Bézier curve with control point `pi` to the middle of `pi p(i+1)`; then a straight line to `pn`.
//!
//! The line has the stroke's width throughout, round caps and round joins. Coordinates are pixels of the board at
//! 100 %, `y` grows downwards.
//!
//! Where a pen felt how hard it was pressed, the line is all that a disc covers which goes along this path: at an end
//! as wide as the pressure there says, in the middle between two points the mean of both; along a curve the width
//! changes evenly with the curve's parameter.

use super::pressure::Pressure;

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

/// The path through points in pixels; a single [`Segment::Start`] is a dot.
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

/// A quadratic Bézier curve: where it begins, its control point, its end.
pub type Curve = [(f32, f32); 3];

/// A place on the path with half the line's width there: what a disc along the path covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dab {
    /// The disc's middle.
    pub place: (f32, f32),
    /// Its radius.
    pub radius: f32,
}

/// The path of a pressed line as straight pieces between discs; `pieces` says how many a curve needs. A single disc
/// is a dot.
pub fn dabs(points: &[(f32, f32)], pressures: &[Pressure], width: f32, pieces: impl Fn(Curve) -> u16) -> Vec<Dab> {
    let radii = segment_radii(pressures.iter().map(|pressure| width / 2.0 * pressure.widening()).collect());
    let mut dabs: Vec<Dab> = Vec::new();
    for (segment, end) in through(points).into_iter().zip(radii) {
        match (segment, dabs.last().copied()) {
            (Segment::Curve(control, to), Some(from)) => {
                let pieces = f32::from(pieces([from.place, control, to]));
                dabs.extend((1..=pieces as u16).map(|i| f32::from(i) / pieces).map(|t| Dab {
                    place: on_curve(from.place, control, to, t),
                    radius: from.radius + (end - from.radius) * t,
                }));
            }
            (Segment::Start(place) | Segment::Line(place) | Segment::Curve(_, place), _) => {
                dabs.push(Dab { place, radius: end });
            }
        }
    }
    dabs
}

/// The radius where each segment of a path ends, from those at its points.
fn segment_radii(radii: Vec<f32>) -> Vec<f32> {
    let middles = radii.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
    match radii[..] {
        [] | [_] | [_, _] => radii,
        [first, .., last] => [first].into_iter().chain(middles).chain([last]).collect(),
    }
}

fn on_curve(from: (f32, f32), control: (f32, f32), end: (f32, f32), t: f32) -> (f32, f32) {
    let mix = |a: f32, b: f32, c: f32| (1.0 - t) * (1.0 - t) * a + 2.0 * t * (1.0 - t) * b + t * t * c;
    (mix(from.0, control.0, end.0), mix(from.1, control.1, end.1))
}

/// How far a place is from the straight line between two others.
pub fn distance_to_line(place: (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    nearest_on_line(place, from, to).1
}

/// How far along the straight line between two places what is nearest to another is, from 0 to 1, and its distance.
fn nearest_on_line(place: (f32, f32), from: (f32, f32), to: (f32, f32)) -> (f32, f32) {
    let (along, offset) = ((to.0 - from.0, to.1 - from.1), (place.0 - from.0, place.1 - from.1));
    let length_squared = along.0 * along.0 + along.1 * along.1;
    let t = if length_squared == 0.0 {
        0.0
    } else {
        ((offset.0 * along.0 + offset.1 * along.1) / length_squared).clamp(0.0, 1.0)
    };
    (t, (offset.0 - t * along.0).hypot(offset.1 - t * along.1))
}

/// How far a place is from what a disc along a line covers; less than nothing inside.
pub fn clearance(place: (f32, f32), line: &[Dab]) -> f32 {
    let beside = |from: Dab, to: Dab| {
        let (t, distance) = nearest_on_line(place, from.place, to.place);
        distance - from.radius - t * (to.radius - from.radius)
    };
    match line {
        [] => f32::INFINITY,
        [only] => beside(*only, *only),
        _ => line.windows(2).map(|pair| beside(pair[0], pair[1])).fold(f32::INFINITY, f32::min),
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
    fn a_pressed_line_is_as_wide_as_its_points_say_and_between_them_as_the_mean() {
        let points = [(0.0, 0.0), (8.0, 0.0), (8.0, 8.0), (0.0, 8.0)];
        let pressures = [0, 128, 128, 255].map(Pressure);
        let line = |pressures: &[Pressure]| dabs(&points, pressures, 8.0, |_| 2);
        let dabs = line(&pressures);
        let [light, even, hard] = [0, 128, 255].map(|pressure| 4.0 * Pressure(pressure).widening());
        let radii: Vec<_> = dabs.iter().map(|dab| dab.radius).collect();
        let (before, after) = ((light + even) / 2.0, (even + hard) / 2.0);
        assert_eq!(radii, [light, before, (before + even) / 2.0, even, (even + after) / 2.0, after, hard]);
        let places = |dabs: &[Dab]| dabs.iter().map(|dab| dab.place).collect::<Vec<_>>();
        assert_eq!(places(&dabs), places(&line(&[Pressure::EVEN; 4])), "pressure moves no path");
    }

    #[test]
    fn one_press_is_a_disc_and_two_are_a_wedge() {
        let disc = dabs(&[(1.0, 2.0)], &[Pressure(128)], 6.0, |_| 1);
        assert_eq!(disc, [Dab { place: (1.0, 2.0), radius: 3.0 }]);
        assert_eq!(clearance((1.0, 7.0), &disc), 2.0);
        let wedge = dabs(&[(0.0, 0.0), (10.0, 0.0)], &[Pressure(0), Pressure(128)], 8.0, |_| 1);
        assert_eq!(clearance((0.0, 3.0), &wedge), 2.0);
        assert_eq!(clearance((10.0, 3.0), &wedge), -1.0);
    }

    #[test]
    fn short_strokes_are_dots_and_lines() {
        assert_eq!(through(&[(1.0, 2.0)]), [Segment::Start((1.0, 2.0))]);
        assert_eq!(through(&[(1.0, 2.0), (3.0, 4.0)]), [Segment::Start((1.0, 2.0)), Segment::Line((3.0, 4.0))]);
    }
}
