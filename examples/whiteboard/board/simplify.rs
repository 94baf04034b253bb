//! Fewer points for the same line: what a pen captures along straight and gentle stretches is mostly redundant.

use super::{path::distance_to_line, pressure::Pressure};

/// How far a dropped point may lie from the chord that replaces it, in pixels.
const OFF_CHORD_MAX_PX: f32 = 0.06;
/// The longest chord that replaces points, in pixels: curves between middles cut corners in proportion to it.
const CHORD_MAX_PX: f32 = 10.0;
/// The cosine of the sharpest turn of the line, and of one chord into the next, about 8°: corners keep all of their
/// points.
const TURN_COSINE_MIN: f32 = 0.99;
/// How much harder or softer than at its beginning the pen may be pressed anywhere along a chord: 3 % of the width. The
/// points before and after it are as close to its ends, for from there the width changes evenly into the chord.
const PRESSURE_CHANGE_MAX: u8 = 5;

/// A place that a pen was at, and how hard it was pressed there.
pub type Press = ((f32, f32), Pressure);

/// Drops points so that the stroke's path moves by at most a quarter of a pixel, and keeps its width; the ends stay.
pub fn simplify(presses: &[Press]) -> Vec<Press> {
    let Some(&first) = presses.first() else { return Vec::new() };
    let mut kept = vec![first];
    let (mut last, mut at) = (0, 0);
    while at + 1 < presses.len() {
        (last, at) = (at, next_kept(presses, last, at));
        kept.push(presses[at]);
    }
    kept
}

/// The farthest point that a chord from `from` reaches, after one from `last`.
fn next_kept(presses: &[Press], last: usize, from: usize) -> usize {
    let mut best = from + 1;
    while best + 1 < presses.len() && chord_is_faithful(presses, last, from, best + 1) {
        best += 1;
    }
    best
}

fn chord_is_faithful(presses: &[Press], last: usize, from: usize, to: usize) -> bool {
    let (before, after) = (from.saturating_sub(1), (to + 1).min(presses.len() - 1));
    let place = |at: usize| presses[at].0;
    let feels_alike = |at: usize, other: usize| presses[at].1.0.abs_diff(presses[other].1.0) <= PRESSURE_CHANGE_MAX;
    let (a, b, between) = (place(from), place(to), from + 1..to);
    (b.0 - a.0).hypot(b.1 - a.1) <= CHORD_MAX_PX
        && goes_straight(place(before), a, place(from + 1))
        && goes_straight(place(last), a, b)
        && goes_straight(a, b, place(after))
        && (from + 2..to).all(|at| goes_straight(a, place(at - 1), place(at)))
        && between.map(place).all(|point| distance_to_line(point, a, b) <= OFF_CHORD_MAX_PX)
        && (before..=to).all(|at| feels_alike(from, at))
        && feels_alike(to, after)
}

/// Whether the way from `a` over `b` to `c` turns only gently; at a stroke's end there is nothing to turn.
fn goes_straight(a: (f32, f32), b: (f32, f32), c: (f32, f32)) -> bool {
    let (u, v) = ((b.0 - a.0, b.1 - a.1), (c.0 - b.0, c.1 - b.1));
    let lengths = u.0.hypot(u.1) * v.0.hypot(v.1);
    lengths == 0.0 || u.0 * v.0 + u.1 * v.1 >= TURN_COSINE_MIN * lengths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::path;
    use arbtest::{arbitrary, arbtest};

    fn evenly(points: &[(f32, f32)]) -> Vec<Press> {
        points.iter().map(|&point| (point, Pressure::EVEN)).collect()
    }

    fn line(presses: &[Press], width: f32) -> Vec<path::Dab> {
        let (points, pressures): (Vec<_>, Vec<_>) = presses.iter().copied().unzip();
        path::dabs(&points, &pressures, width, |_| 8)
    }

    /// The way of a hand that turns, stops and trembles as it likes.
    fn any_way(u: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Vec<(f32, f32)>> {
        let (mut x, mut y, mut heading) = (0.0_f32, 0.0_f32, 0.0_f32);
        let mut points = vec![(x, y)];
        for _ in 0..u.int_in_range(1..=120)? {
            let turn = *u.choose(&[0.0, 0.02, -0.05, 0.1, 0.5, -1.6, 3.1])?;
            let step = *u.choose(&[0.3_f32, 1.0, 2.5, 6.0])?;
            heading += turn;
            (x, y) = (x + step * heading.cos(), y + step * heading.sin());
            points.push((x, y));
        }
        Ok(points)
    }

    #[test]
    fn a_straight_line_keeps_few_points() {
        let line: Vec<_> = (0..100).map(|i| (i as f32, i as f32 / 2.0)).collect();
        let kept = simplify(&evenly(&line));
        assert!(kept.len() <= 14, "{} points", kept.len());
        assert_eq!((kept[0].0, kept[kept.len() - 1].0), (line[0], line[99]));
    }

    #[test]
    fn the_path_moves_by_at_most_a_quarter_of_a_pixel() {
        arbtest(|u| {
            let points = any_way(u)?;
            let presses = evenly(&points);
            let (before, after) = (line(&presses, 0.0), line(&simplify(&presses), 0.0));
            for dab in &before {
                let moved = path::clearance(dab.place, &after);
                assert!(moved <= 0.25, "moved by {moved} px");
            }
            Ok(())
        });
    }

    #[test]
    fn chords_turn_gently_into_what_comes_next() {
        arbtest(|u| {
            let presses = evenly(&any_way(u)?);
            let replaces_points = |chord: &[Press]| !presses.windows(2).any(|pair| pair == chord);
            for ends in simplify(&presses).windows(3) {
                let sharp = !goes_straight(ends[0].0, ends[1].0, ends[2].0);
                assert!(!sharp || !replaces_points(&ends[..2]) && !replaces_points(&ends[1..]), "at {ends:?}");
            }
            Ok(())
        });
    }

    #[test]
    fn a_line_keeps_its_width_where_points_are_dropped() {
        const WIDTH_PX: f32 = 8.0;
        arbtest(|u| {
            let points: Vec<_> = (0..u.int_in_range(2..=150)?).map(|i| (i as f32, 0.0)).collect();
            let mut felt = 128_i32;
            let mut presses = Vec::new();
            for &point in &points {
                felt = (felt + *u.choose(&[0, 0, 1, -1, 4, -4, 40, -40])?).clamp(0, 255);
                presses.push((point, Pressure(felt as u8)));
            }
            let (before, after) = (line(&presses, WIDTH_PX), line(&simplify(&presses), WIDTH_PX));
            for place in before.iter().map(|dab| (dab.place.0, 2.0 * WIDTH_PX)) {
                let moved = (path::clearance(place, &before) - path::clearance(place, &after)).abs();
                assert!(moved <= 0.3, "the edge moved by {moved} px");
            }
            Ok(())
        });
    }

    #[test]
    fn a_press_that_swells_keeps_the_points_that_say_so() {
        let swelling: Vec<_> = (0..100).map(|i| ((i as f32, 0.0), Pressure(2 * i as u8))).collect();
        let kept = simplify(&swelling);
        assert!((40..=60).contains(&kept.len()), "{} points", kept.len());
        assert!(kept.iter().all(|press| swelling.contains(press)), "pressures stay with their points");
    }
}
