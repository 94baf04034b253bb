//! The pen: follows the pointer a little behind, which smooths the hand's tremble, and leaves a stroke.

use super::{
    Tool, Toolbox,
    pointer::{Motion, Pointer},
};
use crate::{
    board::{Drafts, Rgb, Stroke, StrokeId, simplify::simplify},
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
    points: Vec<(f32, f32)>,
    tip: Vec2,
    pointer: Vec2,
}

impl Drawing {
    fn begin(toolbox: &Toolbox, at: Vec2) -> Self {
        let (color, width) = (toolbox.color, toolbox.width);
        Self { id: StrokeId::random(), color, width, points: vec![(at.x, at.y)], tip: at, pointer: at }
    }

    /// What the pen drew so far; at least one point.
    pub fn points(&self) -> &[(f32, f32)] {
        &self.points
    }

    /// What this person sees: the line reaches to the pointer, although the pen lags behind it.
    pub fn to_pointer(&self) -> Vec<(f32, f32)> {
        self.points.iter().copied().chain([(self.pointer.x, self.pointer.y)]).collect()
    }

    /// Follows the pointer; `apart` is the least distance between points.
    fn follow(&mut self, pointer: Vec2, apart: f32) {
        self.pointer = pointer;
        self.tip = self.tip.lerp(pointer, FOLLOWS);
        let last = Vec2::from(self.points[self.points.len() - 1]);
        if last.distance(self.tip) >= apart {
            self.points.push((self.tip.x, self.tip.y));
        }
    }

    /// Lifts the pen where the pointer is.
    fn finish(mut self, apart: f32) -> (StrokeId, Result<Stroke, crate::board::StrokeError>) {
        let last = Vec2::from(self.points[self.points.len() - 1]);
        if last.distance(self.pointer) >= apart {
            self.points.push((self.pointer.x, self.pointer.y));
        }
        (self.id, Stroke::new(self.color, self.width, simplify(&self.points)))
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
    for motion in pointer.motions_of(Tool::Pen) {
        match (motion, &mut tip.0) {
            (Motion::Press(at), _) => tip.0 = Some(Drawing::begin(&toolbox, view.to_board(at))),
            (Motion::Drag(to), Some(drawing)) => {
                drawing.follow(view.to_board(to), apart);
                if drawing.points.len() >= POINTS_MAX {
                    let next = Drawing::begin(&toolbox, drawing.tip);
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

    #[test]
    fn a_stroke_starts_and_ends_where_the_pointer_did() {
        let mut drawing = Drawing::begin(&Toolbox::default(), Vec2::new(10.0, 10.0));
        (1..=60).for_each(|i| drawing.follow(Vec2::new(10.0 + i as f32 * 3.0, 10.0), 0.75));
        let stroke = drawing.finish(0.75).1.unwrap();
        let points: Vec<_> = stroke.points().collect();
        assert_eq!((points[0], points[points.len() - 1]), ((10.0, 10.0), (190.0, 10.0)));
    }

    #[test]
    fn a_trembling_hand_draws_a_calmer_line() {
        let mut drawing = Drawing::begin(&Toolbox::default(), Vec2::ZERO);
        let tremble = |i: i32| if i % 2 == 0 { 1.0 } else { -1.0 };
        (1..100).for_each(|i| drawing.follow(Vec2::new(i as f32 * 2.0, tremble(i)), 0.75));
        let farthest = drawing.points().iter().skip(10).map(|(_, y)| y.abs()).fold(0.0, f32::max);
        assert!(farthest < 0.5, "{farthest} px off the line");
    }

    #[test]
    fn a_tap_leaves_a_dot() {
        let drawing = Drawing::begin(&Toolbox::default(), Vec2::new(5.0, 6.0));
        assert_eq!(drawing.finish(0.75).1.unwrap().grid().len(), 1);
    }
}
