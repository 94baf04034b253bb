//! Which strokes the eraser touches.

use crate::board::{Board, Stroke, StrokeId, path};
use bevy::prelude::*;

/// Pieces per curve when distances are measured: within a tenth of a pixel for what a hand draws.
const PIECES_PER_CURVE: u16 = 3;

/// The strokes of the board that an eraser of `radius` touches on its way from one place to another, in board pixels.
pub fn touched(board: &Board, from: Vec2, to: Vec2, radius: f32) -> Vec<StrokeId> {
    let near = board.shown().filter(|(_, record)| {
        let (low, high) = (Vec2::from(record.bounds.0), Vec2::from(record.bounds.1));
        let reach = Vec2::splat(radius + record.stroke.reach());
        from.min(to).cmple(high + reach).all() && from.max(to).cmpge(low - reach).all()
    });
    near.filter(|(_, record)| touches(&record.stroke, from, to, radius)).map(|(id, _)| id).collect()
}

/// Whether an eraser of `radius` touches a stroke on its way.
pub fn touches(stroke: &Stroke, from: Vec2, to: Vec2, radius: f32) -> bool {
    let (points, pressures): (Vec<_>, Vec<_>) =
        stroke.presses().map(|(point, pressure)| (point.px(), pressure)).unzip();
    let line = path::dabs(&points, &pressures, stroke.width(), |_| PIECES_PER_CURVE);
    let thinnest = line.iter().map(|dab| dab.radius).fold(f32::INFINITY, f32::min);
    let steps = (from.distance(to) / (radius + thinnest)).ceil().clamp(1.0, 512.0) as u16;
    (0..=steps).any(|step| {
        let place = from.lerp(to, f32::from(step) / f32::from(steps));
        path::clearance((place.x, place.y), &line) <= radius
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::board::Pressure;
    use bevy_quorum::raft::{LogIndex, NodeId};

    #[test]
    fn the_eraser_takes_what_it_passes_over_and_nothing_else() {
        let mut board = Board::default();
        for (number, x) in [(1, 100.0), (2, 200.0), (3, 300.0)] {
            let stroke = Stroke::new([0; 3], 4.0, [(x, 0.0), (x, 100.0)]).unwrap();
            board.add(NodeId(1), LogIndex(number), StrokeId(number), &stroke, false).unwrap();
        }
        let on_the_way = touched(&board, Vec2::new(90.0, 50.0), Vec2::new(210.0, 50.0), 5.0);
        assert_eq!(on_the_way, [StrokeId(1), StrokeId(2)]);
        assert_eq!(touched(&board, Vec2::new(290.0, 120.0), Vec2::new(310.0, 120.0), 5.0), []);
        assert_eq!(touched(&board, Vec2::new(307.0, 50.0), Vec2::new(307.0, 50.0), 5.0), [StrokeId(3)]);
        assert_eq!(touched(&board, Vec2::new(307.1, 50.0), Vec2::new(307.1, 50.0), 5.0), []);
    }

    #[test]
    fn the_eraser_takes_a_pressed_stroke_where_its_ink_is() {
        let ends = [((0.0, 0.0), Pressure(0)), ((100.0, 0.0), Pressure(255))];
        let stroke = Stroke::pressed([0; 3], 20.0, ends).unwrap();
        let at = |x: f32, y: f32| touches(&stroke, Vec2::new(x, y), Vec2::new(x, y), 1.0);
        assert!(at(99.0, 18.0) && !at(1.0, 18.0), "it is wide at its end alone");
        assert!(at(1.0, 3.0), "and not gone at its beginning");
    }

    #[test]
    fn an_eraser_that_passes_fast_takes_a_stroke_that_was_hardly_pressed() {
        let light = [0.0, 400.0].map(|x| ((x, 0.0), Pressure(0)));
        let stroke = Stroke::pressed([0; 3], 40.0, light).unwrap();
        for start in 0..40 {
            let from = Vec2::new(200.0, -100.0 - start as f32);
            assert!(touches(&stroke, from, from + Vec2::Y * 200.0, 1.0), "from {from}");
        }
    }
}
