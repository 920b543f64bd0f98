//! The log of failures that no client sees as an error. Those that one sees are in the access log.

use crate::log::{RateLimiter, fields};
use aqs_origin::singleflight::Failure;
use aqs_origin::{ReadPlan, RequestContext};

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
