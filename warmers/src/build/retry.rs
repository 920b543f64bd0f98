//! Which failures pass, and how long that may take.

use aqs_origin::OriginError;
use aqs_origin::store::StoreError;
use std::time::Duration;

/// Whether asking again can help.
pub(super) fn helps(error: &OriginError) -> bool {
    matches!(
        error,
        OriginError::Store(StoreError::Unavailable { .. } | StoreError::Timeout { .. })
            | OriginError::Crowded
            | OriginError::Overloaded
            | OriginError::Deadline
    )
}

/// How long to wait after the so-manieth attempt: twice as long each time, and not all at once.
pub(super) fn pause(backoff: Duration, attempt: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(30);
    let pause = backoff.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST);
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let second = Duration::from_secs(1);
        for (attempt, most) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (1000, 30)] {
            let pause = pause(second, attempt);
            assert!((second * most / 2..=second * most).contains(&pause), "{attempt}: {pause:?}");
        }
    }
}
