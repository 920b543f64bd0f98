//! Limits how many lines of a kind are logged in a period, and counts those left out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct RateLimiter {
    limit: u64,
    period: Duration,
    started: Instant,
    /// The current period in the upper half, the lines of that period in the lower one.
    window: AtomicU64,
    suppressed: AtomicU64,
}

impl Default for RateLimiter {
    /// 20 lines per second.
    fn default() -> Self {
        Self::new(20, Duration::from_secs(1))
    }
}

impl RateLimiter {
    pub fn new(limit: u64, period: Duration) -> Self {
        let (window, suppressed) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { limit, period, started: Instant::now(), window, suppressed }
    }

    /// Returns how many lines were left out since the last one if another may be logged.
    pub fn take(&self) -> Option<u64> {
        self.take_at(self.started.elapsed())
    }

    fn take_at(&self, elapsed: Duration) -> Option<u64> {
        let period = (elapsed.as_nanos() / self.period.as_nanos().max(1)) as u32;
        let mut allowed = false;
        // The closure always returns a value.
        let _ = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |window| {
            let is_current = window >> 32 == u64::from(period);
            let count = if is_current { window & 0xffff_ffff } else { 0 };
            allowed = count < self.limit;
            Some(u64::from(period) << 32 | (count + u64::from(allowed)))
        });
        if allowed {
            Some(self.suppressed.swap(0, Ordering::Relaxed))
        } else {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_period_has_its_limit() {
        let limiter = RateLimiter::new(2, Duration::from_secs(60));
        let taken: Vec<_> =
            [0, 1, 59, 59, 60, 200, 239].map(|at| limiter.take_at(Duration::from_secs(at))).into();
        let expected = [Some(0), Some(0), None, None, Some(2), Some(0), Some(0)];
        assert_eq!(taken, expected);
    }
}
