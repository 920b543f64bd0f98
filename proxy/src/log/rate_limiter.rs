//! How much is told of what may come in floods: so many lines a second, and how many were left
//! out before.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How many lines a second are written at most.
const A_SECOND: u64 = 20;

/// What was told lately.
#[derive(Debug)]
pub struct RateLimiter {
    begun: Instant,
    /// The second that is counted, in the upper half, and what was told in it.
    told: AtomicU64,
    untold: AtomicU64,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self { begun: Instant::now(), told: AtomicU64::new(0), untold: AtomicU64::new(0) }
    }
}

impl RateLimiter {
    /// Whether a line may be written; if so, how many could not be since the last.
    pub fn take(&self) -> Option<u64> {
        if self.may_tell(self.begun.elapsed().as_secs()) {
            return Some(self.untold.swap(0, Ordering::Relaxed));
        }
        self.untold.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn may_tell(&self, second: u64) -> bool {
        let mut may = false;
        // Told in another second, or less than may be: the closure always gives a value.
        let _ = self.told.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |told| {
            let count = if told >> 32 == second { told & 0xffff_ffff } else { 0 };
            may = count < A_SECOND;
            Some(second << 32 | if may { count + 1 } else { count })
        });
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_tells_its_part() {
        let rate_limiter = RateLimiter::default();
        let told = |second| (0..100).filter(|_| rate_limiter.may_tell(second)).count() as u64;
        assert_eq!((told(0), told(0), told(7), told(8)), (A_SECOND, 0, A_SECOND, A_SECOND));
    }
}
