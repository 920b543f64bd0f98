//! What is counted of connections: how many are open, and why they end.

use super::Front;
use crate::metrics::Metrics;
use prometheus::{IntCounter, IntGauge};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The client closed it, or asked us to.
    Client,
    /// Nothing came for too long between two requests.
    Idle,
    /// A request did not come in time.
    RequestTimeout,
    /// A reply was not taken in time.
    WriteTimeout,
    /// It had its requests.
    Requests,
    /// What came was refused.
    Refused,
    /// The program ends, and let it finish.
    Drain,
    /// The program ends, and could not wait for it any longer.
    Cut,
}

impl CloseReason {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Client,
        Self::Idle,
        Self::RequestTimeout,
        Self::WriteTimeout,
        Self::Requests,
        Self::Refused,
        Self::Drain,
        Self::Cut,
    ];

    /// Its name in metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Idle => "idle",
            Self::RequestTimeout => "request-timeout",
            Self::WriteTimeout => "write-timeout",
            Self::Requests => "requests",
            Self::Refused => "refused",
            Self::Drain => "drain",
            Self::Cut => "cut",
        }
    }
}

/// A listener's part of the metrics, looked up once.
pub(super) struct Counts {
    open: IntGauge,
    /// Connections turned away.
    pub(super) turned_away: IntCounter,
    ended: [IntCounter; CloseReason::ALL.len()],
}

impl Counts {
    pub(super) fn of(metrics: &Metrics) -> Self {
        let name = "public";
        Self {
            open: metrics.connections.with_label_values(&[name]),
            turned_away: metrics.connections_refused.with_label_values(&[name]),
            ended: CloseReason::ALL
                .map(|why| metrics.connections_ended.with_label_values(&[name, why.label()])),
        }
    }
}

/// Counts a connection as open for as long as it lives, and holds its place.
pub(super) struct Open {
    // Dropped first: whoever sees the counts sees the place free.
    _place: OwnedSemaphorePermit,
    counted: Counted,
}

struct Counted {
    front: Arc<Front>,
    why: CloseReason,
}

impl Open {
    pub(super) fn count(front: &Arc<Front>, place: OwnedSemaphorePermit) -> Self {
        front.counts.open.inc();
        // Whoever doesn't come to say why was cut.
        let counted = Counted { front: Arc::clone(front), why: CloseReason::Cut };
        Self { _place: place, counted }
    }

    /// Notes why it ended.
    pub(super) fn ended(&mut self, why: CloseReason) {
        self.counted.why = why;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let counts = &self.front.counts;
        if let Some(ended) = counts.ended.get(self.why as usize) {
            ended.inc();
        }
        counts.open.dec();
    }
}
