//! The metrics of this crate: the one place where they are declared.

use crate::data_through::end_of;
use crate::declare::Declarations;
use aqs_api::{Coverage, Dataset};
use foldhash::fast::RandomState;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};
use std::collections::HashMap;
use std::sync::Arc;

/// What origin counts.
#[derive(Clone, Debug)]
pub struct Metrics {
    store_reads: IntCounterVec,
    store_seconds: HistogramVec,
    /// Purges, by scope and depth.
    pub purges: IntCounterVec,
    /// Answers without data, by reason.
    pub no_data: IntCounterVec,
    data_through: IntGaugeVec,
    flights: IntCounterVec,
    under_way: IntGaugeVec,
    waiting: IntGaugeVec,
    shed: IntCounterVec,
    queue: IntGauge,
}

/// What is counted of the way to a store.
#[derive(Clone, Debug)]
pub struct LimiterMetrics {
    /// Reads turned away, since the queue was full.
    pub full: IntCounter,
    /// Reads given up, since their turn did not come in time.
    pub late: IntCounter,
    /// Reads that wait for their turn.
    pub waiting: IntGauge,
}

/// What is counted of one dataset's reads.
#[derive(Debug)]
pub(crate) struct ReadMetrics {
    /// How long the store took.
    pub(crate) seconds: Histogram,
    /// Reads that brought rows.
    pub(crate) rows: IntCounter,
    /// Reads that found none.
    pub(crate) empty: IntCounter,
    /// Reads that failed.
    pub(crate) error: IntCounter,
}

/// What is counted of reads, by the name of their dataset.
#[derive(Debug)]
pub(crate) struct Reads(HashMap<&'static str, Arc<ReadMetrics>, RandomState>);

impl Reads {
    /// The handles of a dataset; `None` if it is none of the catalogue.
    pub(crate) fn of(&self, dataset: &Dataset) -> Option<&Arc<ReadMetrics>> {
        self.0.get(dataset.name)
    }
}

/// What is counted of one kind of flights.
#[derive(Clone, Debug)]
pub struct SingleflightMetrics {
    /// Singleflight that were started.
    pub started: IntCounter,
    /// Who joined one that was under way, and got what it brought.
    pub joined: IntCounter,
    /// Who was turned away, since too many wait.
    pub crowded: IntCounter,
    /// Singleflight under way.
    pub under_way: IntGauge,
    /// Who waits.
    pub waiting: IntGauge,
}

impl Metrics {
    /// Declares them.
    pub fn declare(declarations: &mut Declarations<'_>) -> Result<Self, prometheus::Error> {
        let store_reads = IntCounterVec::new(
            Opts::new(
                "aqs_store_reads_total",
                "Reads that a store was asked for, by dataset and outcome (rows, empty, error)",
            ),
            &["dataset", "outcome"],
        )?;
        let store_seconds = HistogramVec::new(
            HistogramOpts::new("aqs_store_read_seconds", "How long a store took for a read")
                .buckets(prometheus::exponential_buckets(0.000_1, 2.5, 12)?),
            &["dataset"],
        )?;
        let counters =
            |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauges = |name, help, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let purges =
            counters("aqs_purges_total", "Purges, by scope and depth", &["scope", "depth"])?;
        let no_data = counters(
            "aqs_no_data_total",
            "Answers made without data, by reason (no-data, not-loaded, out-of-range)",
            &["reason"],
        )?;
        let data_through = gauges(
            "aqs_data_through_timestamp_seconds",
            "Up to which moment a dataset has data, in seconds since 1970: the end of its newest \
             period that is loaded; of a dataset of which nothing is known there is none",
            &["dataset"],
        )?;
        let flights = counters(
            "aqs_flights_total",
            "Singleflight by kind (lookup, key) and event: started, joined by another, crowded out",
            &["kind", "event"],
        )?;
        let under_way = gauges("aqs_flights", "Singleflight under way, by kind", &["kind"])?;
        let waiting = gauges("aqs_flight_waiters", "Who waits for a flight, by kind", &["kind"])?;
        declarations.add(store_reads.clone())?;
        declarations.add(store_seconds.clone())?;
        declarations.add(purges.clone())?;
        declarations.add(no_data.clone())?;
        declarations.add(data_through.clone())?;
        declarations.add(flights.clone())?;
        declarations.add(under_way.clone())?;
        declarations.add(waiting.clone())?;
        let shed = counters(
            "aqs_store_reads_shed_total",
            "Reads that the store was not asked for, by reason (queue-full, queue-late)",
            &["reason"],
        )?;
        let queue =
            IntGauge::new("aqs_store_queue", "Reads that wait for their turn at the store")?;
        declarations.add(shed.clone())?;
        declarations.add(queue.clone())?;
        Ok(Self {
            store_reads,
            store_seconds,
            purges,
            no_data,
            data_through,
            flights,
            under_way,
            waiting,
            shed,
            queue,
        })
    }

    /// The handles of datasets' reads. Their series begin at zero and not with the first read:
    /// what comes first would be missed where rates are made of them, a failure too.
    pub(crate) fn reads(&self, datasets: &[&'static Dataset]) -> Reads {
        let one = |dataset: &&'static Dataset| {
            let outcome = |outcome| self.store_reads.with_label_values(&[dataset.name, outcome]);
            let metrics = ReadMetrics {
                seconds: self.store_seconds.with_label_values(&[dataset.name]),
                rows: outcome("rows"),
                empty: outcome("empty"),
                error: outcome("error"),
            };
            (dataset.name, Arc::new(metrics))
        };
        Reads(datasets.iter().map(one).collect())
    }

    /// Tells up to when there are data.
    pub(crate) fn covered(&self, coverage: &Coverage, datasets: &[&'static Dataset]) {
        for dataset in datasets {
            let extent = coverage.get(dataset);
            match extent.and_then(|extent| end_of(&extent.last, dataset.granularity)) {
                Some(end) => self.data_through.with_label_values(&[dataset.name]).set(end),
                None => {
                    // It may well never have been there.
                    let _ = self.data_through.remove_label_values(&[dataset.name]);
                }
            }
        }
    }

    /// The handles of the way to the store.
    pub fn limiter(&self) -> LimiterMetrics {
        LimiterMetrics {
            full: self.shed.with_label_values(&["queue-full"]),
            late: self.shed.with_label_values(&["queue-late"]),
            waiting: self.queue.clone(),
        }
    }

    /// The handles of one kind of flights.
    pub fn flights(&self, kind: &str) -> SingleflightMetrics {
        let event = |event| self.flights.with_label_values(&[kind, event]);
        SingleflightMetrics {
            started: event("started"),
            joined: event("joined"),
            crowded: event("crowded"),
            under_way: self.under_way.with_label_values(&[kind]),
            waiting: self.waiting.with_label_values(&[kind]),
        }
    }
}

/// What is counted of a Cassandra cluster, where there is one.
#[derive(Clone, Debug)]
pub struct CassandraMetrics {
    reads: IntCounterVec,
    /// Reads that brought rows, or found none.
    pub answered: IntCounter,
    /// Reads that nobody could answer.
    pub unavailable: IntCounter,
    /// Reads that took too long.
    pub timeouts: IntCounter,
    /// Reads that failed.
    pub failed: IntCounter,
    /// Requests that were made again, of another node.
    pub retries: IntCounter,
    /// Reads that took longer than a node may before another is asked as well.
    pub slow: IntCounter,
    /// Whether there is a session.
    pub up: IntGauge,
    /// Nodes that are connected.
    pub nodes: IntGauge,
    /// Tables that are missing or can't be read.
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
                "Reads that took longer than a node may before another one, if there is one, is asked as well",
            )?,
            up: IntGauge::new("aqs_cassandra_session", "Whether there is a session, 0 or 1")?,
            nodes: IntGauge::new("aqs_cassandra_nodes", "Nodes that are connected")?,
            missing: IntGauge::new(
                "aqs_cassandra_tables_missing",
                "Tables that are missing or can't be read",
            )?,
        })
    }

    /// Declares them.
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
