//! Failures of the store and of reads: the status that a client gets, and the log of those that no
//! client sees.

use crate::log::fields;
use aqs_api::Fault;
use aqs_api::fault::StoreFailure;
use aqs_origin::singleflight::Failure;
use aqs_origin::store::StoreError;
use aqs_origin::{OriginError, RateLimiter, ReadPlan, RequestContext, RequestId};

/// What a client learns of a failure: none of its details, but the id that the log has it under.
pub(super) fn fault(error: &OriginError, request: &RequestId) -> Fault {
    let failure = match error {
        OriginError::Store(StoreError::Unavailable { .. }) | OriginError::Lost => {
            StoreFailure::Unreachable
        }
        OriginError::Rejected | OriginError::Overloaded => StoreFailure::Overloaded,
        OriginError::Store(StoreError::Timeout { .. }) | OriginError::Deadline => {
            StoreFailure::Timeout
        }
        OriginError::Shape { .. } => return Fault::BrokenData,
        OriginError::Store(StoreError::Failed { .. }) | OriginError::NoRoute { .. } => {
            StoreFailure::Failed
        }
    };
    Fault::Store { failure, request: request.to_string().into() }
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
