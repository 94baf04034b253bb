//! Time as the core sees it: a number handed in with every input.

use serde::{Deserialize, Serialize};
use std::{
    ops::{Add, Sub},
    time::Duration,
};

/// A point on a node's own monotonic clock, in nanoseconds since an origin of the caller's choice.
///
/// ```
/// # use bevy_quorum::raft::Moment;
/// # use std::time::Duration;
/// let start = Moment::ZERO;
/// assert_eq!((start + Duration::from_millis(5)) - start, Duration::from_millis(5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(pub u64);

impl Moment {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// Later than everything; the deadline of who waits for nothing.
    pub const NEVER: Self = Self(u64::MAX);
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanoseconds))
    }
}

impl Sub for Moment {
    type Output = Duration;

    /// How long after `earlier` this is; zero if it isn't.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
