//! Fingers on a screen: the first one is a pointer, two move and zoom the board.

use bevy::{input::touch::TouchPhase, prelude::*};

/// The fingers that are down, in the order in which they came.
#[derive(Debug, Default)]
pub struct Fingers {
    down: Vec<(u64, Vec2)>,
    /// There were two, so what is left doesn't draw until all are lifted.
    gesture: bool,
}

/// What a touch means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Touched {
    /// The only finger came down.
    Press(Vec2),
    /// It moved.
    Drag(Vec2),
    /// It was lifted.
    Release,
    /// A second one came: what the first began was not meant.
    Cancel,
    /// Two fingers moved the board by so much, and zoomed it around a place.
    Pinch { moved: Vec2, at: Vec2, zoomed: f32 },
    /// Nothing.
    Nothing,
}

impl Fingers {
    /// Takes a touch in.
    pub fn touch(&mut self, touch: &TouchInput) -> Touched {
        match touch.phase {
            TouchPhase::Started => self.press(touch.id, touch.position),
            TouchPhase::Moved => self.drag(touch.id, touch.position),
            TouchPhase::Ended | TouchPhase::Canceled => self.lift(touch.id),
        }
    }

    /// Forgets them all: the window lost its focus, and won't hear that they are lifted.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether no finger is down.
    pub fn are_none(&self) -> bool {
        self.down.is_empty()
    }

    fn press(&mut self, finger: u64, place: Vec2) -> Touched {
        self.down.retain(|(known, _)| *known != finger);
        self.down.push((finger, place));
        match self.down.len() {
            1 => Touched::Press(place),
            2 if !self.gesture => {
                self.gesture = true;
                Touched::Cancel
            }
            _ => Touched::Nothing,
        }
    }

    fn drag(&mut self, finger: u64, place: Vec2) -> Touched {
        let before = self.pair();
        let Some((_, known)) = self.down.iter_mut().find(|(known, _)| *known == finger) else {
            return Touched::Nothing;
        };
        *known = place;
        match (before, self.pair()) {
            (Some(before), Some(now)) => pinch(before, now),
            _ if self.gesture => Touched::Nothing,
            _ => Touched::Drag(place),
        }
    }

    fn lift(&mut self, finger: u64) -> Touched {
        let known = self.down.len();
        self.down.retain(|(known, _)| *known != finger);
        let was_alone = known == 1 && self.down.is_empty() && !self.gesture;
        self.gesture &= !self.down.is_empty();
        if was_alone { Touched::Release } else { Touched::Nothing }
    }

    /// The two that came first.
    fn pair(&self) -> Option<[Vec2; 2]> {
        match self.down[..] {
            [(_, a), (_, b), ..] => Some([a, b]),
            _ => None,
        }
    }
}

fn pinch([a, b]: [Vec2; 2], [c, d]: [Vec2; 2]) -> Touched {
    let apart = a.distance(b);
    let zoomed = if apart > f32::EPSILON { c.distance(d) / apart } else { 1.0 };
    Touched::Pinch { moved: (c + d - a - b) / 2.0, at: (c + d) / 2.0, zoomed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_finger_is_a_pointer() {
        let mut fingers = Fingers::default();
        assert_eq!(fingers.press(1, Vec2::ONE), Touched::Press(Vec2::ONE));
        assert_eq!(fingers.drag(1, Vec2::ZERO), Touched::Drag(Vec2::ZERO));
        assert_eq!(fingers.lift(1), Touched::Release);
    }

    #[test]
    fn two_fingers_move_and_zoom_and_what_the_first_began_is_cancelled() {
        let mut fingers = Fingers::default();
        fingers.press(1, Vec2::new(100.0, 100.0));
        assert_eq!(fingers.press(2, Vec2::new(200.0, 100.0)), Touched::Cancel);
        let pinched = fingers.drag(2, Vec2::new(300.0, 100.0));
        let expected = Touched::Pinch { moved: Vec2::new(50.0, 0.0), at: Vec2::new(200.0, 100.0), zoomed: 2.0 };
        assert_eq!(pinched, expected);
    }

    #[test]
    fn the_finger_that_is_left_of_two_does_not_draw() {
        let mut fingers = Fingers::default();
        fingers.press(1, Vec2::ZERO);
        fingers.press(2, Vec2::ONE);
        assert_eq!(fingers.lift(1), Touched::Nothing);
        assert_eq!(fingers.drag(2, Vec2::ZERO), Touched::Nothing);
        assert_eq!(fingers.lift(2), Touched::Nothing);
        assert_eq!(fingers.press(3, Vec2::ONE), Touched::Press(Vec2::ONE));
    }

    #[test]
    fn fingers_in_one_place_zoom_nothing() {
        let mut fingers = Fingers::default();
        fingers.press(1, Vec2::ONE);
        fingers.press(2, Vec2::ONE);
        let pinched = fingers.drag(2, Vec2::ZERO);
        assert!(matches!(pinched, Touched::Pinch { zoomed: 1.0, .. }), "{pinched:?}");
    }
}
