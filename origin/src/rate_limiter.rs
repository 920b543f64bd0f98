//! Limits how many lines of a kind are logged in a period, and counts those left out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub struct RateLimiter {
    limit: u64,
    period: Duration,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    started: Instant,
    logged: u64,
    /// Lines left out since the last one.
    suppressed: u64,
}

impl Default for RateLimiter {
    /// 20 lines per second.
    fn default() -> Self {
        Self::new(20, Duration::from_secs(1))
    }
}

impl RateLimiter {
    pub fn new(limit: u64, period: Duration) -> Self {
        let window = Window { started: Instant::now(), logged: 0, suppressed: 0 };
        Self { limit, period, window: Mutex::new(window) }
    }

    /// Returns how many lines were left out since the last one if another may be logged.
    pub fn take(&self) -> Option<u64> {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.started) >= self.period {
            (window.started, window.logged) = (now, 0);
        }
        if window.logged >= self.limit {
            window.suppressed += 1;
            return None;
        }
        window.logged += 1;
        Some(std::mem::take(&mut window.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_period_has_its_limit() {
        let limiter = RateLimiter::new(2, Duration::from_secs(60));
        let start = limiter.window.lock().unwrap().started;
        let taken: Vec<_> = [0, 1, 59, 59, 60, 200, 239]
            .map(|at| limiter.take_at(start + Duration::from_secs(at)))
            .into();
        let expected = [Some(0), Some(0), None, None, Some(2), Some(0), Some(0)];
        assert_eq!(taken, expected);
    }
}
