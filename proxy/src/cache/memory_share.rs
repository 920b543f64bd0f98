//! Gives the response cache the memory that the other parts of the budget leave.

use super::{Aliases, ResponseCache};
use crate::metrics::Metrics;
use aqs_origin::memory_budget::{Budget, Consumer};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_millis(100);
/// A capacity that is off by less than one part in this many is kept: shrinking has a price.
const TOLERANCE: u64 = 50;

/// Keeps the capacity of the cache and the memory gauges up to date.
pub struct MemoryBalancer {
    pub budget: Arc<Budget>,
    pub cache: Arc<ResponseCache>,
    pub aliases: Arc<Aliases>,
    pub metrics: Arc<Metrics>,
}

impl MemoryBalancer {
    /// Balances at a fixed interval until `cancel` is cancelled.
    pub async fn run(self: Arc<Self>, cancel: CancellationToken) {
        while cancel.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
            self.balance();
        }
    }

    fn balance(&self) {
        self.budget.set(Consumer::Cache, self.cache.bytes());
        self.budget.set(Consumer::Aliases, self.aliases.bytes());
        let (wanted, held) = (self.budget.left_for_cache(), self.cache.capacity());
        if wanted.abs_diff(held) > held / TOLERANCE {
            self.cache.resize(wanted);
        }
    }

    /// Balances and sets the gauges, for a scrape.
    pub fn refresh_gauges(&self) {
        self.balance();
        self.metrics.cache_bytes.set(self.cache.bytes() as i64);
        self.metrics.cache_entries.set(self.cache.len() as i64);
        let gauge = |part: &str| self.metrics.memory.with_label_values(&[part]);
        gauge("total").set(self.budget.total() as i64);
        for part in Consumer::ALL {
            gauge(part.name()).set(self.budget.used(part) as i64);
        }
    }
}
