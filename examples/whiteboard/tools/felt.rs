//! What a pen feels, beside what Bevy tells of it.
//!
//! To Bevy a pen is a mouse: winit has pressure neither natively nor in a browser (bevy#21460), so that a native pen
//! draws evenly. A page hears its pens itself and notes what they feel here; the pointer takes it up as Bevy brings it
//! to the same places, in the same order.

use crate::board::Pressure;
use bevy::prelude::*;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// The most places that are remembered: more than any pen passes in a second.
#[cfg(any(target_arch = "wasm32", test))]
const NOTES_MAX: usize = 1024;
/// How far apart a place may be from itself, having come two ways.
const SAME_PLACE_PX: f32 = 0.05;

/// What was felt and not yet taken up.
#[derive(Resource, Clone, Debug, Default)]
pub struct Felt(Arc<Mutex<VecDeque<(Vec2, Pressure)>>>);

impl Felt {
    /// Notes what a pen felt at a place on screen.
    #[cfg(any(target_arch = "wasm32", test))]
    pub fn note(&self, place: Vec2, pressure: Pressure) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push_back((place, pressure));
        if notes.len() > NOTES_MAX {
            notes.pop_front();
        }
    }

    /// What was felt where the pointer is now; what was noted before is over.
    pub fn take(&self, place: Vec2) -> Option<Pressure> {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = notes.iter().position(|(noted, _)| noted.distance(place) < SAME_PLACE_PX)?;
        notes.drain(..=found).next_back().map(|(_, pressure)| pressure)
    }

    /// Forgets what the pointer never came to.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_felt_is_taken_up_in_order_at_its_places() {
        let felt = Felt::default();
        for (x, pressure) in [(0.0, 1), (1.0, 2), (2.0, 3), (1.0, 4)] {
            felt.note(Vec2::new(x, 0.0), Pressure(pressure));
        }
        let at = |x: f32| felt.take(Vec2::new(x, 0.0)).map(|pressure| pressure.0);
        assert_eq!([at(0.0), at(5.0), at(2.001), at(1.0), at(1.0)], [Some(1), None, Some(3), Some(4), None]);
    }

    #[test]
    fn no_more_is_remembered_than_its_limit() {
        let felt = Felt::default();
        (0..NOTES_MAX + 5).for_each(|i| felt.note(Vec2::new(i as f32, 0.0), Pressure(9)));
        assert_eq!(felt.take(Vec2::new(4.0, 0.0)), None);
        assert_eq!(felt.take(Vec2::new(5.0, 0.0)), Some(Pressure(9)));
    }
}
