//! The core's only randomness: a seeded generator (SplitMix64).

use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A duration from `min` up to, but not including, `max`.
    pub fn between(&mut self, min: Duration, max: Duration) -> Duration {
        if min >= max {
            return min;
        }
        let span = u64::try_from((max - min).as_nanos()).unwrap_or(u64::MAX);
        min + Duration::from_nanos(self.roll() % span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_stay_between_their_bounds() {
        let (min, max) = (Duration::from_millis(600), Duration::from_millis(1_100));
        let mut dice = Dice::new(1);
        assert!((0..1_000).all(|_| (min..max).contains(&dice.between(min, max))));
    }

    #[test]
    fn equal_bounds_leave_no_choice() {
        let one = Duration::from_millis(1);
        assert_eq!(Dice::new(1).between(one, one), one);
    }
}
