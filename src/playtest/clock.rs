//! The clock of one machine, which need not agree with anybody's.

use crate::raft::Moment;
use std::time::Duration;

/// A clock that runs at its own pace: where it was at some time, and how fast it goes since.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    set_at: Moment,
    showed: Moment,
    rate_permille: u64,
}

impl Default for Clock {
    /// Shows the time of the simulation.
    fn default() -> Self {
        Self { set_at: Moment::ZERO, showed: Moment::ZERO, rate_permille: 1_000 }
    }
}

impl Clock {
    /// What it shows at `now`.
    pub fn read(&self, now: Moment) -> Moment {
        let passed = u128::from(now.0 - self.set_at.0) * u128::from(self.rate_permille) / 1_000;
        Moment(self.showed.0 + u64::try_from(passed).expect("no clock runs for centuries"))
    }

    /// When it shows `time`, or now if it is past that.
    pub fn when(&self, time: Moment) -> Moment {
        if time == Moment::NEVER {
            return time;
        }
        let ahead = u128::from(time.0.saturating_sub(self.showed.0)) * 1_000;
        let passed = ahead.div_ceil(u128::from(self.rate_permille));
        self.set_at + Duration::from_nanos(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// Goes at another pace from `now` on.
    pub fn pace(&mut self, now: Moment, rate_permille: u64) {
        let showed = self.read(now);
        *self = Self { set_at: now, showed, rate_permille };
    }

    /// Begins at another origin, as after a start.
    pub fn reset(&mut self, now: Moment, shows: Moment) {
        *self = Self { set_at: now, showed: shows, rate_permille: self.rate_permille };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_comes_when_the_clock_shows_it() {
        let mut clock = Clock::default();
        clock.pace(Moment(1_000), 2_000);
        assert_eq!(clock.read(Moment(1_500)), Moment(2_000));
        for time in [1_000, 1_001, 1_999, 2_000] {
            assert!(clock.read(clock.when(Moment(time))) >= Moment(time));
        }
        clock.pace(Moment(1_500), 500);
        assert_eq!(clock.read(clock.when(Moment(2_100))), Moment(2_100));
        assert_eq!(clock.when(Moment::NEVER), Moment::NEVER);
    }
}
