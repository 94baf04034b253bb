//! The triangles of a line whose width changes: what a disc covers that grows and shrinks on its way.
//!
//! Between two discs lie the straight pieces that touch both on either side; where the line turns or its width changes
//! otherwise than before, and at its ends, sectors of the disc fill what the pieces leave open. All meet in the discs'
//! middles and in corners that they share, so that there are no cracks between them. They overlap on the inner side of
//! turns, which opaque ink doesn't show.

use super::ink::{TOLERANCE_PX, Triangles};
use crate::board::path::{Curve, Dab};
use bevy::math::{Rot2, Vec2};
use std::f32::consts::{PI, TAU};

/// Turns smaller than this leave nothing open that could be seen.
const TURN_MIN: f32 = 1e-4;
/// From this turn on, about 172°, it is not certain which side is open: the whole disc is drawn.
const TURN_BACK: f32 = 3.0;
/// The most pieces that a curve is drawn in.
const PIECES_MAX: f32 = 64.0;

/// How many straight pieces are close enough to a curve.
pub fn pieces(curve: Curve) -> u16 {
    let [from, control, to] = curve.map(Vec2::from);
    let bend = (from - 2.0 * control + to).length();
    (bend / (4.0 * TOLERANCE_PX)).sqrt().ceil().clamp(1.0, PIECES_MAX) as u16
}

/// The triangles of all that lies along the discs.
pub fn paint(dabs: &[Dab]) -> Triangles {
    let mut canvas = Canvas { triangles: Triangles::new() };
    let Some((&first, rest)) = dabs.split_first() else { return canvas.triangles };
    let mut from = canvas.disc(first);
    let mut before: Option<Sides> = None;
    for &dab in rest {
        let to = canvas.disc(dab);
        let Some(sides) = Sides::between(&from, &to) else { continue };
        match before {
            Some(before) => canvas.turn(&from, before, sides),
            None => canvas.sector(&from, sides.right, -(PI + 2.0 * sides.lean)),
        }
        canvas.piece(&from, &to, sides);
        (from, before) = (to, Some(sides));
    }
    match before {
        Some(sides) => canvas.sector(&from, sides.left, -(PI - 2.0 * sides.lean)),
        None => canvas.sector(&from, Vec2::X, TAU),
    }
    canvas.triangles
}

/// A disc whose middle is a corner of triangles.
#[derive(Clone, Copy)]
struct Disc {
    middle: Vec2,
    radius: f32,
    corner: u32,
}

/// Where the lines that touch two discs touch them, as directions from their middles.
#[derive(Clone, Copy)]
struct Sides {
    left: Vec2,
    right: Vec2,
    /// How far these lean forward from the perpendicular, because the line narrows; back where it widens.
    lean: f32,
}

impl Sides {
    /// None where there is no way from one disc to the other.
    fn between(from: &Disc, to: &Disc) -> Option<Self> {
        let way = to.middle - from.middle;
        let ahead = way.try_normalize()?;
        // A disc within the other touches no line: leaning all the way, the pieces vanish in it.
        let lean = ((from.radius - to.radius) / way.length()).clamp(-1.0, 1.0).asin();
        let (left, right) = (Rot2::radians(PI / 2.0 - lean), Rot2::radians(lean - PI / 2.0));
        Some(Self { left: left * ahead, right: right * ahead, lean })
    }
}

struct Canvas {
    triangles: Triangles,
}

impl Canvas {
    fn corner(&mut self, place: Vec2) -> u32 {
        self.triangles.vertices.push(place.to_array());
        self.triangles.vertices.len() as u32 - 1
    }

    fn disc(&mut self, dab: Dab) -> Disc {
        let middle = Vec2::from(dab.place);
        Disc { middle, radius: dab.radius, corner: self.corner(middle) }
    }

    fn piece(&mut self, from: &Disc, to: &Disc, sides: Sides) {
        for side in [sides.left, sides.right] {
            let edge = [from, to].map(|disc| self.corner(disc.middle + side * disc.radius));
            self.triangles.indices.extend([from.corner, edge[0], edge[1], from.corner, edge[1], to.corner]);
        }
    }

    /// Fills what two pieces that meet in a disc leave open of it.
    fn turn(&mut self, disc: &Disc, before: Sides, after: Sides) {
        let left = before.left.angle_to(after.left);
        let right = before.right.angle_to(after.right);
        if left.abs().max(right.abs()) >= TURN_BACK {
            return self.sector(disc, Vec2::X, TAU);
        }
        // To the left of the line is where angles grow: its left side opens clockwise, its right side the other way.
        if left < -TURN_MIN {
            self.sector(disc, before.left, left);
        }
        if right > TURN_MIN {
            self.sector(disc, before.right, right);
        }
    }

    /// The part of a disc from one direction on by an angle.
    fn sector(&mut self, disc: &Disc, from: Vec2, angle: f32) {
        let step = 2.0 * (1.0 - TOLERANCE_PX / disc.radius).clamp(0.0, 1.0).acos();
        let steps = (angle.abs() / step).ceil().max(1.0) as u32;
        let mut last = self.corner(disc.middle + from * disc.radius);
        for i in 1..=steps {
            let direction = Rot2::radians(angle * i as f32 / steps as f32) * from;
            let next = self.corner(disc.middle + direction * disc.radius);
            self.triangles.indices.extend([disc.corner, last, next]);
            last = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dab(x: f32, y: f32, radius: f32) -> Dab {
        Dab { place: (x, y), radius }
    }

    /// How far the triangles reach up and down at `x`.
    fn height(triangles: &Triangles, x: f32) -> f32 {
        let ys = triangles.vertices.iter().filter(|[at, _]| (at - x).abs() < 1e-3).map(|[_, y]| *y);
        ys.clone().fold(f32::MIN, f32::max) - ys.fold(f32::MAX, f32::min)
    }

    #[test]
    fn the_outline_is_as_wide_as_the_discs_are() {
        let triangles = paint(&[dab(0.0, 0.0, 2.0), dab(50.0, 0.0, 2.0), dab(100.0, 0.0, 2.0)]);
        for x in [0.0, 50.0, 100.0] {
            assert!((height(&triangles, x) - 4.0).abs() < 1e-3);
        }
        let farthest = triangles.vertices.iter().map(|[x, _]| *x).fold(0.0, f32::max);
        assert!((101.95..=102.001).contains(&farthest), "the end is round: {farthest}");
    }

    #[test]
    fn a_disc_within_the_other_leaves_the_larger_one() {
        for dabs in [[dab(0.0, 0.0, 5.0), dab(1.0, 0.0, 2.0)], [dab(1.0, 0.0, 2.0), dab(0.0, 0.0, 5.0)]] {
            let triangles = paint(&dabs);
            let farthest = triangles.vertices.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f32::max);
            assert!((farthest - 5.0).abs() < 1e-3, "{farthest}");
        }
    }

    #[test]
    fn few_triangles_suffice_for_a_line_that_hardly_turns() {
        let gentle: Vec<_> = (0..100).map(|i| dab(i as f32, (i as f32 / 50.0).sin(), 2.0 + i as f32 / 100.0)).collect();
        let triangles = paint(&gentle).indices.len() / 3;
        assert!(triangles <= 700, "{triangles} triangles");
    }
}
