//! What is done about a node that fails: another is asked, and it is remembered which it was.

use scylla::cluster::{ClusterState, NodeRef};
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::policies::load_balancing::{FallbackPlan, LoadBalancingPolicy, RoutingInfo};
use scylla::policies::retry::{RequestInfo, RetryDecision, RetryPolicy, RetrySession};
use scylla::routing::Shard;
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
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
    /// The nodes that were asked for a page, first to last. No other execution asks them for the
    /// same one.
    asked: RefCell<SmallVec<[Asked; 1]>>,
    /// The node that failed last.
    failed: Cell<Option<SocketAddr>>,
    /// How often another node was asked after one had failed.
    pub(super) retries: Cell<u32>,
}

/// A node that was asked, or that was to be and is down.
#[derive(Debug)]
struct Asked {
    host: u128,
    address: SocketAddr,
    failed: bool,
}

impl Way {
    /// Another page begins, for which nobody was asked yet.
    pub(super) fn begin_page(&self) {
        self.asked.borrow_mut().clear();
        self.failed.set(None);
    }

    /// How many nodes were asked for this page.
    pub(super) fn asked(&self) -> usize {
        self.asked.borrow().len()
    }

    /// The node that failed last.
    pub(super) fn failed(&self) -> Option<SocketAddr> {
        self.failed.get()
    }

    /// The first node that has said nothing.
    pub(super) fn silent(&self) -> Option<SocketAddr> {
        let asked = self.asked.borrow();
        asked.iter().find(|node| !node.failed).map(|node| node.address)
    }

    /// Notes that a node is asked; false if it was before.
    fn ask(&self, node: NodeRef<'_>) -> bool {
        let mut asked = self.asked.borrow_mut();
        let host = node.host_id.as_u128();
        let new = asked.iter().all(|asked| asked.host != host);
        if new {
            asked.push(Asked { host, address: address(node), failed: false });
        }
        new
    }

    fn fail(&self, node: NodeRef<'_>) {
        self.failed.set(Some(address(node)));
        let host = node.host_id.as_u128();
        let mut asked = self.asked.borrow_mut();
        asked.iter_mut().filter(|asked| asked.host == host).for_each(|asked| asked.failed = true);
    }
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

/// Whether it is worth waiting for another execution that asks other nodes.
pub(super) fn another_may_succeed(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) => true,
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(
            DbError::Unprepared { .. },
            _,
        )) => true,
        ExecutionError::LastAttemptError(error) => another_may_do_better(error),
        _ => false,
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

/// Another policy, whose failing nodes are remembered. The executions that ask for one page share
/// its nodes: none is asked twice as long as there is another.
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
        let picked = self.0.pick(request, cluster)?;
        if ask(picked.0) {
            return Some(picked);
        }
        self.fallback(request, cluster).next().or(Some(picked))
    }

    fn fallback<'a>(
        &'a self,
        request: &'a RoutingInfo<'_>,
        cluster: &'a ClusterState,
    ) -> FallbackPlan<'a> {
        // Taken one by one, as nodes are to be asked: what is asked meanwhile is left out.
        Box::new(self.0.fallback(request, cluster).filter(|(node, _)| ask(node)))
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
        let _ = WAY.try_with(|way| way.fail(node));
        tracing::debug!(node = %address(node), %error, "a node failed at a request");
        self.0.on_request_failure(request, took, node, error);
    }

    fn name(&self) -> String {
        self.0.name()
    }
}

/// Notes that a node is asked; false if it was before. What is no read of the store may ask any.
fn ask(node: NodeRef<'_>) -> bool {
    WAY.try_with(|way| way.ask(node)).unwrap_or(true)
}

fn address(node: NodeRef<'_>) -> SocketAddr {
    SocketAddr::new(node.address.ip(), node.address.port())
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
