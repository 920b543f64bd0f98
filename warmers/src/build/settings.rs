//! How builds treat the store.

use crate::checks::Thresholds;
use std::time::Duration;

/// How builds treat the store, all of them together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Reads at once.
    pub concurrency: usize,
    /// Reads begun in a second.
    pub rate: u32,
    /// How long a read may take, waiting for its turn included.
    pub within: Duration,
    /// How often a read is tried.
    pub attempts: u32,
    /// How long after a failure it is tried again; each time twice as long.
    pub backoff: Duration,
    /// After so many partitions in a row that could not be read, a build gives up.
    pub give_up_after: usize,
    /// How many bytes a generation may take; 0 for a quarter of the memory budget.
    pub memory: u64,
    /// What is asked of a build before it is published.
    pub thresholds: Thresholds,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrency: 16,
            rate: 2000,
            within: Duration::from_secs(30),
            attempts: 4,
            backoff: Duration::from_millis(250),
            give_up_after: 20,
            memory: 0,
            thresholds: Thresholds::default(),
        }
    }
}
