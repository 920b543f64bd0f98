//! How far a build is.

use super::select::Selection;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Counts while a build runs.
#[derive(Debug, Default)]
pub struct Progress {
    started: OnceLock<Instant>,
    total: AtomicU64,
    shared: AtomicU64,
    read: AtomicU64,
    failed: AtomicU64,
    reads: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
}

/// How far a build was at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// How many answers are wanted; 0 as long as that isn't known.
    pub total: u64,
    /// How many are dealt with: taken over, read or failed.
    pub done: u64,
    /// How many were taken over unread.
    pub shared: u64,
    /// How many could not be read.
    pub errors: u64,
    /// How many reads the store was asked for.
    pub reads: u64,
    /// How many of these were further attempts.
    pub retries: u64,
    /// How many bytes the answers take.
    pub bytes: u64,
    /// Answers read in a second.
    pub rate: f64,
    /// How many seconds it will take to the end, if that can be told.
    pub remaining_seconds: Option<f64>,
}

impl Progress {
    /// Begins to count answers. What was read before that, lists of articles, is none of them.
    pub(super) fn expect(&self, selection: &Selection) {
        let shared = selection.shared.len() as u64;
        for count in [&self.read, &self.failed, &self.bytes] {
            count.store(0, Ordering::Relaxed);
        }
        self.total.store(selection.wanted as u64, Ordering::Relaxed);
        self.shared.store(shared, Ordering::Relaxed);
        // What was read to find out what is wanted is none of it.
        for count in [&self.read, &self.failed, &self.bytes] {
            count.store(0, Ordering::Relaxed);
        }
        // The first expectation counts: a build has one.
        let _ = self.started.set(Instant::now());
    }

    pub(super) fn read(&self, answers: usize, bytes: u64) {
        self.read.fetch_add(answers as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn asked(&self, reads: usize, again: bool) {
        self.reads.fetch_add(reads as u64, Ordering::Relaxed);
        if again {
            self.retries.fetch_add(reads as u64, Ordering::Relaxed);
        }
    }

    pub(super) fn failed(&self, answers: usize) {
        self.failed.fetch_add(answers as u64, Ordering::Relaxed);
    }

    /// How many bytes the answers that were read take.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How far it is now.
    pub fn snapshot(&self) -> Snapshot {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let reads = (get(&self.reads), get(&self.retries));
        if self.started.get().is_none() {
            return Snapshot { reads: reads.0, retries: reads.1, ..Snapshot::default() };
        }
        let (total, shared, read) = (get(&self.total), get(&self.shared), get(&self.read));
        let errors = get(&self.failed);
        let done = shared + read + errors;
        let seconds = self.started.get().map_or(0.0, |started| started.elapsed().as_secs_f64());
        let rate = if seconds > 0.0 { read as f64 / seconds } else { 0.0 };
        let remaining = total.saturating_sub(done) as f64;
        Snapshot {
            total,
            done,
            shared,
            errors,
            reads: reads.0,
            retries: reads.1,
            bytes: self.bytes(),
            rate,
            remaining_seconds: (rate > 0.0).then_some(remaining / rate),
        }
    }
}
