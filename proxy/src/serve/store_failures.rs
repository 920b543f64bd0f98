//! Failures of the store and of reads: the status that a client gets, and the log of those that no
//! client sees.

use crate::log::fields;
use aqs_api::Problem;
use aqs_api::problem::Code;
use aqs_origin::singleflight::Failure;
use aqs_origin::store::StoreError;
use aqs_origin::{OriginError, RateLimiter, ReadPlan, RequestContext, RequestId};

/// What a client learns of a failure: none of its details, but the id that the log has it under.
pub(super) fn problem(error: &OriginError, request: &RequestId) -> Problem {
    let (status, code, what) = match error {
        OriginError::Store(StoreError::Unavailable { .. }) | OriginError::Lost => {
            (503, Code::Unavailable, "The data store can't be reached at the moment")
        }
        OriginError::Rejected | OriginError::Overloaded => {
            (503, Code::Unavailable, "Too much is asked of the data store at the moment")
        }
        OriginError::Store(StoreError::Timeout { .. }) | OriginError::Deadline => {
            (504, Code::Timeout, "The data store did not answer in time")
        }
        OriginError::Shape { .. } => return Problem::broken_data(),
        _ => (500, Code::StoreFailed, "The data store failed"),
    };
    Problem::new(status, code, format!("{what}. Please try again later (request {request})."))
}

/// The log of failures that no client sees as an error. Those that one sees are in the access log.
#[derive(Debug, Default)]
pub struct ErrorLog(RateLimiter);

impl ErrorLog {
    /// Logs a failure, unless too many were logged in this second.
    pub(super) fn write(
        &self,
        plan: &ReadPlan,
        failure: &Failure,
        ctx: &RequestContext,
        message: &'static str,
    ) {
        let Some(suppressed) = self.0.take() else { return };
        let id = ctx.trace.map(|trace| tracing::field::display(trace.trace_id()));
        let parent = ctx.trace.map(|trace| tracing::field::display(trace.parent_id()));
        tracing::warn!(
            { fields::REQUEST_ID } = %ctx.request_id,
            { fields::TRACE } = id,
            { fields::PARENT } = parent,
            { fields::KEY } = plan.query().key().path(),
            { fields::ERROR } = %failure.error,
            suppressed,
            "{message}"
        );
    }
}
