//! Request metrics: counted once, exposed under our names and under upstream's.
//!
//! A request costs two atomic additions to the cell of its labels. The families of metrics are
//! summed up when they are scraped.

#[cfg(test)]
mod tests;

use crate::http::{CacheResult, Method};
use aqs_api::{Catalogue, EndpointId};
use prometheus::core::{Collector, Desc};
use prometheus::{Error, proto};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The statuses with a label of their own. Heads that become no request (414, 431, 505) have
/// their own metric.
const STATUSES: [u16; 13] = [200, 204, 304, 400, 404, 405, 408, 413, 417, 499, 500, 503, 504];
/// The label of requests that belong to no endpoint.
const NO_ENDPOINT: &str = "none";
/// The label of a status that is not among [`STATUSES`].
const OTHER: &str = "other";

/// The counts of all requests.
#[derive(Clone)]
pub(crate) struct RequestMetrics(Arc<Inner>);

struct Inner {
    templates: Vec<String>,
    cells: Vec<OnceLock<Box<Cell>>>,
    descs: [Desc; 4],
}

impl RequestMetrics {
    pub(crate) fn new(catalogue: &Catalogue) -> Result<Self, Error> {
        let mut templates: Vec<String> =
            catalogue.endpoints().map(|(_, endpoint)| endpoint.template()).collect();
        templates.push(NO_ENDPOINT.to_owned());
        let results = CacheResult::ALL.len();
        let kinds = templates.len() * (STATUSES.len() + 1) * results * Method::ALL.len();
        let cells = std::iter::repeat_with(OnceLock::new).take(kinds).collect();
        Ok(Self(Arc::new(Inner { templates, cells, descs: descs()? })))
    }

    pub(crate) fn count(
        &self,
        endpoint: Option<EndpointId>,
        method: Method,
        status: u16,
        result: CacheResult,
        duration: Duration,
    ) {
        let inner = &self.0;
        let none = inner.templates.len() - 1;
        let row = endpoint.map_or(none, EndpointId::index).min(none);
        let column = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len());
        let kind = (row * (STATUSES.len() + 1) + column) * CacheResult::ALL.len() + result as usize;
        let Some(cell) = inner.cells.get(kind * Method::ALL.len() + method as usize) else {
            return;
        };
        cell.get_or_init(Box::default).count(duration);
    }
}

/// The bounds of our histogram in microseconds. Upstream's are among them.
const BOUNDS: [u64; 17] = [
    10, 30, 100, 300, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];
/// Those of [`BOUNDS`] that upstream's histogram has: 1 ms to 1 s (contract §6.4).
const UPSTREAM_BOUNDS: Range<usize> = 4..14;

/// The requests of one endpoint, status, cache result and method.
#[derive(Default)]
struct Cell {
    /// The requests per bucket, the last of them above all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

/// The sum of several cells.
#[derive(Clone, Copy, Default)]
struct Sum {
    buckets: [u64; BOUNDS.len() + 1],
    nanoseconds: u64,
}

impl Cell {
    fn count(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket =
            BOUNDS.iter().position(|bound| nanoseconds <= *bound * 1000).unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

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

    fn histogram(&self, bounds: &Range<usize>) -> proto::Histogram {
        let mut histogram = proto::Histogram::default();
        let mut buckets = Vec::with_capacity(bounds.len());
        let mut below = 0;
        for (index, (bound, count)) in BOUNDS.iter().zip(self.buckets).enumerate() {
            below += count;
            if bounds.contains(&index) {
                let mut bucket = proto::Bucket::default();
                bucket.set_upper_bound(*bound as f64 / 1e6);
                bucket.set_cumulative_count(below);
                buckets.push(bucket);
            }
        }
        histogram.set_bucket(buckets);
        histogram.set_sample_count(self.count());
        histogram.set_sample_sum(self.nanoseconds as f64 / 1e9);
        histogram
    }
}

/// The label values and sums of a family.
type Sums<'a> = BTreeMap<Vec<&'a str>, Sum>;

impl RequestMetrics {
    /// The sums of all four families. Each cell is read once, so that they agree.
    fn sums<'a>(&'a self, statuses: &'a [String]) -> [Sums<'a>; 4] {
        let inner = &self.0;
        let mut sums = [const { Sums::new() }; 4];
        let mut cells = inner.cells.iter();
        for template in &inner.templates {
            for status in statuses {
                for result in CacheResult::ALL {
                    for (method, cell) in Method::ALL.iter().zip(cells.by_ref()) {
                        let Some(cell) = cell.get() else { continue };
                        let sum = cell.read();
                        let (cache, method) = (result.label(), method.label());
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

impl Collector for RequestMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.0.descs.iter().collect()
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let statuses: Vec<String> =
            STATUSES.iter().map(u16::to_string).chain([OTHER.to_owned()]).collect();
        let [requests, seconds, upstream_requests, upstream_seconds] = self.sums(&statuses);
        let all = 0..BOUNDS.len();
        let families = [
            (requests, None),
            (seconds, Some(all)),
            (upstream_requests, None),
            (upstream_seconds, Some(UPSTREAM_BOUNDS)),
        ];
        let family = |desc: &Desc, sums: Sums<'_>, bounds: Option<Range<usize>>| {
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

/// Describes the families: our requests and their duration, then upstream's.
fn descs() -> Result<[Desc; 4], Error> {
    let desc = |name: &str, help: &str, labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())
    };
    Ok([
        desc(
            "aqs_requests_total",
            "Responses to clients, by endpoint template, status and cache result; rejected bodies \
             and, with 503, rejected connections included",
            &["endpoint", "status", "cache"],
        )?,
        desc(
            "aqs_request_seconds",
            "Duration from the complete head to the response being written to the socket",
            &["endpoint", "cache"],
        )?,
        desc(
            "http_requests_total",
            "Upstream's name for aqs_requests_total, by status and method; unknown for a method \
             that HTTP does not define or that was not read",
            &["code", "method"],
        )?,
        desc(
            "http_request_duration_seconds",
            "Upstream's name for aqs_request_seconds, by status and method",
            &["code", "method"],
        )?,
    ])
}
