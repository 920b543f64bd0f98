//! Misses: asking origin and keeping what comes.

use super::cache_result::{CacheResult, Hit};
use super::{Reply, Service};
use aqs_api::problem::Code;
use aqs_api::{Problem, Query};
use aqs_origin::store::StoreError;
use aqs_origin::{Cx, OriginError, Priority};
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Service {
    /// Answers a query from origin and keeps the answer.
    pub(super) async fn fill(&self, query: Query, if_none_match: Option<Vec<u8>>) -> Reply {
        let result = match self.cache.get(query.key().as_ref()) {
            None => CacheResult::Cold,
            Some(_) => CacheResult::Expired,
        };
        let cx = Cx {
            deadline: Instant::now() + self.answer_within,
            priority: Priority::Live,
            request_id: self.last_request.fetch_add(1, Ordering::Relaxed) + 1,
        };
        match self.origin.answer(&query, &cx).await {
            Ok(entry) => {
                self.keep(query.key().clone(), &entry);
                Reply::entry(entry, if_none_match.as_deref(), result, Hit { ttl: 0 })
            }
            Err(error) => {
                tracing::error!(request = cx.request_id, path = query.key().path(), %error, "no answer");
                Reply::failure(failure(&error, cx.request_id), query.endpoint_id())
            }
        }
    }
}

/// What a client is told of a failure: nothing of its inside, but the number that the log has.
fn failure(error: &OriginError, request: u64) -> Problem {
    let (status, code, what) = match error {
        OriginError::Store(StoreError::Unavailable { .. }) => {
            (503, Code::Unavailable, "The data store can't be reached at the moment")
        }
        OriginError::Store(StoreError::Timeout { .. }) => {
            (504, Code::Timeout, "The data store did not answer in time")
        }
        OriginError::Shape { .. } => return Problem::broken_data(),
        _ => (500, Code::StoreFailed, "The data store failed"),
    };
    Problem::new(status, code, format!("{what}. Please try again later (request {request})."))
}
