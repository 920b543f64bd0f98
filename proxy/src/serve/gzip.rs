//! The gzip forms of bodies: made once for each body, off the async threads.

use crate::http::{Negotiation, prefers_gzip};
use crate::metrics::Metrics;
use aqs_api::Representation;
use aqs_origin::{Entry, gzip};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// How many bodies are compressed at once: serving comes first.
const MAX_COMPRESSIONS: usize = 1;

pub struct GzipEncoder {
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    metrics: Arc<Metrics>,
}

impl GzipEncoder {
    pub fn new(tasks: TaskTracker, metrics: Arc<Metrics>) -> Self {
        Self { permits: Arc::new(Semaphore::new(MAX_COMPRESSIONS)), tasks, metrics }
    }

    /// Whether a client gets the gzip form of an entry: it prefers it and the form exists. The
    /// first request for the form gets the identity form and starts the compression.
    pub(super) fn is_available(&self, entry: &Arc<Entry>, negotiation: Negotiation<'_>) -> bool {
        let Representation::Body(body) = &entry.representation else { return false };
        if !prefers_gzip(negotiation.accept_encoding) {
            return false;
        }
        if body.gzip().is_some() {
            return true;
        }
        // Most hits end here: returning a permit takes the lock of the semaphore. The body is
        // claimed after that, so that it is not lost when no permit is free.
        if body.needs_gzip()
            && let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
            && body.begin_gzip()
        {
            let (entry, compressions) = (Arc::clone(entry), self.metrics.compressions.clone());
            self.tasks.spawn_blocking(move || {
                if let Representation::Body(body) = &entry.representation
                    && let Ok(coded) = gzip::compress(&body.identity)
                {
                    body.keep_gzip(coded);
                    compressions.inc();
                }
                drop(permit);
            });
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::lifetimes::Times;
    use aqs_api::{Catalogue, Target};
    use aqs_origin::epochs::Epoch;
    use aqs_origin::metric_declarations::Declarations;
    use aqs_origin::{Moment, ReadPlan};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn hits_on_a_body_that_is_being_compressed_take_no_permit() {
        let catalogue = Catalogue::standard().unwrap();
        let registry = prometheus::Registry::new();
        let metrics = Metrics::declare(&mut Declarations::of(&registry), &catalogue, None).unwrap();
        let encoder = GzipEncoder::new(TaskTracker::new(), Arc::new(metrics));
        let target = "/metrics/pageviews/top/en.wikipedia/all-access/2026/01/01";
        let query = catalogue.resolve(Target::parse(target).unwrap()).unwrap();
        let plan = ReadPlan::new(query, &catalogue);
        let entry = Arc::new(Entry::new(
            Representation::body("x".repeat(4096)),
            plan.query().endpoint_id(),
            Moment(1000),
            Epoch(1),
            plan.tags(),
            Times::default().data,
        ));
        let Representation::Body(body) = &entry.representation else { panic!() };
        assert!(body.begin_gzip());
        let negotiation =
            Negotiation { accept_encoding: b"gzip"[..].into(), ..Negotiation::default() };
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert!(!encoder.is_available(&entry, negotiation));
                }
            });
            let until = Instant::now() + Duration::from_millis(300);
            let is_free = || encoder.permits.available_permits() == MAX_COMPRESSIONS;
            let mut always_free = true;
            while Instant::now() < until {
                always_free &= is_free();
            }
            done.store(true, Ordering::Relaxed);
            assert!(always_free, "a hit took the permit");
        });
    }
}
