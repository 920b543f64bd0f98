//! Places in a bounded set of waiters.

use prometheus::IntGauge;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A place among waiters, given up when it is dropped.
pub(crate) struct WaiterGuard<'a> {
    count: &'a AtomicUsize,
    /// Shows the count, if it is shown.
    gauge: Option<&'a IntGauge>,
}

impl<'a> WaiterGuard<'a> {
    /// Takes a place unless `at_most` are taken.
    pub(crate) fn acquire(
        count: &'a AtomicUsize,
        at_most: usize,
        gauge: Option<&'a IntGauge>,
    ) -> Option<Self> {
        let before = count.fetch_add(1, Ordering::SeqCst);
        gauge.inspect(|gauge| gauge.inc());
        let guard = Self { count, gauge };
        (before < at_most).then_some(guard)
    }

    /// Takes over a place that is counted already.
    pub(crate) fn adopt(count: &'a AtomicUsize) -> Self {
        Self { count, gauge: None }
    }
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
        self.gauge.inspect(|gauge| gauge.dec());
    }
}
