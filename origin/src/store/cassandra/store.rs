//! The [`Store`] over a cluster.

use super::coverage::ObservedCoverage;
use super::error::FailureKind;
use super::options::Options;
use super::read::{ReadError, ReadLimits};
use super::supervise::{Connection, Shared};
use super::tables::TableState;
use crate::clock::Clock;
use crate::metric_declarations::Declarations;
use crate::metrics::CassandraMetrics;
use crate::request_context::RequestContext;
use crate::store::{Store, StoreError};
use aqs_api::{Coverage, Dataset, Lookup, Read, Rows, table};
use arc_swap::{ArcSwap, ArcSwapOption};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

const STORE: &str = "cassandra";

/// A store in a Cassandra cluster. [`Store::run`] connects it.
pub struct CassandraStore(Shared);

impl CassandraStore {
    /// The datasets are those that are read from it; only their tables are examined and probed.
    pub fn new(
        options: Options,
        datasets: &[&'static Dataset],
        clock: Clock,
    ) -> Result<Self, prometheus::Error> {
        Ok(Self(Shared {
            tables: table::tables_of(datasets),
            datasets: datasets.to_vec(),
            clock,
            connection: ArcSwapOption::empty(),
            coverage: ObservedCoverage::default(),
            issues: ArcSwap::from_pointee(vec!["Cassandra: not connected yet".to_owned()]),
            refresh_requested: AtomicBool::new(false),
            metrics: CassandraMetrics::new()?,
            options,
        }))
    }

    fn connection(&self) -> Result<Arc<Connection>, StoreError> {
        let connection = self.0.connection.load_full();
        connection.ok_or_else(|| unavailable(self.0.issues.load().join("; ")))
    }

    async fn read_partition(&self, read: &Read, deadline: Instant) -> Result<Rows, StoreError> {
        let connection = self.connection()?;
        let table = read.table;
        let state = connection.tables.load().get(table);
        let reader = match state.as_deref() {
            Some(TableState::Ready(reader)) => reader,
            Some(TableState::ExpectedAbsent) => return Ok(Rows::of(table).finish()),
            Some(TableState::Missing(reason)) => {
                return Err(unavailable(format!("table {}: {reason}", table.name)));
            }
            Some(TableState::Unusable(reason)) => {
                let (read, reason) = (self.describe(read), reason.clone());
                return Err(StoreError::Failed { store: STORE, read, reason });
            }
            None => return Err(unavailable(format!("table {} is unknown", table.name))),
        };
        let limits = ReadLimits {
            deadline: deadline.into(),
            speculation: self.0.options.speculation(),
            slow: &self.0.metrics.slow,
        };
        let rows = reader.read(&connection.session, read, &limits).await;
        rows.map_err(|error| self.explain(read, &error))
    }

    fn explain(&self, read: &Read, error: &ReadError) -> StoreError {
        let (store, read, reason) = (STORE, self.describe(read), error.to_string());
        match error.kind() {
            FailureKind::Unavailable => unavailable(format!("{reason} (reading {read})")),
            FailureKind::Timeout => {
                StoreError::Timeout { store, read: format!("{read} ({reason})") }
            }
            FailureKind::SchemaChanged => {
                self.0.refresh_requested.store(true, Ordering::Relaxed);
                StoreError::Failed { store, read, reason }
            }
            FailureKind::NodeFault | FailureKind::Permanent => {
                StoreError::Failed { store, read, reason }
            }
        }
    }

    /// Table, key and consistency, for the log.
    fn describe(&self, read: &Read) -> String {
        let mut text = String::from(read.table.name);
        for (index, part) in read.partition.iter().enumerate() {
            // Writing to a String can't fail.
            let _ = write!(text, "{}{part:?}", if index == 0 { " [" } else { ", " });
        }
        text.push(']');
        if let Some((first, last)) = &read.range {
            let _ = write!(text, " {}..{}", first.as_str(), last.as_str());
        }
        let _ = write!(text, " at {}", self.0.options.consistency);
        text
    }
}

fn unavailable(reason: String) -> StoreError {
    StoreError::Unavailable { store: STORE, reason }
}

#[async_trait]
impl Store for CassandraStore {
    fn identity(&self) -> Vec<String> {
        // The contact points are all that is known of a cluster before there is a session. Each
        // leads to the same cluster: when nodes are replaced one after the other, some stay.
        let points = self.0.options.contact_points();
        points.iter().map(|point| format!("{STORE} {point}")).collect()
    }

    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        let read = match lookup {
            Lookup::Points(read) => read,
            Lookup::Events(read) => return Err(StoreError::no_events(STORE, read)),
        };
        let deadline = ctx.deadline.min(Instant::now() + self.0.options.read_within);
        let rows = self.read_partition(read, deadline).await;
        let metrics = &self.0.metrics;
        let outcome = match &rows {
            Ok(_) => &metrics.answered,
            Err(StoreError::Unavailable { .. }) => &metrics.unavailable,
            Err(StoreError::Timeout { .. }) => &metrics.timeouts,
            Err(StoreError::Failed { .. }) => &metrics.failed,
        };
        outcome.inc();
        rows
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        Ok(Coverage::clone(&self.0.coverage.get()))
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        self.0.coverage.change_token().ok_or_else(|| unavailable(self.health_issues().join("; ")))
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(self.0.coverage.versions(&self.0.datasets))
    }

    fn health_issues(&self) -> Vec<String> {
        let issues = self.0.issues.load().to_vec();
        if issues.is_empty() && self.0.coverage.change_token().is_none() {
            return vec!["Cassandra: coverage was not probed yet".to_owned()];
        }
        issues
    }

    fn declare(&self, declarations: &mut Declarations<'_>) -> Result<(), prometheus::Error> {
        self.0.metrics.declare(declarations)
    }

    async fn run(&self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.0.supervise()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_api::Catalogue;
    use aqs_api::tables::UNIQUE_DEVICES;

    #[test]
    fn only_tables_of_routed_datasets_are_examined_and_probed() {
        let catalogue = Catalogue::standard().unwrap();
        let mut datasets = catalogue.datasets().to_vec();
        datasets.retain(|dataset| dataset.table() == Some(&UNIQUE_DEVICES));
        assert!(datasets.len() > 1);
        let store = CassandraStore::new(Options::default(), &datasets, Clock::System).unwrap();
        assert_eq!(store.0.tables, [&UNIQUE_DEVICES]);
        let names =
            |datasets: &[&Dataset]| datasets.iter().map(|held| held.name).collect::<Vec<_>>();
        assert_eq!(names(&store.0.datasets), names(&datasets));
    }
}
