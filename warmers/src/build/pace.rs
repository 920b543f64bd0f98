//! How many reads are begun in a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Gives turns that are a step apart. No turns are saved up: after a pause there is no burst.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Mutex<Instant>,
    step: Duration,
}

impl Pace {
    /// So many turns in a second.
    pub(crate) fn per_second(rate: u32) -> Self {
        let step = Duration::from_secs(1).checked_div(rate.max(1)).unwrap_or_default();
        Self { next: Mutex::new(Instant::now()), step }
    }

    /// Waits for the next turn. One that is not awaited to its end is lost.
    pub(crate) async fn turn(&self) {
        let at = self.take(Instant::now());
        tokio::time::sleep_until(at.into()).await;
    }

    fn take(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = now.max(*next);
        *next = at + self.step;
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_a_step_apart_and_never_saved_up() {
        let pace = Pace::per_second(4);
        let start = Instant::now();
        let step = Duration::from_millis(250);
        let turns: Vec<Duration> = (0..3).map(|_| pace.take(start) - start).collect();
        assert_eq!(turns, [Duration::ZERO, step, 2 * step]);
        let later = start + Duration::from_secs(60);
        assert_eq!([pace.take(later), pace.take(later)], [later, later + step]);
    }
}
