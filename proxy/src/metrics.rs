//! The metrics of this crate: the one place where they are declared.

use crate::serve::CacheResult;
use aqs_api::{Catalogue, EndpointId};
use aqs_origin::declare::{Declarations, Declared};
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts,
};
use std::sync::OnceLock;
use std::time::Duration;

/// The statuses that are counted one by one; any other is counted as `other`.
const STATUSES: [u16; 14] = [200, 204, 304, 400, 404, 405, 408, 413, 414, 431, 500, 501, 503, 504];
/// What stands for requests that belong to no endpoint.
const NO_ENDPOINT: &str = "none";

/// What the front counts. Handles are looked up once and kept, so that a hit hashes no label.
pub struct Metrics {
    templates: Vec<String>,
    requests: IntCounterVec,
    request_handles: Vec<OnceLock<IntCounter>>,
    seconds: HistogramVec,
    second_handles: Vec<OnceLock<Histogram>>,
    /// Connections that are open now, by listener.
    pub connections: IntGaugeVec,
    /// Connections turned away, since too many were open.
    pub connections_refused: IntCounter,
    /// Heads that were refused before they became a request.
    pub refused: IntCounterVec,
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
    pub codings: IntCounter,
    /// Bytes of memory by part, and the bound of all.
    pub memory: IntGaugeVec,
    /// Bytes that the response cache holds.
    pub cache_bytes: IntGauge,
    /// Entries that the response cache holds.
    pub cache_entries: IntGauge,
}

impl Metrics {
    /// Declares them.
    pub fn declare(
        declarations: &mut Declarations<'_>,
        catalogue: &Catalogue,
    ) -> Result<Self, prometheus::Error> {
        let mut templates: Vec<String> =
            catalogue.endpoints().map(|(_, endpoint)| endpoint.template()).collect();
        templates.push(NO_ENDPOINT.to_owned());
        let results = CacheResult::ALL.len();
        let requests = IntCounterVec::new(
            Opts::new(
                "aqs_requests_total",
                "Requests answered, by endpoint template, status and cache result",
            ),
            &["endpoint", "status", "cache"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "aqs_request_seconds",
                "From the complete head to the answer handed to the socket",
            )
            .buckets(prometheus::exponential_buckets(0.000_01, 3.0, 14)?),
            &["endpoint", "cache"],
        )?;
        let connections = IntGaugeVec::new(
            Opts::new("aqs_connections", "Connections that are open now, by listener"),
            &["listener"],
        )?;
        let connections_refused = IntCounter::new(
            "aqs_connections_refused_total",
            "Connections turned away, since too many were open",
        )?;
        let refused = IntCounterVec::new(
            Opts::new("aqs_refused_heads_total", "Heads that became no request, by status"),
            &["status"],
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
        let codings = counter("aqs_gzip_total", "Bodies that were coded with gzip")?;
        let memory = IntGaugeVec::new(
            Opts::new("aqs_memory_bytes", "Bytes of memory by part; `total` is the bound of all"),
            &["part"],
        )?;
        let cache_bytes = IntGauge::new("aqs_cache_bytes", "Bytes that the response cache holds")?;
        let cache_entries =
            IntGauge::new("aqs_cache_entries", "Entries that the response cache holds")?;
        let build = Gauge::with_opts(
            Opts::new("aqs_build_info", "Always 1; the version is in the label")
                .const_label("version", env!("CARGO_PKG_VERSION")),
        )?;
        build.set(1.0);
        declarations.add(requests.clone())?;
        declarations.add(seconds.clone())?;
        declarations.add(connections.clone())?;
        declarations.add(connections_refused.clone())?;
        declarations.add(refused.clone())?;
        declarations.add(evictions.clone())?;
        declarations.add(too_heavy.clone())?;
        declarations.add(refreshes.clone())?;
        declarations.add(refreshes_failed.clone())?;
        declarations.add(refreshes_deferred.clone())?;
        declarations.add(codings.clone())?;
        declarations.add(memory.clone())?;
        declarations.add(cache_bytes.clone())?;
        declarations.add(cache_entries.clone())?;
        declarations.add(build)?;
        let endpoints = templates.len();
        let request_cells = endpoints * (STATUSES.len() + 1) * results;
        Ok(Self {
            request_handles: std::iter::repeat_with(OnceLock::new).take(request_cells).collect(),
            second_handles: std::iter::repeat_with(OnceLock::new)
                .take(endpoints * results)
                .collect(),
            templates,
            requests,
            seconds,
            connections,
            connections_refused,
            refused,
            evictions,
            too_heavy,
            refreshes,
            refreshes_failed,
            refreshes_deferred,
            codings,
            memory,
            cache_bytes,
            cache_entries,
        })
    }

    /// Counts an answered request.
    pub fn request(
        &self,
        endpoint: Option<EndpointId>,
        status: u16,
        result: CacheResult,
        took: Duration,
    ) {
        let none = self.templates.len() - 1;
        let row = endpoint.map_or(none, EndpointId::index).min(none);
        let column = STATUSES.iter().position(|held| *held == status).unwrap_or(STATUSES.len());
        let results = CacheResult::ALL.len();
        let template = self.templates.get(row).map_or(NO_ENDPOINT, String::as_str);

        let cell = (row * (STATUSES.len() + 1) + column) * results + result.index();
        if let Some(handle) = self.request_handles.get(cell) {
            handle
                .get_or_init(|| {
                    let status = STATUSES.get(column).map_or("other".to_owned(), u16::to_string);
                    self.requests.with_label_values(&[template, &status, result.label()])
                })
                .inc();
        }
        if let Some(handle) = self.second_handles.get(row * results + result.index()) {
            handle
                .get_or_init(|| self.seconds.with_label_values(&[template, result.label()]))
                .observe(took.as_secs_f64());
        }
    }
}

/// The page that lists metrics, as `dashboards/METRICS.md` has it.
pub fn page(declared: &[Declared]) -> String {
    let mut page = String::from(
        "# Metrics\n\nAt `/metrics` of the admin listener. This page is made from the declarations; a test keeps it\nfresh (`AQS_WRITE_PAGES=1 cargo test -p aqs-proxy` writes it).\n\n\
         | metric | type | labels | what it tells |\n|---|---|---|---|\n",
    );
    for Declared { name, kind, labels, help } in declared {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        page.push_str(&format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", ")));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::Registry;
    use std::path::Path;

    #[test]
    fn the_page_lists_what_is_declared() {
        let registry = Registry::new();
        let mut declarations = Declarations::of(&registry);
        Metrics::declare(&mut declarations, &Catalogue::standard().unwrap()).unwrap();
        aqs_origin::Metrics::declare(&mut declarations).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboards/METRICS.md");
        let page = page(&declarations.declared);
        if std::env::var_os("AQS_WRITE_PAGES").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "the page is stale");
        for Declared { name, kind, .. } in &declarations.declared {
            assert!(name.starts_with("aqs_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == "counter", "{name} is a {kind}");
        }
    }
}
