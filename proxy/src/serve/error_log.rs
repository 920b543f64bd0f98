//! Telling the log that there was no answer: each failure once, and a flood of them in part.

use crate::log::{RateLimiter, fields};
use aqs_origin::{OriginError, RequestId, TraceParent};

/// What was told lately.
#[derive(Debug, Default)]
pub struct ErrorLog(RateLimiter);

impl ErrorLog {
    /// Tells that a request got no answer, unless too much is told already.
    pub fn tell(
        &self,
        request: &RequestId,
        trace: Option<TraceParent>,
        path: &str,
        error: &OriginError,
    ) {
        let Some(untold) = self.0.take() else { return };
        let id = trace.map(|trace| tracing::field::display(trace.trace_id()));
        let parent = trace.map(|trace| tracing::field::display(trace.parent_id()));
        tracing::error!(
            { fields::REQUEST_ID } = %request,
            { fields::TRACE } = id,
            { fields::PARENT } = parent,
            { fields::KEY } = path,
            { fields::ERROR } = %error,
            untold,
            "no answer"
        );
    }
}
