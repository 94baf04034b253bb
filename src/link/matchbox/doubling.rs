//! How waits grow with every failure in a row.

use std::time::Duration;

/// `first`, doubled so many times, but no more than `most`.
pub(super) fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most() {
        let waits = [0, 1, 2, 4, 5, u32::MAX]
            .map(|times| doubled(Duration::from_secs(1), times, Duration::from_secs(30)).as_secs());
        assert_eq!(waits, [1, 2, 4, 16, 30, 30]);
    }
}
