//! Majorities.

/// So many values are counted without taking memory.
const FEW: usize = 8;

/// How many of `voters` make a majority.
pub(super) fn majority(voters: usize) -> usize {
    voters / 2 + 1
}

/// The greatest value that a majority has reached; none without voters.
///
/// This is the lower median: with two voters it is the lesser value (§3.6.2).
pub(super) fn reached_by_majority<T: Ord + Copy>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let mut few = [None; FEW];
    let count = few.iter_mut().zip(values.by_ref()).map(|(place, value)| *place = Some(value)).count();
    let rest: Vec<Option<T>> = values.map(Some).collect();
    if rest.is_empty() {
        return lower_median(&mut few[..count]);
    }
    lower_median(&mut [few.as_slice(), &rest].concat())
}

fn lower_median<T: Ord + Copy>(values: &mut [Option<T>]) -> Option<T> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(values: &[u64]) -> Option<u64> {
        reached_by_majority(values.iter().copied())
    }

    #[test]
    fn two_voters_commit_only_what_both_have() {
        assert_eq!(reached(&[5, 0]), Some(0));
    }

    #[test]
    fn four_voters_need_three() {
        assert_eq!(reached(&[5, 5, 0, 0]), Some(0));
        assert_eq!(reached(&[5, 5, 3, 0]), Some(3));
    }

    #[test]
    fn indexes_compare_as_numbers() {
        assert_eq!(reached(&[100, 2, 10]), Some(10));
    }

    #[test]
    fn nobody_is_no_majority() {
        assert_eq!(reached(&[]), None);
    }

    #[test]
    fn the_median_agrees_with_counting_heads() {
        let mut state = 1_u64;
        for _ in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let voters = 1 + (state >> 60) as usize % 12;
            let values: Vec<u64> = (0..voters).map(|voter| (state >> (voter * 5)) & 7).collect();
            let mut sorted = values.clone();
            sorted.sort_unstable();
            assert_eq!(reached(&values), Some(sorted[(voters - 1) / 2]), "{values:?}");
        }
    }
}
