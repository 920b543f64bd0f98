//! The metrics as Prometheus reads them.

use crate::cache::MemoryBalancer;
use aqs_api::Fault;
use aqs_origin::{Clock, Moment};
use bytes::Bytes;
use parking_lot::Mutex;
use prometheus::{Encoder, Registry, TextEncoder};
use std::sync::Arc;

/// Renders the metrics page, for operators and (at most once a second) for clients.
pub struct MetricsPage {
    registry: Registry,
    balancer: Arc<MemoryBalancer>,
    clock: Clock,
    last: Mutex<Option<(Moment, Bytes)>>,
}

/// For how many seconds clients get the same page: there may be many of them.
const PUBLIC_SECONDS: i64 = 1;

impl MetricsPage {
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    pub fn new(registry: Registry, balancer: Arc<MemoryBalancer>, clock: Clock) -> Self {
        Self { registry, balancer, clock, last: Mutex::default() }
    }

    /// Renders the current values. A failure is logged here.
    pub fn render(&self) -> Result<Bytes, prometheus::Error> {
        self.balancer.refresh_gauges();
        let mut body = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut body)
            .inspect_err(|error| tracing::error!(%error, "failed to write the metrics"))?;
        Ok(body.into())
    }

    /// The fault that stands for a page that could not be written.
    pub fn fault() -> Fault {
        Fault::other(500, "The metrics can't be written; the log says why.")
    }

    /// Returns the page that was rendered within the last second, or renders it.
    pub(super) fn recent(&self) -> Result<Bytes, prometheus::Error> {
        let now = self.clock.now();
        let mut last = self.last.lock();
        if let Some((rendered, page)) = &*last
            && (0..PUBLIC_SECONDS).contains(&now.seconds_since(*rendered))
        {
            return Ok(page.clone());
        }
        *last = None;
        let page = self.render()?;
        *last = Some((now, page.clone()));
        Ok(page)
    }
}
