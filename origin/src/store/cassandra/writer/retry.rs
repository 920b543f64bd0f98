//! What becomes of a write that failed.

use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use std::time::Duration;

/// How often a write is tried.
pub(super) const ATTEMPTS: u32 = 10;
/// How long it is waited before the second attempt; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait. All waits together are more than 20 s: a node is started anew in that time.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long to wait before the attempt after this one, which is counted from 1.
pub(super) fn wait(attempt: u32) -> Duration {
    let doubled = 1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT)
}

/// Whether the same write may well succeed a little later.
pub(super) fn may_succeed_later(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::EmptyPlan
        | ExecutionError::ConnectionPoolError(_)
        | ExecutionError::RequestTimeout(_) => true,
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, _)) => matches!(
            error,
            DbError::Unavailable { .. }
                | DbError::Overloaded
                | DbError::IsBootstrapping
                | DbError::WriteTimeout { .. }
                | DbError::WriteFailure { .. }
                | DbError::ServerError
                | DbError::RateLimitReached { .. }
        ),
        ExecutionError::LastAttemptError(error) => matches!(
            error,
            RequestAttemptError::UnableToAllocStreamId
                | RequestAttemptError::BrokenConnectionError(_)
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::errors::WriteType;
    use scylla::statement::Consistency;

    fn said(error: DbError) -> ExecutionError {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, String::new()))
    }

    #[test]
    fn waits_double_up_to_a_bound() {
        let waits: Vec<_> = (1..ATTEMPTS).map(|attempt| wait(attempt).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        assert_eq!(wait(1000).as_secs(), 5);
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let consistency = Consistency::LocalQuorum;
        for passes in [
            ExecutionError::EmptyPlan,
            ExecutionError::RequestTimeout(Duration::from_secs(10)),
            said(DbError::Overloaded),
            said(DbError::Unavailable { consistency, required: 2, alive: 1 }),
            said(DbError::WriteTimeout {
                consistency,
                received: 1,
                required: 2,
                write_type: WriteType::Simple,
            }),
        ] {
            assert!(may_succeed_later(&passes), "{passes}");
        }
        for stays in [
            said(DbError::Invalid),
            said(DbError::Unauthorized),
            said(DbError::SyntaxError),
            said(DbError::ConfigError),
        ] {
            assert!(!may_succeed_later(&stays), "{stays}");
        }
    }
}
