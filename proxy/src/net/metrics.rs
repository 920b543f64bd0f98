//! The metrics of connections: how many are open, and why they close.

use super::HttpServer;
use crate::metrics::Metrics;
use prometheus::{IntCounter, IntGauge};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Declares the reasons with their labels in metrics.
macro_rules! close_reasons {
    ($($(#[$doc:meta])* $reason:ident $label:literal),+ $(,)?) => {
        /// Why a connection closed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum CloseReason {
            $($(#[$doc])* $reason,)+
        }

        const LABELS: [&str; [$($label),+].len()] = [$($label),+];
    };
}

close_reasons! {
    /// The client closed it, or asked for that.
    Client "client",
    /// No request came for too long.
    Idle "idle",
    /// A request did not arrive in time.
    RequestTimeout "request-timeout",
    /// The client did not take a reply in time.
    WriteTimeout "write-timeout",
    /// It had as many requests as it may.
    Requests "requests",
    /// A request was refused.
    Refused "refused",
    /// The server drained, and the connection could finish.
    Drain "drain",
    /// The server drained, and aborted the connection.
    Cut "cut",
}

/// The metrics of the public listeners, resolved once.
pub(super) struct ConnectionMetrics {
    open: IntGauge,
    pub(super) rejected: IntCounter,
    closed: [IntCounter; LABELS.len()],
}

impl ConnectionMetrics {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let listener = "public";
        Self {
            open: metrics.connections.with_label_values(&[listener]),
            rejected: metrics.connections_refused.with_label_values(&[listener]),
            closed: LABELS
                .map(|reason| metrics.connections_ended.with_label_values(&[listener, reason])),
        }
    }
}

/// Counts a connection as open, and why it closed when this is dropped.
pub(super) struct ConnectionGuard {
    permit: Option<OwnedSemaphorePermit>,
    server: Arc<HttpServer>,
    /// `Cut` unless the connection ends by itself and sets it.
    pub(super) reason: CloseReason,
}

impl ConnectionGuard {
    pub(super) fn new(server: &Arc<HttpServer>, permit: OwnedSemaphorePermit) -> Self {
        server.admission.metrics.open.inc();
        Self { permit: Some(permit), server: Arc::clone(server), reason: CloseReason::Cut }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        // Returned first: when the gauge falls, the permit is free.
        drop(self.permit.take());
        let metrics = &self.server.admission.metrics;
        if let Some(closed) = metrics.closed.get(self.reason as usize) {
            closed.inc();
        }
        metrics.open.dec();
    }
}
