//! Which failures pass, and how long that may take.

use aqs_origin::OriginError;
use aqs_origin::backoff::Backoff;
use aqs_origin::store::StoreError;
use std::time::Duration;

/// Whether asking again can help.
pub(super) fn helps(error: &OriginError) -> bool {
    matches!(
        error,
        OriginError::Store(StoreError::Unavailable { .. } | StoreError::Timeout { .. })
            | OriginError::Crowded
            | OriginError::Overloaded
            | OriginError::Deadline
    )
}

/// How long to wait after the so-manieth attempt.
pub(super) fn pause(first: Duration, attempt: u32) -> Duration {
    Backoff { first, longest: Duration::from_secs(30) }.jittered(attempt)
}
