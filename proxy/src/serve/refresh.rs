//! Refreshing behind a stale answer that the client already has.

use super::{Call, Service};
use aqs_api::KeyRef;
use aqs_origin::{Entry, Moment, Priority, ReadPlan};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// By how much longer a refresh waits for its flight than that may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long after one refresh of an entry the next may begin, if it is still needed then.
const BETWEEN_REFRESHES: Duration = Duration::from_secs(5);

impl Service {
    /// Begins the refresh of a stale entry, unless it was begun lately or too many run. The log
    /// calls it by the request that met the entry.
    pub(super) fn refresh(
        self: &Arc<Self>,
        entry: &Entry,
        key: KeyRef<'_>,
        now: Moment,
        call: &Call<'_>,
    ) {
        // The permit first: an entry whose turn has not come keeps its claim.
        let Ok(permit) = Arc::clone(&self.refreshes).try_acquire_owned() else {
            self.metrics.refreshes_deferred.inc();
            return;
        };
        if !entry.claim_refresh(now, BETWEEN_REFRESHES) {
            return;
        }
        let Some(query) = self.query_of(key) else { return };
        self.metrics.refreshes.inc();
        let (service, call) = (Arc::clone(self), call.to_owned());
        self.tasks.spawn(async move {
            let read_plan = Arc::new(ReadPlan::new(query, &service.catalogue));
            let mut ctx = service.ctx(Priority::Refresh, call);
            // No client waits: the permit is held until the flight has ended.
            ctx.deadline = Instant::now() + service.flights.limits().timeout + PATIENCE;
            if service.ask(&read_plan, &ctx).await.is_err() {
                service.metrics.refreshes_failed.inc();
            }
            drop(permit);
        });
    }
}
