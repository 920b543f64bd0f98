//! The metrics of this crate: the one place where they are declared.

use crate::metric_declarations::Declarations;
use aqs_api::calendar::Granularity;
use aqs_api::calendar::{Digits, Hour};
use aqs_api::{Coverage, Dataset};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

#[derive(Clone, Debug)]
pub struct Metrics {
    store_reads: IntCounterVec,
    store_seconds: HistogramVec,
    pub purges: IntCounterVec,
    pub no_data: IntCounterVec,
    data_through: IntGaugeVec,
    singleflight: IntCounterVec,
    in_flight: IntGaugeVec,
    waiting: IntGaugeVec,
    shed: IntCounterVec,
    queue: IntGaugeVec,
}

#[derive(Clone, Debug)]
pub struct LimiterMetrics {
    pub full: IntCounter,
    pub late: IntCounter,
    pub waiting: IntGauge,
}

#[derive(Debug)]
pub(crate) struct ReadMetrics {
    pub(crate) seconds: Histogram,
    pub(crate) rows: IntCounter,
    pub(crate) empty: IntCounter,
    pub(crate) error: IntCounter,
}

#[derive(Clone, Debug)]
pub struct SingleflightMetrics {
    pub started: IntCounter,
    pub joined: IntCounter,
    pub rejected: IntCounter,
    pub in_flight: IntGauge,
    pub waiting: IntGauge,
}

impl Metrics {
    pub fn declare(declarations: &mut Declarations<'_>) -> Result<Self, prometheus::Error> {
        let counters =
            |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauges = |name, help, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let seconds =
            HistogramOpts::new("aqs_store_read_seconds", "How long a store took for a read")
                .buckets(prometheus::exponential_buckets(0.000_1, 2.5, 12)?);
        Ok(Self {
            store_reads: declarations.declare(counters(
                "aqs_store_reads_total",
                "Reads of a store, by store, dataset and outcome (rows, empty, error)",
                &["store", "dataset", "outcome"],
            ))?,
            store_seconds: declarations
                .declare(HistogramVec::new(seconds, &["store", "dataset"]))?,
            purges: declarations.declare(counters(
                "aqs_purges_total",
                "Purges, by scope and depth",
                &["scope", "depth"],
            ))?,
            no_data: declarations.declare(counters(
                "aqs_no_data_total",
                "Answers made without data, by reason (no-data, not-loaded, out-of-range, unknown-project)",
                &["reason"],
            ))?,
            data_through: declarations.declare(gauges(
                "aqs_data_through_timestamp_seconds",
                "Up to which moment a dataset has data, in seconds since 1970: the end of its \
                 newest loaded period; absent while nothing is known of the dataset",
                &["dataset"],
            ))?,
            singleflight: declarations.declare(counters(
                "aqs_singleflight_total",
                "Requests of singleflight, by kind (lookup, key) and event (started, joined, \
                 rejected)",
                &["kind", "event"],
            ))?,
            in_flight: declarations.declare(gauges(
                "aqs_singleflight_in_flight",
                "Flights under way, by kind",
                &["kind"],
            ))?,
            waiting: declarations.declare(gauges(
                "aqs_singleflight_waiters",
                "Requests that wait for a flight, by kind",
                &["kind"],
            ))?,
            shed: declarations.declare(counters(
                "aqs_store_reads_shed_total",
                "Reads that were rejected before a store, by store and reason (queue-full, \
                 queue-late)",
                &["store", "reason"],
            ))?,
            queue: declarations.declare(gauges(
                "aqs_store_queue",
                "Reads in the queue of a store, by store",
                &["store"],
            ))?,
        })
    }

    /// The metrics of a dataset's reads. Their series exist from the start, at zero: rates would
    /// miss the first event of a series that begins with it.
    pub(crate) fn reads(&self, store: &str, dataset: &Dataset) -> ReadMetrics {
        let outcome = |outcome| self.store_reads.with_label_values(&[store, dataset.name, outcome]);
        ReadMetrics {
            seconds: self.store_seconds.with_label_values(&[store, dataset.name]),
            rows: outcome("rows"),
            empty: outcome("empty"),
            error: outcome("error"),
        }
    }

    /// Sets up to when there is data.
    pub(crate) fn covered(&self, coverage: &Coverage, datasets: &[&'static Dataset]) {
        for dataset in datasets {
            let extent = coverage.get(dataset);
            match extent.and_then(|extent| end_of(&extent.last, dataset.granularity)) {
                Some(end) => self.data_through.with_label_values(&[dataset.name]).set(end),
                None => {
                    // Most likely it was never there.
                    let _ = self.data_through.remove_label_values(&[dataset.name]);
                }
            }
        }
    }

    pub fn limiter(&self, store: &str) -> LimiterMetrics {
        LimiterMetrics {
            full: self.shed.with_label_values(&[store, "queue-full"]),
            late: self.shed.with_label_values(&[store, "queue-late"]),
            waiting: self.queue.with_label_values(&[store]),
        }
    }

    pub fn singleflight(&self, kind: &str) -> SingleflightMetrics {
        let event = |event| self.singleflight.with_label_values(&[kind, event]);
        SingleflightMetrics {
            started: event("started"),
            joined: event("joined"),
            rejected: event("rejected"),
            in_flight: self.in_flight.with_label_values(&[kind]),
            waiting: self.waiting.with_label_values(&[kind]),
        }
    }
}

/// The end of a period in seconds since 1970: the first moment after it, in UTC as all days here.
/// `None` if the digits are no date, or the calendar ends there.
fn end_of(period: &Digits, granularity: Granularity) -> Option<i64> {
    let hour = Hour::parse(period.as_str())?;
    let day = hour.date();
    let (begin, length) = match granularity {
        Granularity::Hourly => (day.at(hour.hour().try_into().ok()?, 0, 0, 0), 1.hour()),
        Granularity::Daily => (day.at(0, 0, 0, 0), 1.day()),
        Granularity::Monthly => (day.first_of_month().at(0, 0, 0, 0), 1.month()),
    };
    let end = TimeZone::UTC.to_timestamp(begin.checked_add(length).ok()?).ok()?;
    Some(end.as_second())
}

/// The gauge of the embedded store at a path, not yet declared.
pub fn embedded_tables(path: &str) -> Result<IntGaugeVec, prometheus::Error> {
    let help = "Tables of the embedded store by the result of the check of its pages (unchecked, \
                intact, damaged, lacking: without a column that answers need)";
    IntGaugeVec::new(Opts::new("aqs_embedded_tables", help).const_label("path", path), &["state"])
}

#[derive(Clone, Debug)]
pub struct CassandraMetrics {
    reads: IntCounterVec,
    pub answered: IntCounter,
    pub unavailable: IntCounter,
    pub timeouts: IntCounter,
    pub failed: IntCounter,
    pub retries: IntCounter,
    pub slow: IntCounter,
    pub up: IntGauge,
    pub nodes: IntGauge,
    pub missing: IntGauge,
}

impl CassandraMetrics {
    /// Makes them; they are counted, and not yet declared.
    pub fn new() -> Result<Self, prometheus::Error> {
        let reads = IntCounterVec::new(
            Opts::new(
                "aqs_cassandra_reads_total",
                "Reads of Cassandra by outcome (answered, unavailable, timeout, failed)",
            ),
            &["outcome"],
        )?;
        Ok(Self {
            answered: reads.with_label_values(&["answered"]),
            unavailable: reads.with_label_values(&["unavailable"]),
            timeouts: reads.with_label_values(&["timeout"]),
            failed: reads.with_label_values(&["failed"]),
            reads,
            retries: IntCounter::new(
                "aqs_cassandra_retries_total",
                "Requests that were made again, of another node, after one had failed",
            )?,
            slow: IntCounter::new(
                "aqs_cassandra_slow_reads_total",
                "Pages that took longer than cassandra.speculative_after, or a quarter of the read's limit",
            )?,
            up: IntGauge::new("aqs_cassandra_session", "Whether there is a session, 0 or 1")?,
            nodes: IntGauge::new("aqs_cassandra_nodes", "Nodes that are connected")?,
            missing: IntGauge::new(
                "aqs_cassandra_tables_missing",
                "Tables that are missing or can't be read",
            )?,
        })
    }

    pub fn declare(&self, declarations: &mut Declarations<'_>) -> Result<(), prometheus::Error> {
        declarations.add(self.reads.clone())?;
        declarations.add(self.retries.clone())?;
        declarations.add(self.slow.clone())?;
        declarations.add(self.up.clone())?;
        declarations.add(self.nodes.clone())?;
        declarations.add(self.missing.clone())
    }
}

#[cfg(test)]
mod tests;
