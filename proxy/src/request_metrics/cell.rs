//! The counts of requests with the same labels.

use prometheus::proto;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The bounds of our histogram in microseconds. Upstream's are among them.
pub(super) const BOUNDS: [u64; 17] = [
    10, 30, 100, 300, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];
/// Those of [`BOUNDS`] that upstream's histogram has: 1 ms to 1 s (contract §6.4).
pub(super) const UPSTREAM_BOUNDS: Range<usize> = 4..14;

/// The requests of one endpoint, status, cache result and method.
#[derive(Default)]
pub(super) struct Cell {
    /// The requests per bucket, the last of them above all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

/// The sum of several cells.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    buckets: [u64; BOUNDS.len() + 1],
    nanoseconds: u64,
}

impl Cell {
    pub(super) fn count(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket =
            BOUNDS.iter().position(|bound| nanoseconds <= *bound * 1000).unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Sum {
        let mut sum = Sum::default();
        for (read, held) in sum.buckets.iter_mut().zip(&self.buckets) {
            *read = held.load(Ordering::Relaxed);
        }
        sum.nanoseconds = self.nanoseconds.load(Ordering::Relaxed);
        sum
    }
}

impl Sum {
    pub(super) fn add(&mut self, other: &Self) {
        for (held, more) in self.buckets.iter_mut().zip(other.buckets) {
            *held += more;
        }
        self.nanoseconds = self.nanoseconds.wrapping_add(other.nanoseconds);
    }

    fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub(super) fn counter(&self) -> proto::Counter {
        let mut counter = proto::Counter::default();
        counter.set_value(self.count() as f64);
        counter
    }

    pub(super) fn histogram(&self, bounds: &Range<usize>) -> proto::Histogram {
        let mut histogram = proto::Histogram::default();
        let mut buckets = Vec::with_capacity(bounds.len());
        let mut below = 0;
        for (index, (bound, count)) in BOUNDS.iter().zip(self.buckets).enumerate() {
            below += count;
            if bounds.contains(&index) {
                let mut bucket = proto::Bucket::default();
                bucket.set_upper_bound(*bound as f64 / 1e6);
                bucket.set_cumulative_count(below);
                buckets.push(bucket);
            }
        }
        histogram.set_bucket(buckets);
        histogram.set_sample_count(self.count());
        histogram.set_sample_sum(self.nanoseconds as f64 / 1e9);
        histogram
    }
}
