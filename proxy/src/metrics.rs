//! The metrics of this crate: the one place where they are declared. Those of requests are counted
//! by `request_metrics`; `serve::MetricsPage` renders all.

use crate::build_info;
use crate::log::Handle;
use crate::request_metrics::RequestMetrics;
use aqs_api::Catalogue;
use aqs_origin::metric_declarations::Declarations;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Error, Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};

/// Declares the metrics with a name: those with labels as vectors.
macro_rules! metrics {
    ($($field:ident: $kind:ident = $name:literal $([$($label:literal),+])?, $help:literal;)+) => {
        /// The metrics of this crate. Hits use handles that were resolved before.
        pub struct Metrics {
            pub(crate) requests: RequestMetrics,
            $(pub $field: $kind,)+
        }

        impl Metrics {
            fn of(to: &mut Declarations<'_>, catalogue: &Catalogue) -> Result<Self, Error> {
                Ok(Self {
                    requests: to.declare(RequestMetrics::new(catalogue))?,
                    $($field: to.declare(metrics!(@new $kind $name $help $($($label),+)?))?,)+
                })
            }
        }
    };
    (@new $kind:ident $name:literal $help:literal) => { $kind::new($name, $help) };
    (@new $kind:ident $name:literal $help:literal $($label:literal),+) => {
        $kind::new(Opts::new($name, $help), &[$($label),+])
    };
}

metrics! {
    connections: IntGaugeVec = "aqs_connections" ["listener"],
        "Open connections, by listener";
    connections_refused: IntCounterVec = "aqs_connections_refused_total" ["listener"],
        "Connections refused because too many were open, by listener; clients that got a \
         response are counted as requests with 503 too";
    connections_ended: IntCounterVec = "aqs_connections_ended_total" ["listener", "reason"],
        "Closed connections, by listener and reason (client, idle, request-timeout, \
         write-timeout, requests: the limit per connection, refused: after a rejected request, \
         drain: at shutdown, cut: aborted at shutdown)";
    refused_heads: IntCounterVec = "aqs_refused_heads_total" ["status"],
        "Heads that are no valid request, by status; they do not count as requests";
    admin_refused: IntCounterVec = "aqs_admin_refused_total" ["reason"],
        "Rejected requests of the admin listener, by reason";
    evictions: IntCounter = "aqs_cache_evictions_total",
        "Entries evicted from the response cache";
    too_heavy: IntCounter = "aqs_cache_refused_total",
        "Answers too large for the response cache";
    refreshes: IntCounter = "aqs_refreshes_total",
        "Background refreshes of stale answers";
    refreshes_failed: IntCounter = "aqs_refreshes_failed_total",
        "Failed background refreshes";
    refreshes_deferred: IntCounter = "aqs_refreshes_deferred_total",
        "Background refreshes not started because too many were running";
    compressions: IntCounter = "aqs_gzip_total",
        "Bodies compressed with gzip";
    background_task_failures: IntCounterVec = "aqs_background_task_failures_total" ["task"],
        "Background tasks that panicked or returned early and were restarted, by task";
    memory: IntGaugeVec = "aqs_memory_bytes" ["part"],
        "Memory by part; `total` is the limit of all parts";
    cache_bytes: IntGauge = "aqs_cache_bytes",
        "Size of the response cache";
    cache_entries: IntGauge = "aqs_cache_entries",
        "Entries of the response cache";
}

impl Metrics {
    /// Declares the metrics; `log` is the log of this program, if it has one.
    pub fn declare(
        to: &mut Declarations<'_>,
        catalogue: &Catalogue,
        log: Option<Handle>,
    ) -> Result<Self, Error> {
        let metrics = Self::of(to, catalogue)?;
        to.add(LinesLost::new(log)?)?;
        let version =
            |name, help| Opts::new(name, help).const_label("version", build_info::VERSION);
        let build = version("aqs_build_info", "Always 1; the version is a label");
        to.declare(Gauge::with_opts(build))?.set(1.0);
        let upstream = version(
            "service_scaffold_golang_build_info",
            "Upstream's name for the build: always 1; the build is described by the labels",
        )
        .const_label("build_date", build_info::BUILD_DATE)
        .const_label("build_host", build_info::BUILD_HOST)
        .const_label("go_version", build_info::RUST_VERSION);
        to.declare(Gauge::with_opts(upstream))?.set(1.0);
        #[cfg(target_os = "linux")]
        to.add(prometheus::process_collector::ProcessCollector::for_self())?;
        Ok(metrics)
    }

    /// Counts a head that is no valid request.
    pub fn refused_head(&self, status: u16) {
        self.refused_heads.with_label_values(&[itoa::Buffer::new().format(status)]).inc();
    }
}

/// Counts an open connection in a gauge until it is dropped, also by a panic.
pub(crate) struct GaugeGuard(IntGauge);

impl GaugeGuard {
    pub(crate) fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Exposes the log's own count of lost lines. A second counter, updated by concurrent scrapes,
/// would count too many.
struct LinesLost {
    none: IntCounter,
    log: Option<Handle>,
}

impl LinesLost {
    fn counter() -> Result<IntCounter, Error> {
        IntCounter::new(
            "aqs_log_lines_lost_total",
            "Log lines that were lost because the queue was full or a write failed",
        )
    }

    fn new(log: Option<Handle>) -> Result<Self, Error> {
        Ok(Self { none: Self::counter()?, log })
    }
}

impl Collector for LinesLost {
    fn desc(&self) -> Vec<&Desc> {
        self.none.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (Some(log), Ok(lost)) = (&self.log, Self::counter()) else {
            return self.none.collect();
        };
        lost.inc_by(log.lost());
        lost.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_origin::metric_declarations::Declared;
    use aqs_origin::metrics::CassandraMetrics;
    use prometheus::Registry;
    use std::path::Path;

    /// The page that lists metrics, as `dashboards/METRICS.md` has it.
    fn page(declared: &[Declared]) -> String {
        let mut page = String::from(
            "# Metrics\n\nAt `/metrics` of the admin listener, and of the public one if `public_metrics` is on. This page is\nmade from the declarations; a test compares it (`AQS_WRITE_PAGES=1 cargo test -p aqs-proxy`\nwrites it). Metrics without `aqs_` have the names that dashboards of the upstream services and of\nprocesses use.\n\n\
             | metric | type | labels | meaning |\n|---|---|---|---|\n",
        );
        for Declared { name, kind, labels, help } in declared {
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            page.push_str(&format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(", ")));
        }
        page
    }

    #[test]
    fn the_page_lists_what_is_declared() {
        let registry = Registry::new();
        let mut declarations = Declarations::of(&registry);
        Metrics::declare(&mut declarations, &Catalogue::standard().unwrap(), None).unwrap();
        aqs_origin::Metrics::declare(&mut declarations).unwrap();
        aqs_warmers::metrics::Metrics::declare(&mut declarations).unwrap();
        declarations.add(aqs_origin::metrics::embedded_tables("").unwrap()).unwrap();
        CassandraMetrics::new().unwrap().declare(&mut declarations).unwrap();
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
