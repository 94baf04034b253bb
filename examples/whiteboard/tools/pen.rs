//! The pen: follows the pointer a little behind, which smooths the hand's tremble, and leaves a stroke.

use super::{
    Tool, Toolbox,
    pointer::{Motion, Pointer},
};
use crate::{
    board::{
        Drafts, Pressure, Rgb, Stroke, StrokeError, StrokeId,
        simplify::{Press, simplify},
    },
    canvas::View,
};
use bevy::prelude::*;
use bevy_quorum::prelude::*;

/// How much of the way to the pointer the pen goes at each move.
const FOLLOWS: f32 = 0.55;
/// Points closer than this on screen say nothing new.
const APART_MIN_PX: f32 = 0.75;
/// A stroke that reaches this many points goes on as another one.
const POINTS_MAX: usize = 3000;

/// The stroke under the pen.
#[derive(Resource, Default)]
pub struct PenTip(pub Option<Drawing>);

/// A stroke that is being drawn, in pixels of the board.
pub struct Drawing {
    /// The name it will have.
    pub id: StrokeId,
    /// Its colour.
    pub color: Rgb,
    /// Its width.
    pub width: f32,
    presses: Vec<Press>,
    tip: Vec2,
    /// How hard the pen is pressed at its tip, from 0 to 1; it follows what is felt as the tip follows the pointer.
    weight: f32,
    pointer: Vec2,
    felt: Pressure,
}

impl Drawing {
    fn begin(toolbox: &Toolbox, at: Vec2, felt: Pressure) -> Self {
        let (color, width) = (toolbox.color, toolbox.width);
        let presses = vec![((at.x, at.y), felt)];
        Self { id: StrokeId::random(), color, width, presses, tip: at, weight: felt.share(), pointer: at, felt }
    }

    /// What the pen drew so far; at least one point.
    pub fn presses(&self) -> &[Press] {
        &self.presses
    }

    /// What this person sees: the line reaches to the pointer, although the pen lags behind it.
    pub fn to_pointer(&self) -> impl Iterator<Item = Press> + '_ {
        self.presses.iter().copied().chain([((self.pointer.x, self.pointer.y), self.felt)])
    }

    /// Follows the pointer; `apart` is the least distance between points.
    fn follow(&mut self, pointer: Vec2, felt: Pressure, apart: f32) {
        (self.pointer, self.felt) = (pointer, felt);
        self.tip = self.tip.lerp(pointer, FOLLOWS);
        self.weight = self.weight.lerp(felt.share(), FOLLOWS);
        self.press(self.tip, Pressure::of_share(self.weight), apart);
    }

    /// A press at another place, or a harder one at the last.
    fn press(&mut self, at: Vec2, pressure: Pressure, apart: f32) {
        match self.presses.last_mut() {
            Some((last, hardest)) if Vec2::from(*last).distance(at) < apart => *hardest = pressure.max(*hardest),
            _ => self.presses.push(((at.x, at.y), pressure)),
        }
    }

    /// Lifts the pen where the pointer is.
    fn finish(mut self, apart: f32) -> (StrokeId, Result<Stroke, StrokeError>) {
        self.press(self.pointer, self.felt, apart);
        (self.id, Stroke::pressed(self.color, self.width, simplify(&self.presses)))
    }
}

/// Draws while the pen is pressed. What is drawn is proposed when the pen is lifted, whether or not anybody hears it.
pub fn draw(
    mut tip: ResMut<PenTip>,
    mut drafts: ResMut<Drafts>,
    rooms: Query<&Room>,
    (pointer, toolbox, view): (Res<Pointer>, Res<Toolbox>, Res<View>),
) {
    let apart = APART_MIN_PX / view.zoom;
    for (motion, felt) in pointer.pressed_motions_of(Tool::Pen) {
        match (motion, &mut tip.0) {
            (Motion::Press(at), _) => tip.0 = Some(Drawing::begin(&toolbox, view.to_board(at), felt)),
            (Motion::Drag(to), Some(drawing)) => {
                drawing.follow(view.to_board(to), felt, apart);
                if drawing.presses.len() >= POINTS_MAX {
                    let next = Drawing::begin(&toolbox, drawing.tip, Pressure::of_share(drawing.weight));
                    let full = std::mem::replace(drawing, next);
                    leave_stroke(full, apart, &mut drafts, &rooms);
                }
            }
            (Motion::Release(_), Some(_)) => {
                if let Some(drawing) = tip.0.take() {
                    leave_stroke(drawing, apart, &mut drafts, &rooms);
                }
            }
            (Motion::Cancel, _) => tip.0 = None,
            (_, None) => {}
        }
    }
}

fn leave_stroke(drawing: Drawing, apart: f32, drafts: &mut Drafts, rooms: &Query<&Room>) {
    let Some(room) = rooms.iter().next() else { return };
    let (id, stroke) = drawing.finish(apart);
    let proposed = stroke
        .map_err(|error| error.to_string())
        .and_then(|stroke| drafts.draw(room, id, &stroke).map_err(|error| error.to_string()));
    if let Err(error) = proposed {
        drafts.refusal = Some(format!("That stroke could not be drawn: {error}."));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn begin(at: Vec2, felt: Pressure) -> Drawing {
        Drawing::begin(&Toolbox::default(), at, felt)
    }

    #[test]
    fn a_stroke_starts_and_ends_where_the_pointer_did() {
        let mut drawing = begin(Vec2::new(10.0, 10.0), Pressure::EVEN);
        (1..=60).for_each(|i| drawing.follow(Vec2::new(10.0 + i as f32 * 3.0, 10.0), Pressure::EVEN, 0.75));
        let stroke = drawing.finish(0.75).1.unwrap();
        let points: Vec<_> = stroke.points().collect();
        assert_eq!((points[0], points[points.len() - 1]), ((10.0, 10.0), (190.0, 10.0)));
        assert!(stroke.pressures().is_empty(), "nothing was felt");
    }

    #[test]
    fn a_stroke_is_as_heavy_as_the_pen_was_pressed() {
        let mut drawing = begin(Vec2::ZERO, Pressure(10));
        (1..=80).for_each(|i| drawing.follow(Vec2::new(i as f32 * 3.0, 0.0), Pressure(10 + 3 * i as u8), 0.75));
        let stroke = drawing.finish(0.75).1.unwrap();
        let pressures = stroke.pressures();
        assert!(pressures.is_sorted() && pressures.len() > 20, "{pressures:?}");
        assert_eq!((pressures[0], pressures[pressures.len() - 1]), (Pressure(10), Pressure(250)));
    }

    #[test]
    fn a_tap_is_as_heavy_as_its_hardest_moment() {
        let mut drawing = begin(Vec2::ZERO, Pressure(10));
        for felt in [90, 200, 200, 200, 200, 30] {
            drawing.follow(Vec2::ZERO, Pressure(felt), 0.75);
        }
        let stroke = drawing.finish(0.75).1.unwrap();
        assert!(stroke.grid().len() == 1 && stroke.pressures()[0].0 > 180, "{stroke:?}");
    }

    #[test]
    fn a_trembling_hand_draws_a_calmer_line() {
        let mut drawing = begin(Vec2::ZERO, Pressure::EVEN);
        let tremble = |i: i32| if i % 2 == 0 { 1.0 } else { -1.0 };
        (1..100).for_each(|i| drawing.follow(Vec2::new(i as f32 * 2.0, tremble(i)), Pressure::EVEN, 0.75));
        let farthest = drawing.presses().iter().skip(10).map(|((_, y), _)| y.abs()).fold(0.0, f32::max);
        assert!(farthest < 0.5, "{farthest} px off the line");
    }

    #[test]
    fn a_tap_leaves_a_dot() {
        let drawing = begin(Vec2::new(5.0, 6.0), Pressure::EVEN);
        assert_eq!(drawing.finish(0.75).1.unwrap().grid().len(), 1);
    }
}
