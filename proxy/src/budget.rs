//! The memory budget at work: how large it is, and the cache that gives way.

use crate::serve::Service;
use aqs_origin::memory::Consumer;
use std::time::Duration;
use sysinfo::System;
use tokio_util::sync::CancellationToken;

/// How often the parts are looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// A bound that is off by less than one in so many is left alone: shrinking has a price.
const TOLERANCE: u64 = 50;

/// What is taken where the machine doesn't tell its size.
const UNKNOWN: u64 = 256 * 1024 * 1024;

/// Half of what the control group allows, or a quarter of the machine.
pub fn default_bytes() -> u64 {
    let Ok(mut system) = System::new() else { return UNKNOWN };
    system.refresh_memory();
    match system.cgroup_limits() {
        // Without a limit it tells the machine's size.
        Some(limits) if limits.total_memory < system.total_memory() => limits.total_memory / 2,
        _ => system.total_memory() / 4,
    }
}

impl Service {
    /// Notes what the cache and its aliases use, and gives the cache what the others leave.
    pub(crate) fn rebalance(&self) {
        let budget = &self.origin.budget;
        budget.set(Consumer::Cache, self.cache.bytes());
        budget.set(Consumer::Aliases, self.aliases.bytes());
        let (wanted, held) = (budget.left_for_cache(), self.cache.capacity());
        if wanted.abs_diff(held) > held / TOLERANCE {
            self.cache.resize(wanted);
        }
    }

    /// Rebalances again and again, until it is cancelled.
    pub(crate) async fn keep_balanced(self: std::sync::Arc<Self>, cancel: CancellationToken) {
        while cancel.run_until_cancelled(tokio::time::sleep(BETWEEN_LOOKS)).await.is_some() {
            self.rebalance();
        }
    }

    /// Brings the gauges up to date that are read rather than counted.
    pub(crate) fn refresh_gauges(&self) {
        self.rebalance();
        self.metrics.cache_bytes.set(self.cache.bytes() as i64);
        self.metrics.cache_entries.set(self.cache.len() as i64);
        let budget = &self.origin.budget;
        let gauge = |part: &str| self.metrics.memory.with_label_values(&[part]);
        gauge("total").set(budget.total() as i64);
        for part in Consumer::ALL {
            gauge(part.name()).set(budget.used(part) as i64);
        }
    }
}
