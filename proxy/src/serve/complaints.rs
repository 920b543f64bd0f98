//! Telling the log that there was no answer: each failure once, and a flood of them in part.

use crate::log::fields;
use aqs_origin::{OriginError, RequestId, TraceParent};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How many lines a second are written at most.
const A_SECOND: u64 = 20;

/// What was told lately.
#[derive(Debug)]
pub struct Complaints {
    begun: Instant,
    /// The second that is counted, in the upper half, and what was told in it.
    told: AtomicU64,
    untold: AtomicU64,
}

impl Default for Complaints {
    fn default() -> Self {
        Self { begun: Instant::now(), told: AtomicU64::new(0), untold: AtomicU64::new(0) }
    }
}

impl Complaints {
    /// Tells that a request got no answer, unless too much is told already.
    pub fn tell(
        &self,
        request: &RequestId,
        trace: Option<TraceParent>,
        path: &str,
        error: &OriginError,
    ) {
        if !self.may_tell(self.begun.elapsed().as_secs()) {
            self.untold.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let untold = self.untold.swap(0, Ordering::Relaxed);
        let id = trace.map(|trace| tracing::field::display(trace.trace_id()));
        let parent = trace.map(|trace| tracing::field::display(trace.parent_id()));
        tracing::error!(
            { fields::REQUEST_ID } = %request,
            { fields::TRACE } = id,
            { fields::PARENT } = parent,
            { fields::KEY } = path,
            { fields::ERROR } = %error,
            untold,
            "no answer"
        );
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
        let complaints = Complaints::default();
        let told = |second| (0..100).filter(|_| complaints.may_tell(second)).count() as u64;
        assert_eq!((told(0), told(0), told(7), told(8)), (A_SECOND, 0, A_SECOND, A_SECOND));
    }
}
