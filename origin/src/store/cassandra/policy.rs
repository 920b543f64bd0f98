//! What is done about a node that fails: another is asked, and it is remembered which it was.

use scylla::cluster::{ClusterState, NodeRef};
use scylla::errors::{DbError, RequestAttemptError};
use scylla::policies::load_balancing::{FallbackPlan, LoadBalancingPolicy, RoutingInfo};
use scylla::policies::retry::{RequestInfo, RetryDecision, RetryPolicy, RetrySession};
use scylla::routing::Shard;
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

tokio::task_local! {
    /// What happened on the way of the request that this task makes.
    pub(super) static WAY: Way;
}

/// What happened on the way of one request.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The node that failed last.
    pub(super) failed: Cell<Option<SocketAddr>>,
    /// How often another node was asked after one had failed.
    pub(super) retries: Cell<u32>,
}

/// Asks the next node whenever that may help, for what may be asked twice.
///
/// The driver's own policy gives up when a node could not gather enough replicas in time, as for
/// writes it must. For a read, another node is likely to know better which replicas are alive.
#[derive(Debug)]
pub(super) struct NextHost;

/// How often a request is made again. With the first, every replica of a data centre had a turn,
/// and another one.
const RETRIES: u32 = 3;

struct Retries(u32);

impl RetryPolicy for NextHost {
    fn new_session(&self) -> Box<dyn RetrySession> {
        Box::new(Retries(0))
    }
}

impl RetrySession for Retries {
    fn decide_should_retry(&mut self, request: RequestInfo<'_>) -> RetryDecision {
        if self.0 == RETRIES || !request.is_idempotent || !another_may_do_better(request.error) {
            return RetryDecision::DontRetry;
        }
        self.0 += 1;
        // Only reads of the store have a way; the questions of its keeper have none.
        let _ = WAY.try_with(|way| way.retries.set(way.retries.get() + 1));
        RetryDecision::RetryNextTarget(None)
    }

    fn reset(&mut self) {
        self.0 = 0;
    }
}

fn another_may_do_better(error: &RequestAttemptError) -> bool {
    match error {
        RequestAttemptError::BrokenConnectionError(_)
        | RequestAttemptError::UnableToAllocStreamId => true,
        RequestAttemptError::DbError(error, _) => matches!(
            error,
            DbError::Overloaded
                | DbError::IsBootstrapping
                | DbError::ServerError
                | DbError::TruncateError
                | DbError::Unavailable { .. }
                | DbError::ReadTimeout { .. }
                | DbError::ReadFailure { .. }
                | DbError::WriteTimeout { .. }
                | DbError::RateLimitReached { .. }
        ),
        _ => false,
    }
}

/// Another policy, whose failing nodes are remembered.
#[derive(Debug)]
pub(super) struct Watched(Arc<dyn LoadBalancingPolicy>);

impl Watched {
    pub(super) fn over(policy: Arc<dyn LoadBalancingPolicy>) -> Self {
        Self(policy)
    }
}

impl LoadBalancingPolicy for Watched {
    fn pick<'a>(
        &'a self,
        request: &'a RoutingInfo<'_>,
        cluster: &'a ClusterState,
    ) -> Option<(NodeRef<'a>, Option<Shard>)> {
        self.0.pick(request, cluster)
    }

    fn fallback<'a>(
        &'a self,
        request: &'a RoutingInfo<'_>,
        cluster: &'a ClusterState,
    ) -> FallbackPlan<'a> {
        self.0.fallback(request, cluster)
    }

    fn on_request_success(&self, request: &RoutingInfo<'_>, took: Duration, node: NodeRef<'_>) {
        self.0.on_request_success(request, took, node);
    }

    fn on_request_failure(
        &self,
        request: &RoutingInfo<'_>,
        took: Duration,
        node: NodeRef<'_>,
        error: &RequestAttemptError,
    ) {
        let address = SocketAddr::new(node.address.ip(), node.address.port());
        let _ = WAY.try_with(|way| way.failed.set(Some(address)));
        tracing::debug!(node = %address, %error, "a node failed at a request");
        self.0.on_request_failure(request, took, node, error);
    }

    fn name(&self) -> String {
        self.0.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_node_is_asked_where_it_may_help() {
        let failed = |error| RequestAttemptError::DbError(error, String::new());
        for helps in [DbError::Overloaded, DbError::IsBootstrapping, DbError::ServerError] {
            assert!(another_may_do_better(&failed(helps)));
        }
        for same in [DbError::Invalid, DbError::SyntaxError, DbError::Unauthorized] {
            assert!(!another_may_do_better(&failed(same)));
        }
    }
}
