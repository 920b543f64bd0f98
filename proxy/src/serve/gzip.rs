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

pub(super) struct GzipEncoder {
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    metrics: Arc<Metrics>,
}

impl GzipEncoder {
    pub(super) fn new(tasks: TaskTracker, metrics: Arc<Metrics>) -> Self {
        Self { permits: Arc::new(Semaphore::new(MAX_COMPRESSIONS)), tasks, metrics }
    }

    /// Whether a client gets the gzip form of an entry: it prefers it and the form exists. The
    /// first request for the form gets the identity form and starts the compression.
    pub(super) fn is_available(&self, entry: &Arc<Entry>, negotiation: Negotiation<'_>) -> bool {
        let Representation::Body(body) = &entry.representation else { return false };
        if !negotiation.accept_encoding.is_some_and(prefers_gzip) {
            return false;
        }
        if body.gzip().is_some() {
            return true;
        }
        // The body is claimed last, so that the claim is not lost when no permit is free.
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
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
