//! The limit of open connections. Rejections are bounded too, and logged once a minute.

use super::HttpServer;
use super::connection::{Next, linger};
use super::exchange::{Exchange, Refused};
use super::metrics::ConnectionMetrics;
use crate::metrics::Metrics;
use aqs_api::Problem;
use aqs_api::problem::Code;
use aqs_origin::RateLimiter;
use pingora_core::protocols::Stream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a rejected client may take for its reply: enough for a round trip around the world.
const REJECTION_TIMEOUT: Duration = Duration::from_millis(500);
/// The least time between two lines of the log.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// How many connections may get the reply that rejects them at the same time, for a limit of open
/// connections. More of them are closed without one.
pub fn max_rejections(max_connections: usize) -> usize {
    (max_connections / 16).clamp(64, 1024)
}

pub struct Admission {
    permits: Arc<Semaphore>,
    rejection_permits: Arc<Semaphore>,
    pub(super) metrics: ConnectionMetrics,
    log: RateLimiter,
}

impl Admission {
    pub fn new(max_connections: usize, metrics: &Metrics) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits));
        Self {
            permits: semaphore(max_connections.min(Semaphore::MAX_PERMITS)),
            rejection_permits: semaphore(max_rejections(max_connections)),
            metrics: ConnectionMetrics::new(metrics),
            log: RateLimiter::new(1, LOG_INTERVAL),
        }
    }

    pub(super) fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }
}

/// Closes a connection, with a 503 if not too many get one at the moment.
pub(super) fn reject(server: &Arc<HttpServer>, io: Stream, connections: &mut JoinSet<()>) {
    let Admission { rejection_permits, metrics, log, .. } = &server.admission;
    metrics.rejected.inc();
    if let Some(suppressed) = log.take() {
        let connections = suppressed + 1;
        tracing::warn!(connections, "connections were rejected: too many are open");
    }
    let Ok(permit) = Arc::clone(rejection_permits).try_acquire_owned() else { return };
    let server = Arc::clone(server);
    connections.spawn(async move {
        let _permit = permit;
        let limit = REJECTION_TIMEOUT.min(server.limits.linger);
        // The connection is closed either way.
        let _ = timeout(limit, send_rejection(&server, io)).await;
    });
}

async fn send_rejection(server: &Arc<HttpServer>, mut io: Stream) {
    let problem =
        Problem::new(503, Code::Unavailable, "Too many connections. Please try again later.");
    let next = Exchange::new(server).refuse(&mut io, Refused::Connection, problem).await;
    if let Next::Linger(_) = next {
        linger(io, REJECTION_TIMEOUT).await;
    }
}
