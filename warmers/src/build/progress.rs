//! The progress of a build.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

#[derive(Debug, Default)]
pub struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When the build began to read answers.
    started: Option<Instant>,
    snapshot: Snapshot,
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
    /// Begins to count answers, again if a smaller part of the plan is tried. Top lists that were
    /// read before do not count.
    pub(super) fn start(&self, wanted: usize, shared: usize) {
        let (total, shared) = (wanted as u64, shared as u64);
        self.update(|state| {
            state.started = Some(Instant::now());
            let Snapshot { reads, retries, .. } = state.snapshot;
            state.snapshot =
                Snapshot { total, shared, done: shared, reads, retries, ..Snapshot::default() };
        });
    }

    pub(super) fn add_answers(&self, read: usize, failed: usize, bytes: u64) {
        self.update(|State { started, snapshot }| {
            if started.is_some() {
                snapshot.done += (read + failed) as u64;
                snapshot.errors += failed as u64;
                snapshot.bytes += bytes;
            }
        });
    }

    pub(super) fn add_reads(&self, reads: usize, is_retry: bool) {
        self.update(|State { snapshot, .. }| {
            snapshot.reads += reads as u64;
            snapshot.retries += if is_retry { reads as u64 } else { 0 };
        });
    }

    pub(super) fn bytes(&self) -> u64 {
        self.update(|state| state.snapshot.bytes)
    }

    pub fn snapshot(&self) -> Snapshot {
        let (mut now, started) = self.update(|state| (state.snapshot.clone(), state.started));
        if let Some(started) = started {
            let read = now.done.saturating_sub(now.shared + now.errors);
            now.rate = read as f64 / started.elapsed().as_secs_f64().max(1e-9);
            let left = now.total.saturating_sub(now.done) as f64;
            now.remaining_seconds = (now.rate > 0.0).then_some(left / now.rate);
        }
        now
    }

    fn update<T>(&self, update: impl FnOnce(&mut State) -> T) -> T {
        update(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
