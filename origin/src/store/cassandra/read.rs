//! Reads partitions of one table with prepared statements.

use super::cql;
use super::decode::{DecodeError, RowDecoder};
use super::error::FailureKind;
use super::metadata::TableMetadata;
use aqs_api::table::{Calendar, Column, DOMAIN};
use aqs_api::{Read, Rows, Table};
use scylla::client::session::Session;
use scylla::errors::{
    DbError, ExecutionError, IntoRowsResultError, MaybeFirstRowError, PrepareError,
    RequestAttemptError, RowsError,
};
use scylla::response::query_result::{QueryResult, QueryRowsResult};
use scylla::response::{PagingState, PagingStateResponse};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use smallvec::{SmallVec, smallvec};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

/// Rows of a page: an hourly series of half a year fits in one.
const PAGE_ROWS: i32 = 5000;
/// The limit for the rows of a partition. The longest, an hourly series of twenty years, takes a
/// tenth of it.
const MAX_BYTES: usize = 64 << 20;

type PageResult = Result<(QueryResult, PagingStateResponse), ExecutionError>;

/// A partition can't be read.
#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    Execution(Box<ExecutionError>),
    #[error("no answer in time")]
    Timeout,
    #[error("{error}, from node {node}")]
    Decode { error: DecodeError, node: SocketAddr },
    #[error("the answer holds no rows: {0}")]
    NoRows(Box<IntoRowsResultError>),
    #[error("failed to iterate over the rows: {0}")]
    Rows(#[from] RowsError),
    #[error("failed to decode the first row: {0}")]
    FirstRow(#[from] MaybeFirstRowError),
    #[error("the partition has more than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    #[error("the table has no timestamps to select a range of")]
    NoTimestamps,
}

impl ReadError {
    pub(super) fn kind(&self) -> FailureKind {
        match self {
            Self::Timeout => FailureKind::Timeout,
            Self::Execution(error) => FailureKind::of_execution(error),
            Self::Decode { .. } | Self::NoRows(_) | Self::Rows(_) | Self::FirstRow(_) => {
                FailureKind::SchemaChanged
            }
            Self::TooLarge | Self::NoTimestamps => FailureKind::Permanent,
        }
    }

    /// Whether the user has no permission to read the table.
    pub(super) fn is_forbidden(&self) -> bool {
        let Self::Execution(error) = self else { return false };
        matches!(
            **error,
            ExecutionError::LastAttemptError(RequestAttemptError::DbError(
                DbError::Unauthorized,
                _
            ))
        )
    }
}

// Boxed: they are large, and most reads have none.
impl From<ExecutionError> for ReadError {
    fn from(error: ExecutionError) -> Self {
        Self::Execution(Box::new(error))
    }
}

impl From<IntoRowsResultError> for ReadError {
    fn from(error: IntoRowsResultError) -> Self {
        Self::NoRows(Box::new(error))
    }
}

/// The prepared statements of a table and the decoder of their rows.
#[derive(Debug)]
pub(super) struct TableReader {
    /// Selects a partition. Not speculative, like `ranged`.
    whole: PreparedStatement,
    /// Selects a range of timestamps of a partition.
    ranged: Option<PreparedStatement>,
    /// Selects the newest row of a partition.
    newest: PreparedStatement,
    /// Selects the oldest row of a partition with timestamps.
    oldest: Option<PreparedStatement>,
    decoder: RowDecoder,
    /// Whether a partition has one row, and perhaps older versions of it.
    is_single_row: bool,
}

impl TableReader {
    pub(super) async fn prepare(
        session: &Session,
        table: &'static Table,
        metadata: &TableMetadata,
        decoder: RowDecoder,
    ) -> Result<Self, PrepareError> {
        let is_single_row = table.clustering.is_empty();
        let has = |column: &Column| metadata.columns.contains_key(column.name);
        let page = if is_single_row { 1 } else { PAGE_ROWS };
        // The driver's speculation costs each read a timer and allocations.
        let profile = session.get_default_execution_profile_handle().pointee_to_builder();
        let profile = profile.speculative_execution_policy(None).build().into_handle();
        let (ranged, oldest) = match table.calendar {
            Calendar::Series(_) => {
                let is_clustering = |column: &Column| table.clustering.contains(column);
                let oldest = format!("{} LIMIT 1", cql::select(table, is_clustering, false));
                let mut ranged = prepare(session, &cql::select(table, has, true), page).await?;
                ranged.set_execution_profile_handle(Some(profile.clone()));
                (Some(ranged), Some(prepare(session, &oldest, 1).await?))
            }
            Calendar::YearMonthDay | Calendar::YearMonth => (None, None),
        };
        let mut whole = prepare(session, &cql::select(table, has, false), page).await?;
        whole.set_execution_profile_handle(Some(profile));
        Ok(Self {
            whole,
            ranged,
            newest: prepare(session, &cql::newest(table), 1).await?,
            oldest,
            decoder,
            is_single_row,
        })
    }

    pub(super) fn has_missing_columns(&self) -> bool {
        self.decoder.has_missing_columns()
    }

    /// Reads a partition, page by page, until the deadline. A page that takes longer than
    /// `speculation` is requested again.
    pub(super) async fn read(
        &self,
        session: &Session,
        read: &Read,
        speculation: Option<Duration>,
        deadline: Instant,
    ) -> Result<Rows, ReadError> {
        let mut values: SmallVec<[&str; 10]> = smallvec![DOMAIN];
        values.extend(read.partition.iter());
        let statement = match &read.range {
            None => &self.whole,
            Some((first, last)) => {
                values.extend([first.as_str(), last.as_str()]);
                self.ranged.as_ref().ok_or(ReadError::NoTimestamps)?
            }
        };
        let mut rows = self.decoder.start();
        let mut paging = PagingState::start();
        loop {
            let values = values.as_slice();
            let first = session.execute_single_page(statement, values, paging.clone());
            // Pinned: the driver's future is too large to be moved into that of a timeout.
            let mut first = pin!(first);
            // One timer at a time: most pages arrive before the first fires.
            let slow_at =
                speculation.map_or(deadline, |delay| deadline.min(Instant::now() + delay));
            let page = match timeout_at(slow_at, first.as_mut()).await {
                Err(_) if slow_at < deadline => {
                    let page = slow_page(first, session, statement, values, paging);
                    Box::pin(timeout_at(deadline, page)).await
                }
                page => page,
            };
            let (page, next) = page.map_err(|_| ReadError::Timeout)??;
            let node = page.request_coordinator().connection_address();
            let page = page.into_rows_result()?;
            // A page can't have more, whatever it says.
            rows.reserve(page.rows_num().min(PAGE_ROWS as usize));
            rows.decode(page.rows()?).map_err(|error| ReadError::Decode { error, node })?;
            if rows.weight() > MAX_BYTES {
                return Err(ReadError::TooLarge);
            }
            match next.into_paging_control_flow() {
                // Further rows of a single-row partition are older versions.
                ControlFlow::Continue(next) if !(self.is_single_row && rows.has_rows()) => {
                    paging = next;
                }
                _ => return Ok(rows.finish()),
            }
        }
    }

    /// Whether a partition has any row.
    pub(super) async fn has_rows(
        &self,
        session: &Session,
        key: &[&str],
    ) -> Result<bool, ReadError> {
        Ok(execute(session, &self.newest, key).await?.rows_num() > 0)
    }

    /// Returns the newest timestamp of a partition.
    pub(super) async fn newest_timestamp(
        &self,
        session: &Session,
        key: &[&str],
    ) -> Result<Option<String>, ReadError> {
        let row = execute(session, &self.newest, key).await?;
        Ok(row.maybe_first_row::<(String,)>()?.map(|(timestamp,)| timestamp))
    }

    /// Returns the oldest timestamp of a partition.
    pub(super) async fn oldest_timestamp(
        &self,
        session: &Session,
        key: &[&str],
    ) -> Result<Option<String>, ReadError> {
        let oldest = self.oldest.as_ref().ok_or(ReadError::NoTimestamps)?;
        let row = execute(session, oldest, key).await?;
        Ok(row.maybe_first_row::<(String,)>()?.map(|(timestamp,)| timestamp))
    }
}

/// Awaits a page that is late, and requests it a second time with the driver's speculation, unless
/// there is one node. The first success is taken, or an error that is the same on every node.
async fn slow_page(
    mut first: Pin<&mut impl Future<Output = PageResult>>,
    session: &Session,
    statement: &PreparedStatement,
    values: &[&str],
    paging: PagingState,
) -> PageResult {
    let cluster = session.get_cluster_state();
    if cluster.get_nodes_info().iter().filter(|node| node.is_connected()).count() < 2 {
        return first.await;
    }
    let mut statement = statement.clone();
    // The profile of the session is speculative.
    statement.set_execution_profile_handle(None);
    let mut second = pin!(session.execute_single_page(&statement, values, paging));
    let is_final = |page: &PageResult| match page {
        Ok(_) => true,
        Err(error) => !FailureKind::of_execution(error).is_transient(),
    };
    tokio::select! {
        page = &mut first => if is_final(&page) { page } else { second.await },
        page = &mut second => if is_final(&page) { page } else { first.await },
    }
}

async fn execute(
    session: &Session,
    statement: &PreparedStatement,
    key: &[&str],
) -> Result<QueryRowsResult, ReadError> {
    let values = [&[DOMAIN], key].concat();
    Ok(session.execute_unpaged(statement, values).await?.into_rows_result()?)
}

async fn prepare(
    session: &Session,
    cql: &str,
    page: i32,
) -> Result<PreparedStatement, PrepareError> {
    let mut statement = session.prepare(Statement::new(cql).with_page_size(page)).await?;
    statement.set_is_idempotent(true);
    // The types are checked once, when the statement is prepared: see `RowDecoder`.
    statement.set_use_cached_result_metadata(true);
    Ok(statement)
}
