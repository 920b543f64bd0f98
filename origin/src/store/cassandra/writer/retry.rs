//! What becomes of a write that failed.

use crate::backoff::Backoff;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use std::time::Duration;

/// How often a write is tried.
pub(super) const ATTEMPTS: u32 = 10;
/// All waits together are more than 20 s: a node is started anew in that time.
pub(super) const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

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
    fn all_waits_together_outlast_a_node_that_starts_anew() {
        let waits: Vec<_> = (1..ATTEMPTS).map(|attempt| BACKOFF.wait(attempt)).collect();
        let millis: Vec<_> = waits.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        assert!(waits.iter().sum::<Duration>() > Duration::from_secs(20));
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
