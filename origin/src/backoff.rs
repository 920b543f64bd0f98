//! Waits between attempts.

use std::time::Duration;

/// Waits that double, up to a bound.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Backoff {
    /// The wait after an attempt, which is counted from 1.
    pub fn wait(&self, attempt: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }

    /// The same with jitter, down to half as long, so that many clients don't retry at once.
    pub fn jittered(&self, attempt: u32) -> Duration {
        self.wait(attempt).mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound() {
        let second = Duration::from_secs(1);
        let backoff = Backoff { first: second, longest: 30 * second };
        for (attempt, most) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (1000, 30)] {
            assert_eq!(backoff.wait(attempt), second * most, "{attempt}");
            let wait = backoff.jittered(attempt);
            assert!((second * most / 2..=second * most).contains(&wait), "{attempt}: {wait:?}");
        }
    }
}
