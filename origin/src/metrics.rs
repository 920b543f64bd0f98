//! The metrics of this crate: the one place where they are declared.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// What origin counts.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Reads that a store was asked for, by dataset and outcome (`rows`, `empty`, `error`).
    pub store_reads: IntCounterVec,
    /// How long a store took for a read, by dataset.
    pub store_seconds: HistogramVec,
}

impl Metrics {
    /// Declares them in a registry.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
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
        registry.register(Box::new(store_reads.clone()))?;
        registry.register(Box::new(store_seconds.clone()))?;
        Ok(Self { store_reads, store_seconds })
    }
}
