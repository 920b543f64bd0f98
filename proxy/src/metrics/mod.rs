//! The metrics of this crate: the one place where they are declared.

mod lost;
mod page;

pub use page::page;

use crate::build_info;
use crate::log::Handle;
use crate::request_metrics::RequestMetrics;
use aqs_api::Catalogue;
use aqs_origin::declare::Declarations;
use lost::LinesLost;
use prometheus::core::Desc;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use std::collections::HashMap;

/// What the front counts. What a hit counts hashes no label.
pub struct Metrics {
    /// The requests that were answered.
    pub(crate) requests: RequestMetrics,
    /// Connections that are open now, by listener.
    pub connections: IntGaugeVec,
    /// Connections turned away, since too many were open, by listener.
    pub connections_refused: IntCounterVec,
    /// Connections that ended, by listener and reason.
    pub connections_ended: IntCounterVec,
    refused: IntCounterVec,
    /// Requests of the admin listener that were not let in, by reason.
    pub admin_refused: IntCounterVec,
    /// Entries that the response cache evicted.
    pub evictions: IntCounter,
    /// Answers that are too heavy to be kept.
    pub too_heavy: IntCounter,
    /// Refreshes that were begun behind a stale answer.
    pub refreshes: IntCounter,
    /// Refreshes that brought nothing.
    pub refreshes_failed: IntCounter,
    /// Refreshes that were put off, since too many ran.
    pub refreshes_deferred: IntCounter,
    /// Bodies that were coded with gzip.
    pub compressions: IntCounter,
    /// Failures of background tasks, by task.
    pub background_task_failures: IntCounterVec,
    /// Bytes of memory by part, and the bound of all.
    pub memory: IntGaugeVec,
    /// Bytes that the response cache holds.
    pub cache_bytes: IntGauge,
    /// Entries that the response cache holds.
    pub cache_entries: IntGauge,
}

impl Metrics {
    /// Declares them; `log` is the log, if it is ours.
    pub fn declare(
        declarations: &mut Declarations<'_>,
        catalogue: &Catalogue,
        log: Option<Handle>,
    ) -> Result<Self, prometheus::Error> {
        let requests = RequestMetrics::new(catalogue, request_descs()?);
        let connections = IntGaugeVec::new(
            Opts::new("aqs_connections", "Connections that are open now, by listener"),
            &["listener"],
        )?;
        let connections_refused = IntCounterVec::new(
            Opts::new(
                "aqs_connections_refused_total",
                "Connections turned away, since too many were open, by listener; clients that got \
                 an answer are in the requests with 503 too",
            ),
            &["listener"],
        )?;
        let connections_ended = IntCounterVec::new(
            Opts::new(
                "aqs_connections_ended_total",
                "Connections that ended, by listener and reason (client, idle, request-timeout, \
                 write-timeout, requests: it had as many as it may, refused, drain: let go at the \
                 end, cut: not awaited at the end)",
            ),
            &["listener", "reason"],
        )?;
        let refused = IntCounterVec::new(
            Opts::new(
                "aqs_refused_heads_total",
                "Heads that became no request, by status; they are not among the requests",
            ),
            &["status"],
        )?;
        let admin_refused = IntCounterVec::new(
            Opts::new(
                "aqs_admin_refused_total",
                "Requests of the admin listener that were not let in, by reason",
            ),
            &["reason"],
        )?;
        let evictions = IntCounter::new(
            "aqs_cache_evictions_total",
            "Entries that the response cache evicted",
        )?;
        let counter = |name, help| IntCounter::new(name, help);
        let too_heavy =
            counter("aqs_cache_refused_total", "Answers that are too heavy to be kept")?;
        let refreshes =
            counter("aqs_refreshes_total", "Refreshes that were begun behind a stale answer")?;
        let refreshes_failed =
            counter("aqs_refreshes_failed_total", "Refreshes that brought nothing")?;
        let refreshes_deferred =
            counter("aqs_refreshes_deferred_total", "Refreshes put off, since too many ran")?;
        let compressions = counter("aqs_gzip_total", "Bodies that were coded with gzip")?;
        let background_task_failures = IntCounterVec::new(
            Opts::new(
                "aqs_background_task_failures_total",
                "Background tasks that panicked or returned early and were restarted, by task",
            ),
            &["task"],
        )?;
        let lines_lost = LinesLost::new(
            Opts::new(
                "aqs_log_lines_lost_total",
                "Lines of the log that were lost, since nobody took them in time or they could not \
                 be written",
            ),
            log,
        )?;
        let memory = IntGaugeVec::new(
            Opts::new("aqs_memory_bytes", "Bytes of memory by part; `total` is the bound of all"),
            &["part"],
        )?;
        let cache_bytes = IntGauge::new("aqs_cache_bytes", "Bytes that the response cache holds")?;
        let cache_entries =
            IntGauge::new("aqs_cache_entries", "Entries that the response cache holds")?;
        let build = Gauge::with_opts(
            Opts::new("aqs_build_info", "Always 1; the version is in the label")
                .const_label("version", build_info::VERSION),
        )?;
        build.set(1.0);
        let upstream_build = Gauge::with_opts(
            Opts::new(
                "service_scaffold_golang_build_info",
                "Upstream's name: always 1; what was built is in the labels",
            )
            .const_label("version", build_info::VERSION)
            .const_label("build_date", build_info::BUILD_DATE)
            .const_label("build_host", build_info::BUILD_HOST)
            .const_label("go_version", build_info::RUST_VERSION),
        )?;
        upstream_build.set(1.0);
        declarations.add(requests.clone())?;
        declarations.add(connections.clone())?;
        declarations.add(connections_refused.clone())?;
        declarations.add(connections_ended.clone())?;
        declarations.add(refused.clone())?;
        declarations.add(admin_refused.clone())?;
        declarations.add(evictions.clone())?;
        declarations.add(too_heavy.clone())?;
        declarations.add(refreshes.clone())?;
        declarations.add(refreshes_failed.clone())?;
        declarations.add(refreshes_deferred.clone())?;
        declarations.add(compressions.clone())?;
        declarations.add(background_task_failures.clone())?;
        declarations.add(lines_lost)?;
        declarations.add(memory.clone())?;
        declarations.add(cache_bytes.clone())?;
        declarations.add(cache_entries.clone())?;
        declarations.add(build)?;
        declarations.add(upstream_build)?;
        #[cfg(target_os = "linux")]
        declarations.add(prometheus::process_collector::ProcessCollector::for_self())?;
        Ok(Self {
            requests,
            connections,
            connections_refused,
            connections_ended,
            refused,
            admin_refused,
            evictions,
            too_heavy,
            refreshes,
            refreshes_failed,
            refreshes_deferred,
            compressions,
            background_task_failures,
            memory,
            cache_bytes,
            cache_entries,
        })
    }

    /// Counts a head that became no request.
    pub fn refused_head(&self, status: u16) {
        self.refused.with_label_values(&[itoa::Buffer::new().format(status)]).inc();
    }
}

/// The families of requests: ours, then upstream's.
pub(crate) fn request_descs() -> Result<[Desc; 4], prometheus::Error> {
    let desc = |name: &str, help: &str, labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
    };
    Ok([
        desc(
            "aqs_requests_total",
            "Requests of clients answered, also by a refusal of their body or, with 503, of their \
             connection, by endpoint template, status and cache result",
            &["endpoint", "status", "cache"],
        )?,
        desc(
            "aqs_request_seconds",
            "From the complete head, or the refusal, to the answer handed to the socket",
            &["endpoint", "cache"],
        )?,
        desc(
            "http_requests_total",
            "Upstream's name for aqs_requests_total, by status and method; unknown if it is none \
             of HTTP's, or was not read",
            &["code", "method"],
        )?,
        desc(
            "http_request_duration_seconds",
            "Upstream's name for aqs_request_seconds, by status and method",
            &["code", "method"],
        )?,
    ])
}
