//! Writes rows to a cluster, many at once.

mod row;

use super::connect::connect;
use super::error::{ConnectError, FailureKind};
use super::options::Options;
use super::{cql, metadata};
use crate::backoff::Backoff;
use crate::row::{Cell, Sink, SinkError};
use aqs_api::Table;
use row::Row;
use scylla::client::session::Session;
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::statement::Consistency;
use scylla::statement::prepared::PreparedStatement;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

const ATTEMPTS: u32 = 10;
/// All waits together are more than 20 s, in which a node restarts.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };
/// The limit for one attempt. Cassandra itself gives up after 2 s.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// A row takes another permit for each of these, so that large rows don't fill the memory.
const PERMIT_BYTES: usize = 64 << 10;

#[derive(Debug, Error)]
pub enum WriterError {
    #[error("Cassandra: {0}")]
    Connect(#[from] ConnectError),
    #[error(
        "the cluster has no table {table}; `aqs schema --apply` creates it (with the same --config)"
    )]
    MissingTable { table: String },
    #[error(
        "the table {table} has no column {}; `aqs schema --apply` adds what is missing (with the \
         same --config)",
        columns.join(", ")
    )]
    MissingColumns { table: String, columns: Vec<String> },
    #[error("the cluster refused {statement:?}: {reason}")]
    Refused { statement: String, reason: String },
    #[error("interrupted")]
    Interrupted,
}

#[derive(Clone, Debug)]
pub struct WriteOptions {
    pub concurrency: u16,
    /// Interrupts the load; rows in flight are completed.
    pub stop: CancellationToken,
}

/// Writes rows to a cluster from a blocking thread. Rows of one file are written concurrently;
/// [`Sink::end`] waits for all of them.
///
/// Each row is written with the time of its submission, so that of two rows with one key the
/// later counts, and a late retry does not undo a newer load.
#[derive(Debug)]
pub struct CassandraWriter {
    runtime: Handle,
    session: Arc<Session>,
    inserts: HashMap<&'static str, PreparedStatement>,
    permits: Arc<Semaphore>,
    concurrency: u32,
    stop: CancellationToken,
    file: Option<File>,
    line: u64,
    last_micros: i64,
}

#[derive(Debug)]
struct File {
    table: &'static str,
    outcome: Arc<Outcome>,
}

#[derive(Debug, Default)]
struct Outcome(Mutex<Option<Unwritten>>);

#[derive(Clone, Debug)]
struct Unwritten {
    line: u64,
    /// Why it can't be written; `None` if the load was interrupted.
    reason: Option<String>,
}

impl Outcome {
    fn get(&self) -> Option<Unwritten> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, line: u64, reason: Option<String>) {
        let mut unwritten = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if unwritten.as_ref().is_none_or(|earlier| line < earlier.line) {
            *unwritten = Some(Unwritten { line, reason });
        }
    }
}

impl CassandraWriter {
    /// Connects, and prepares the inserts of these tables. Must not be called within the runtime.
    ///
    /// Fails if there is no session, and if a table or a column does not exist.
    pub fn open(
        runtime: Handle,
        options: &Options,
        tables: &[&'static Table],
        writing: &WriteOptions,
    ) -> Result<Self, WriterError> {
        let opening = async {
            // The writer retries itself, with pauses.
            let policy = Arc::new(FallthroughRetryPolicy::new());
            let session = connect(options, tables, &[], policy).await?;
            let inserts = prepare(&session, tables, options.read_consistency()).await?;
            Ok::<_, WriterError>((session, inserts))
        };
        let opened = runtime.block_on(writing.stop.run_until_cancelled(opening));
        let (session, inserts) = opened.ok_or(WriterError::Interrupted)??;
        let concurrency = u32::from(writing.concurrency.max(1));
        Ok(Self {
            runtime,
            session: Arc::new(session),
            inserts,
            permits: Arc::new(Semaphore::new(concurrency as usize)),
            concurrency,
            stop: writing.stop.clone(),
            file: None,
            line: 0,
            last_micros: 0,
        })
    }

    pub fn flush(&self) {
        // With all permits, nothing is in flight. The semaphore is never closed.
        let all = self.permits.acquire_many(self.concurrency);
        drop(self.runtime.block_on(all));
    }

    /// Fails if an earlier row was not written.
    fn check(&self) -> Result<(), SinkError> {
        let Some(file) = &self.file else { return Ok(()) };
        match file.outcome.get() {
            Some(Unwritten { line, reason: Some(reason) }) => {
                Err(SinkError::Late { table: file.table, line, reason })
            }
            Some(Unwritten { reason: None, .. }) => Err(SinkError::Interrupted),
            None if self.stop.is_cancelled() => Err(SinkError::Interrupted),
            None => Ok(()),
        }
    }

    /// The system time in microseconds, strictly increasing. Not a clock that tests set: rows
    /// compete with those of other writers.
    fn micros(&mut self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.last_micros = now.max(self.last_micros.saturating_add(1));
        self.last_micros
    }
}

impl Sink for CassandraWriter {
    fn begin(&mut self, table: &'static Table) {
        self.file = Some(File { table: table.name, outcome: Arc::default() });
        self.line = 0;
    }

    fn line(&mut self, number: u64) {
        self.line = number;
    }

    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        self.check()?;
        let Some(insert) = self.inserts.get(table.name).cloned() else {
            return Err(misuse(table, "its insert was not prepared"));
        };
        let cells: Vec<_> = cells.iter().cloned().map(Cell::into_owned).collect();
        let weight = u32::try_from(1 + row::bytes(&cells) / PERMIT_BYTES).unwrap_or(u32::MAX);
        let permits = Arc::clone(&self.permits).acquire_many_owned(weight.min(self.concurrency));
        let permits = self.runtime.block_on(self.stop.run_until_cancelled(permits));
        let Some(Ok(permits)) = permits else { return Err(SinkError::Interrupted) };
        let row = Row { cells, micros: self.micros(), has_domain: cql::has_domain(table) };
        let Some(file) = &self.file else { return Err(misuse(table, "no file is open")) };
        let (line, outcome) = (self.line, Arc::clone(&file.outcome));
        let (session, stop) = (Arc::clone(&self.session), self.stop.clone());
        self.runtime.spawn(write(session, insert, row, line, outcome, stop, permits));
        Ok(())
    }

    fn end(&mut self) -> Result<(), SinkError> {
        self.flush();
        let result = self.check();
        self.file = None;
        result
    }
}

fn misuse(table: &'static Table, reason: &str) -> SinkError {
    SinkError::Store { table: table.name, reason: reason.to_owned() }
}

/// Writes a row in as many attempts as it takes. After a stop it is not tried again.
async fn write(
    session: Arc<Session>,
    insert: PreparedStatement,
    row: Row,
    line: u64,
    outcome: Arc<Outcome>,
    stop: CancellationToken,
    _permits: OwnedSemaphorePermit,
) {
    for attempt in 1.. {
        let Err(error) = session.execute_unpaged(&insert, &row).await else { return };
        if !FailureKind::of_execution(&error).is_transient() {
            return outcome.set(line, Some(error.to_string()));
        }
        if attempt >= ATTEMPTS {
            let reason = format!("not written in {attempt} attempts, the last time: {error}");
            return outcome.set(line, Some(reason));
        }
        let pause = tokio::time::sleep(BACKOFF.wait(attempt));
        if stop.run_until_cancelled(pause).await.is_none() {
            return outcome.set(line, None);
        }
    }
}

async fn prepare(
    session: &Session,
    tables: &[&'static Table],
    consistency: Consistency,
) -> Result<HashMap<&'static str, PreparedStatement>, WriterError> {
    let profile = session.get_default_execution_profile_handle().pointee_to_builder();
    let profile = profile
        .consistency(consistency)
        .request_timeout(Some(WRITE_TIMEOUT))
        .speculative_execution_policy(None)
        .build()
        .into_handle();
    let cluster = session.get_cluster_state();
    let mut inserts = HashMap::new();
    for table in tables {
        let Some(metadata) = metadata::table(&cluster, table) else {
            return Err(WriterError::MissingTable { table: cql::data(table) });
        };
        let columns: Vec<_> = metadata::missing_columns(metadata, table)
            .map(|column| cql::quote(column.name))
            .collect();
        if !columns.is_empty() {
            return Err(WriterError::MissingColumns { table: cql::data(table), columns });
        }
        let text = cql::insert(table);
        let prepared = session.prepare(text.as_str()).await;
        let mut statement = prepared.map_err(|error| refused(&text, error))?;
        statement.set_execution_profile_handle(Some(profile.clone()));
        statement.set_is_idempotent(true);
        inserts.insert(table.name, statement);
    }
    Ok(inserts)
}

fn refused(statement: &str, error: impl ToString) -> WriterError {
    WriterError::Refused { statement: statement.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_outlast_the_restart_of_a_node() {
        let waits: Vec<_> = (1..ATTEMPTS).map(|attempt| BACKOFF.wait(attempt)).collect();
        let millis: Vec<_> = waits.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        assert!(waits.iter().sum::<Duration>() > Duration::from_secs(20));
    }

    #[test]
    fn the_earliest_unwritten_line_is_reported() {
        let outcome = Outcome::default();
        assert!(outcome.get().is_none());
        outcome.set(3, Some("late".to_owned()));
        outcome.set(2, Some("early".to_owned()));
        outcome.set(3, None);
        let Some(Unwritten { line: 2, reason: Some(reason) }) = outcome.get() else {
            panic!("{:?}", outcome.get());
        };
        assert_eq!(reason, "early");
    }
}
