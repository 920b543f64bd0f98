//! The metrics of connections: how many are open, and why they close.

use super::HttpServer;
use crate::http::labelled_enum;
use crate::metrics::{GaugeGuard, Metrics};
use prometheus::{IntCounter, IntGauge};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

labelled_enum! {
    /// Why a connection closed.
    pub(crate) enum CloseReason {
        /// The client closed it, or asked for that.
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
pub(super) struct ConnectionMetrics {
    open: IntGauge,
    pub(super) rejected: IntCounter,
    closed: [IntCounter; CloseReason::ALL.len()],
}

impl ConnectionMetrics {
    pub(super) fn new(metrics: &Metrics) -> Self {
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
