//! Refreshes behind a stale answer that the client already has.

use super::miss::MissHandler;
use crate::http::RequestTrace;
use aqs_api::{KeyRef, Target};
use aqs_origin::{Entry, Moment, Priority, ReadPlan};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// How much longer a refresh waits than its read may take.
const EXTRA_TIMEOUT: Duration = Duration::from_secs(1);
/// The least time between two refreshes of an entry.
const INTERVAL: Duration = Duration::from_secs(5);

pub struct Refresher {
    misses: Arc<MissHandler>,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Refresher {
    pub fn new(misses: Arc<MissHandler>, max_refreshes: usize, tasks: TaskTracker) -> Self {
        Self { misses, permits: Arc::new(Semaphore::new(max_refreshes)), tasks }
    }

    /// Starts the refresh of a stale entry, unless one was started recently or too many run. Logs
    /// contain the id of the request that hit the entry.
    pub(super) fn start(
        &self,
        entry: &Entry,
        key: KeyRef<'_>,
        now: Moment,
        trace: &RequestTrace<'_>,
    ) {
        // Most hits end here: returning a permit takes the lock of the semaphore. The entry is
        // claimed after that, so that it keeps its turn when no permit is free.
        if entry.backs_off(now) {
            return;
        }
        let metrics = &self.misses.metrics;
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            metrics.refreshes_deferred.inc();
            return;
        };
        if !entry.claim_refresh(now, INTERVAL) {
            return;
        }
        let target = Target { dialect: key.dialect(), path: key.path() };
        let Ok(query) = self.misses.origin.catalogue().resolve(target) else { return };
        metrics.refreshes.inc();
        let misses = Arc::clone(&self.misses);
        let mut ctx = misses.context(Priority::Refresh, trace);
        self.tasks.spawn(async move {
            let plan = Arc::new(ReadPlan::new(query, misses.origin.catalogue()));
            // No client waits: the permit is held until the read has ended.
            ctx.deadline = Instant::now() + misses.responses.limits().timeout + EXTRA_TIMEOUT;
            if let Err(failure) = misses.fetch(&plan, &ctx).await {
                misses.metrics.refreshes_failed.inc();
                misses.error_log.write(&plan, &failure, &ctx, "a refresh failed");
            }
            drop(permit);
        });
    }
}
