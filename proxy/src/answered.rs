//! What becomes of requests: counted once, shown under our names and under upstream's.
//!
//! A request is two additions to a cell of its own kind. What the families of metrics sum up is
//! summed up when somebody looks.

use crate::serve::{CacheResult, Method};
use aqs_api::{Catalogue, EndpointId};
use prometheus::core::{Collector, Desc};
use prometheus::proto;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The statuses that are counted one by one; any other is counted as `other`.
const STATUSES: [u16; 14] = [200, 204, 304, 400, 404, 405, 408, 413, 414, 431, 500, 501, 503, 504];
/// What stands for requests that belong to no endpoint.
const NO_ENDPOINT: &str = "none";
/// What stands for a status that is not among [`STATUSES`].
const OTHER: &str = "other";
/// The methods in upstream's words, by their index.
const METHODS: [&str; 5] = ["get", "head", "options", "post", "unknown"];
const NANOSECONDS: f64 = 1e9;
/// The bounds of our histogram in nanoseconds. Upstream's are among them.
const BOUNDS: [u64; 17] = [
    10_000,
    30_000,
    100_000,
    300_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];
/// Those of [`BOUNDS`] that upstream's histogram has: 1 ms to 1 s (contract §6.4).
const UPSTREAM_BOUNDS: std::ops::Range<usize> = 4..14;

/// The requests that were answered.
#[derive(Clone)]
pub(crate) struct Answered(Arc<Inner>);

struct Inner {
    templates: Vec<String>,
    cells: Vec<OnceLock<Box<Cell>>>,
    descs: [Desc; 4],
}

/// Requests of one endpoint, status, cache result and method.
#[derive(Default)]
struct Cell {
    /// How many took up to each bound, and longer than all.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

/// The sum of some cells.
#[derive(Clone, Copy, Default)]
struct Sum {
    buckets: [u64; BOUNDS.len() + 1],
    nanoseconds: u64,
}

/// What a family has: label values and sums.
type Sums<'a> = BTreeMap<Vec<&'a str>, Sum>;

impl Answered {
    /// Nothing answered yet.
    pub(crate) fn new(catalogue: &Catalogue) -> Result<Self, prometheus::Error> {
        let mut templates: Vec<String> =
            catalogue.endpoints().map(|(_, endpoint)| endpoint.template()).collect();
        templates.push(NO_ENDPOINT.to_owned());
        let desc = |name: &str, help: &str, labels: &[&str]| {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
        };
        let descs = [
            desc(
                "aqs_requests_total",
                "Requests answered, by endpoint template, status and cache result",
                &["endpoint", "status", "cache"],
            )?,
            desc(
                "aqs_request_seconds",
                "From the complete head to the answer handed to the socket",
                &["endpoint", "cache"],
            )?,
            desc(
                "http_requests_total",
                "Upstream's name: requests answered, by status and method",
                &["code", "method"],
            )?,
            desc(
                "http_request_duration_seconds",
                "Upstream's name: from the complete head to the answer handed to the socket",
                &["code", "method"],
            )?,
        ];
        let kinds = templates.len() * (STATUSES.len() + 1) * CacheResult::ALL.len() * METHODS.len();
        let cells = std::iter::repeat_with(OnceLock::new).take(kinds).collect();
        Ok(Self(Arc::new(Inner { templates, cells, descs })))
    }

    /// Counts one.
    pub(crate) fn count(
        &self,
        endpoint: Option<EndpointId>,
        method: Method,
        status: u16,
        result: CacheResult,
        took: Duration,
    ) {
        let inner = &self.0;
        let none = inner.templates.len() - 1;
        let row = endpoint.map_or(none, EndpointId::index).min(none);
        let column = STATUSES.iter().position(|held| *held == status).unwrap_or(STATUSES.len());
        let kind = (row * (STATUSES.len() + 1) + column) * CacheResult::ALL.len() + result.index();
        let Some(cell) = inner.cells.get(kind * METHODS.len() + index(method)) else { return };
        let cell = cell.get_or_init(Box::default);
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = cell.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        cell.nanoseconds.fetch_add(took, Ordering::Relaxed);
    }

    /// The sums of all four families, each cell read once so that they agree.
    fn sums(&self) -> [Sums<'_>; 4] {
        let inner = &self.0;
        let mut sums = [const { Sums::new() }; 4];
        let statuses: Vec<&str> = status_labels().iter().map(String::as_str).collect();
        let mut cells = inner.cells.iter();
        for template in &inner.templates {
            for status in &statuses {
                for result in CacheResult::ALL {
                    for (method, cell) in METHODS.iter().zip(cells.by_ref()) {
                        let Some(cell) = cell.get() else { continue };
                        let sum = cell.read();
                        let cache = result.label();
                        let labels = [
                            vec![cache, template, status],
                            vec![cache, template],
                            vec![status, method],
                            vec![status, method],
                        ];
                        for (sums, labels) in sums.iter_mut().zip(labels) {
                            sums.entry(labels).or_default().add(&sum);
                        }
                    }
                }
            }
        }
        sums
    }
}

impl Collector for Answered {
    fn desc(&self) -> Vec<&Desc> {
        self.0.descs.iter().collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let [requests, seconds, upstream_requests, upstream_seconds] = self.sums();
        let all = 0..BOUNDS.len();
        let families = [
            (requests, None),
            (seconds, Some(all)),
            (upstream_requests, None),
            (upstream_seconds, Some(UPSTREAM_BOUNDS)),
        ];
        let family = |desc: &Desc, sums: Sums<'_>, bounds: Option<std::ops::Range<usize>>| {
            let mut names: Vec<&String> = desc.variable_labels.iter().collect();
            names.sort();
            let mut family = proto::MetricFamily::default();
            family.set_name(desc.fq_name.clone());
            family.set_help(desc.help.clone());
            family.set_field_type(match bounds {
                None => proto::MetricType::COUNTER,
                Some(_) => proto::MetricType::HISTOGRAM,
            });
            let metric = |(values, sum): (Vec<&str>, Sum)| {
                let pair = |(name, value): (&&String, &str)| {
                    let mut pair = proto::LabelPair::default();
                    pair.set_name((*name).clone());
                    pair.set_value(value.to_owned());
                    pair
                };
                let labels = names.iter().zip(values).map(pair).collect();
                let mut metric = proto::Metric::from_label(labels);
                match &bounds {
                    None => metric.set_counter(sum.counter()),
                    Some(bounds) => metric.set_histogram(sum.histogram(bounds)),
                }
                metric
            };
            family.set_metric(sums.into_iter().map(metric).collect());
            family
        };
        let families = self.0.descs.iter().zip(families);
        families.map(|(desc, (sums, bounds))| family(desc, sums, bounds)).collect()
    }
}

impl Cell {
    fn read(&self) -> Sum {
        let mut sum = Sum::default();
        for (read, held) in sum.buckets.iter_mut().zip(&self.buckets) {
            *read = held.load(Ordering::Relaxed);
        }
        sum.nanoseconds = self.nanoseconds.load(Ordering::Relaxed);
        sum
    }
}

impl Sum {
    fn add(&mut self, other: &Self) {
        for (held, more) in self.buckets.iter_mut().zip(other.buckets) {
            *held += more;
        }
        self.nanoseconds = self.nanoseconds.wrapping_add(other.nanoseconds);
    }

    fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn counter(&self) -> proto::Counter {
        let mut counter = proto::Counter::default();
        counter.set_value(self.count() as f64);
        counter
    }

    fn histogram(&self, bounds: &std::ops::Range<usize>) -> proto::Histogram {
        let mut histogram = proto::Histogram::default();
        let mut buckets = Vec::with_capacity(bounds.len());
        let mut below = 0;
        for (index, (bound, count)) in BOUNDS.iter().zip(self.buckets).enumerate() {
            below += count;
            if bounds.contains(&index) {
                let mut bucket = proto::Bucket::default();
                bucket.set_upper_bound(*bound as f64 / NANOSECONDS);
                bucket.set_cumulative_count(below);
                buckets.push(bucket);
            }
        }
        histogram.set_bucket(buckets);
        histogram.set_sample_count(self.count());
        histogram.set_sample_sum(self.nanoseconds as f64 / NANOSECONDS);
        histogram
    }
}

fn status_labels() -> &'static [String] {
    static LABELS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
        STATUSES.iter().map(u16::to_string).chain([OTHER.to_owned()]).collect()
    });
    &LABELS
}

fn index(method: Method) -> usize {
    match method {
        Method::Get => 0,
        Method::Head => 1,
        Method::Options => 2,
        Method::Post => 3,
        Method::Other => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::{Encoder, Registry, TextEncoder};

    #[test]
    fn one_count_is_shown_under_four_names() {
        let catalogue = Catalogue::standard().unwrap();
        let answered = Answered::new(&catalogue).unwrap();
        let registry = Registry::new();
        registry.register(Box::new(answered.clone())).unwrap();
        let ms = Duration::from_millis;
        let devices = catalogue.endpoints().next().map(|(id, _)| id);
        answered.count(devices, Method::Get, 200, CacheResult::Fresh, Duration::from_micros(20));
        answered.count(devices, Method::Get, 200, CacheResult::Fresh, ms(1));
        answered.count(devices, Method::Head, 200, CacheResult::Fresh, ms(3));
        answered.count(None, Method::Get, 200, CacheResult::Generated, ms(2000));
        answered.count(None, Method::Other, 405, CacheResult::Generated, ms(1));
        answered.count(None, Method::Get, 418, CacheResult::Generated, Duration::MAX);
        let mut text = Vec::new();
        TextEncoder::new().encode(&registry.gather(), &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let endpoint =
            "endpoint=\"/unique-devices/{project}/{access-site}/{granularity}/{start}/{end}\"";
        let fresh = format!("cache=\"fresh\",{endpoint}");
        for line in [
            format!("aqs_requests_total{{{fresh},status=\"200\"}} 3"),
            "aqs_requests_total{cache=\"generated\",endpoint=\"none\",status=\"200\"} 1".into(),
            "aqs_requests_total{cache=\"generated\",endpoint=\"none\",status=\"other\"} 1".into(),
            format!("aqs_request_seconds_bucket{{{fresh},le=\"0.00001\"}} 0"),
            format!("aqs_request_seconds_bucket{{{fresh},le=\"0.00003\"}} 1"),
            format!("aqs_request_seconds_bucket{{{fresh},le=\"0.001\"}} 2"),
            format!("aqs_request_seconds_bucket{{{fresh},le=\"+Inf\"}} 3"),
            format!("aqs_request_seconds_count{{{fresh}}} 3"),
            format!("aqs_request_seconds_sum{{{fresh}}} 0.00402"),
            "http_requests_total{code=\"200\",method=\"get\"} 3".into(),
            "http_requests_total{code=\"200\",method=\"head\"} 1".into(),
            "http_requests_total{code=\"405\",method=\"unknown\"} 1".into(),
            "http_request_duration_seconds_count{code=\"200\",method=\"get\"} 3".into(),
            "http_request_duration_seconds_sum{code=\"200\",method=\"get\"} 2.00102".into(),
        ] {
            assert!(text.lines().any(|held| held == line), "{line} is not in\n{text}");
        }
        // Upstream's buckets, and no others.
        let buckets: Vec<&str> = text
            .lines()
            .filter_map(|line| {
                let labels = "http_request_duration_seconds_bucket{code=\"200\",method=\"get\",le=";
                line.strip_prefix(labels)
            })
            .collect();
        let expected = [
            ("0.001", 2),
            ("0.0025", 2),
            ("0.005", 2),
            ("0.01", 2),
            ("0.025", 2),
            ("0.05", 2),
            ("0.1", 2),
            ("0.25", 2),
            ("0.5", 2),
            ("1", 2),
            ("+Inf", 3),
        ];
        assert_eq!(buckets, expected.map(|(bound, count)| format!("\"{bound}\"}} {count}")));
    }
}
