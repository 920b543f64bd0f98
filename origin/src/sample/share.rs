//! Sharing a total out so that the parts add up to it exactly.

/// Shares a total out in proportion to weights; the parts' sum is the total.
///
/// Where a part is not whole, `turn` decides who gets the rest, so that of many small totals each
/// part gets its due in the long run. Without any weight the first part gets everything.
pub(super) fn share_out(total: u64, weights: &[u64], turn: u64, parts: &mut [u64]) {
    let whole: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if whole == 0 {
        parts.fill(0);
        if let Some(first) = parts.first_mut() {
            *first = total;
        }
        return;
    }
    let start = u128::from(turn) % whole;
    let (mut weighed, mut given) = (0, 0);
    for (part, weight) in parts.iter_mut().zip(weights) {
        weighed += u128::from(*weight);
        // Below `total`, which has 64 bits.
        let reached = ((u128::from(total) * weighed + start) / whole) as u64;
        *part = reached - given;
        given = reached;
    }
}

/// The same for a number of weights that is known.
pub(super) fn shared<const N: usize>(total: u64, weights: &[u64; N], turn: u64) -> [u64; N] {
    let mut parts = [0; N];
    share_out(total, weights, turn, &mut parts);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_totals_reach_every_part() {
        let mut sums = [0; 3];
        for turn in 0..1000 {
            let parts = shared(1, &[380, 40, 580], turn);
            for (sum, part) in sums.iter_mut().zip(parts) {
                *sum += part;
            }
        }
        assert_eq!(sums, [380, 40, 580]);
    }

    #[test]
    fn without_weights_the_first_gets_all() {
        assert_eq!(shared(9, &[0, 0], 5), [9, 0]);
    }

    proptest! {
        #[test]
        fn parts_add_up(total in any::<u64>(), weights in any::<[u32; 9]>(), turn in any::<u64>()) {
            let weights = weights.map(u64::from);
            let parts = shared(total, &weights, turn);
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(total));
            for (part, weight) in parts.iter().zip(weights) {
                prop_assert!(weight > 0 || *part == 0 || weights.iter().all(|weight| *weight == 0));
            }
        }
    }
}
