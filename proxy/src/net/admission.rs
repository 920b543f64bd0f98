//! The limit of open connections, and their metrics. Rejections are bounded too, and logged once a
//! minute.

use super::HttpServer;
use super::connection::{Next, linger};
use super::exchange::{Exchange, Refused};
use crate::http::labelled_enum;
use crate::metrics::{GaugeGuard, Metrics};
use aqs_api::Fault;
use aqs_origin::RateLimiter;
use pingora_core::protocols::Stream;
use prometheus::{IntCounter, IntGauge};
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
    metrics: ConnectionMetrics,
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
    let fault = Fault::other(503, "Too many connections. Please try again later.");
    let next = Exchange::new(server).refuse(&mut io, Refused::Connection, fault).await;
    if let Next::Linger(_) = next {
        linger(io, REJECTION_TIMEOUT).await;
    }
}

labelled_enum! {
    /// Why a connection closed.
    pub(crate) enum CloseReason {
        /// The client closed it, or requested the close.
        Client = "client",
        /// No request came for too long.
        Idle = "idle",
        /// A request did not arrive in time.
        RequestTimeout = "request-timeout",
        /// The client did not take a reply in time.
        WriteTimeout = "write-timeout",
        /// It had as many requests as it may.
        Requests = "requests",
        /// A request was refused.
        Refused = "refused",
        /// The server drained, and the connection could finish.
        Drain = "drain",
        /// The server drained, and aborted the connection.
        Cut = "cut",
    }
}

/// The metrics of the public listeners, resolved once.
struct ConnectionMetrics {
    open: IntGauge,
    rejected: IntCounter,
    closed: [IntCounter; CloseReason::ALL.len()],
}

impl ConnectionMetrics {
    fn new(metrics: &Metrics) -> Self {
        let listener = "public";
        Self {
            open: metrics.connections.with_label_values(&[listener]),
            rejected: metrics.connections_refused.with_label_values(&[listener]),
            closed: CloseReason::ALL.map(|reason| {
                metrics.connections_ended.with_label_values(&[listener, reason.label()])
            }),
        }
    }
}

/// Counts a connection as open, and why it closed when this is dropped.
pub(super) struct ConnectionGuard {
    server: Arc<HttpServer>,
    /// `Cut` unless the connection ends by itself and sets it.
    pub(super) reason: CloseReason,
    _permit: OwnedSemaphorePermit,
    /// Dropped last: when the gauge falls, the permit is free.
    _open: GaugeGuard,
}

impl ConnectionGuard {
    pub(super) fn new(server: &Arc<HttpServer>, permit: OwnedSemaphorePermit) -> Self {
        let open = GaugeGuard::new(&server.admission.metrics.open);
        let server = Arc::clone(server);
        Self { server, reason: CloseReason::Cut, _permit: permit, _open: open }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        if let Some(closed) = self.server.admission.metrics.closed.get(self.reason as usize) {
            closed.inc();
        }
    }
}
