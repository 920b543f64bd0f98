//! One timer for a connection's life.

use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that is cheap to move: the runtime's timer is touched only when it fires early.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    deadline: Instant,
}

impl Timer {
    pub(super) fn new(after: Duration) -> Self {
        let deadline = Instant::now() + after;
        Self { sleep: Box::pin(sleep_until(deadline)), deadline }
    }

    /// Moves the deadline to so long from now.
    pub(super) fn restart(&mut self, after: Duration) {
        self.deadline = Instant::now() + after;
        // A timer that would fire too late has to be moved at once.
        if self.deadline < self.sleep.deadline() {
            self.sleep.as_mut().reset(self.deadline);
        }
    }

    /// Moves the deadline to so long from now, if that is earlier.
    pub(super) fn bring_forward(&mut self, after: Duration) {
        if Instant::now() + after < self.deadline {
            self.restart(after);
        }
    }

    /// Ends when the deadline has passed.
    pub(super) async fn expired(&mut self) {
        loop {
            self.sleep.as_mut().await;
            if Instant::now() >= self.deadline {
                return;
            }
            self.sleep.as_mut().reset(self.deadline);
        }
    }
}
