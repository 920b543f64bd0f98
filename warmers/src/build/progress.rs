//! The progress of a build.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

#[derive(Debug, Default)]
pub struct Progress {
    /// When the build began to read answers.
    started: OnceLock<Instant>,
    snapshot: Mutex<Snapshot>,
}

/// The progress at a moment. All counts are answers unless they say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Wanted by the plan; 0 until that is known.
    pub total: u64,
    /// Carried over, read or failed.
    pub done: u64,
    /// Carried over without a read.
    pub shared: u64,
    pub errors: u64,
    /// Store reads.
    pub reads: u64,
    /// Further attempts among `reads`.
    pub retries: u64,
    pub bytes: u64,
    /// Read per second.
    pub rate: f64,
    /// An estimate, if there is any.
    pub remaining_seconds: Option<f64>,
}

impl Progress {
    /// Begins to count answers. Top lists that were read before do not count.
    pub(super) fn start(&self, wanted: usize, shared: usize) {
        if self.started.set(Instant::now()).is_ok() {
            let (total, shared) = (wanted as u64, shared as u64);
            self.update(|now| (now.total, now.shared, now.done) = (total, shared, shared));
        }
    }

    pub(super) fn add_answers(&self, read: usize, failed: usize, bytes: u64) {
        if self.started.get().is_some() {
            self.update(|now| {
                now.done += (read + failed) as u64;
                now.errors += failed as u64;
                now.bytes += bytes;
            });
        }
    }

    pub(super) fn add_reads(&self, reads: usize, is_retry: bool) {
        self.update(|now| {
            now.reads += reads as u64;
            now.retries += if is_retry { reads as u64 } else { 0 };
        });
    }

    pub(super) fn bytes(&self) -> u64 {
        self.update(|now| now.bytes)
    }

    pub fn snapshot(&self) -> Snapshot {
        let mut now = self.update(|now| now.clone());
        if let Some(started) = self.started.get() {
            let read = now.done.saturating_sub(now.shared + now.errors);
            now.rate = read as f64 / started.elapsed().as_secs_f64().max(1e-9);
            let left = now.total.saturating_sub(now.done) as f64;
            now.remaining_seconds = (now.rate > 0.0).then_some(left / now.rate);
        }
        now
    }

    fn update<T>(&self, update: impl FnOnce(&mut Snapshot) -> T) -> T {
        update(&mut self.snapshot.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
