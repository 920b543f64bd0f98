//! Gzip: made once for each body, off the threads that serve.

use super::request_head::Negotiation;
use super::{Service, coding};
use aqs_api::Representation;
use aqs_origin::{Entry, gzip};
use std::sync::Arc;

impl Service {
    /// Whether a client gets the gzip form of an entry: if it likes it and the form is there.
    /// Whoever likes it first gets the identity, and has it made.
    pub(super) fn gzip(self: &Arc<Self>, entry: &Arc<Entry>, negotiation: Negotiation<'_>) -> bool {
        let Representation::Body(body) = &entry.representation else { return false };
        let Some(header) = negotiation.accept_encoding else { return false };
        if !coding::prefers_gzip(header) {
            return false;
        }
        if body.gzip().is_some() {
            return true;
        }
        // The permit first, so that a body keeps its claim while too many are being coded.
        if let Ok(permit) = Arc::clone(&self.codings).try_acquire_owned()
            && body.begin_gzip()
        {
            let (entry, codings) = (Arc::clone(entry), self.metrics.codings.clone());
            self.tasks.spawn_blocking(move || {
                if let Representation::Body(body) = &entry.representation
                    && let Ok(coded) = gzip::compress(&body.identity)
                {
                    body.keep_gzip(coded);
                    codings.inc();
                }
                drop(permit);
            });
        }
        false
    }
}
