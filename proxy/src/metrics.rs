//! The metrics of this crate: the one place where they are declared.

use crate::answered::Answered;
use crate::build_info;
use crate::serve::{CacheResult, Method};
use aqs_api::{Catalogue, EndpointId};
use aqs_origin::declare::{Declarations, Declared};
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use std::time::Duration;

/// What the front counts. What a hit counts hashes no label.
pub struct Metrics {
    answered: Answered,
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
    /// Lines of the log that were lost, since nobody took them in time.
    pub log_lost: IntCounter,
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
        let answered = Answered::new(catalogue)?;
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
        let log_lost = counter(
            "aqs_log_lines_lost_total",
            "Lines of the log that were lost, since nobody took them in time",
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
        declarations.add(answered.clone())?;
        declarations.add(connections.clone())?;
        declarations.add(connections_refused.clone())?;
        declarations.add(refused.clone())?;
        declarations.add(evictions.clone())?;
        declarations.add(too_heavy.clone())?;
        declarations.add(refreshes.clone())?;
        declarations.add(refreshes_failed.clone())?;
        declarations.add(refreshes_deferred.clone())?;
        declarations.add(codings.clone())?;
        declarations.add(log_lost.clone())?;
        declarations.add(memory.clone())?;
        declarations.add(cache_bytes.clone())?;
        declarations.add(cache_entries.clone())?;
        declarations.add(build)?;
        declarations.add(upstream_build)?;
        #[cfg(target_os = "linux")]
        declarations.add(prometheus::process_collector::ProcessCollector::for_self())?;
        Ok(Self {
            answered,
            connections,
            connections_refused,
            refused,
            evictions,
            too_heavy,
            refreshes,
            refreshes_failed,
            refreshes_deferred,
            codings,
            log_lost,
            memory,
            cache_bytes,
            cache_entries,
        })
    }

    /// Counts an answered request.
    pub fn request(
        &self,
        endpoint: Option<EndpointId>,
        method: Method,
        status: u16,
        result: CacheResult,
        took: Duration,
    ) {
        self.answered.count(endpoint, method, status, result, took);
    }
}

/// The page that lists metrics, as `dashboards/METRICS.md` has it.
pub fn page(declared: &[Declared]) -> String {
    let mut page = String::from(
        "# Metrics\n\nAt `/metrics` of the admin listener, and of the public one if `public_metrics` is on. This page is\nmade from the declarations; a test keeps it fresh (`AQS_WRITE_PAGES=1 cargo test -p aqs-proxy`\nwrites it). What has no `aqs_` before it goes by the names that dashboards of the upstream services\nand of processes look for.\n\n\
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
            let ours = ["aqs_", "http_", "process_", "service_scaffold_golang_build_info"];
            assert!(ours.iter().any(|prefix| name.starts_with(prefix)), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == "counter", "{name} is a {kind}");
        }
    }
}
