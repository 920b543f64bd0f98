//! Reads partitions of one table with prepared statements.

use super::cql;
use super::decode::{DecodeError, RowDecoder};
use super::error::FailureKind;
use super::metadata::TableMetadata;
use crate::store::partition_value::{BadPartitionValue, PartitionValue};
use aqs_api::table::{Column, DOMAIN};
use aqs_api::{Read, Rows, Table};
use prometheus::IntCounter;
use scylla::client::session::Session;
use scylla::cluster::{ClusterState, NodeRef};
use scylla::errors::{
    DbError, ExecutionError, IntoRowsResultError, MaybeFirstRowError, PrepareError,
    RequestAttemptError, RowsError,
};
use scylla::policies::load_balancing::{FallbackPlan, LoadBalancingPolicy, RoutingInfo};
use scylla::response::query_result::{QueryResult, QueryRowsResult};
use scylla::response::{PagingState, PagingStateResponse};
use scylla::routing::Shard;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use scylla::value::CqlValue;
use smallvec::SmallVec;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

/// Rows of a page: an hourly series of half a year fits in one.
const PAGE_ROWS: i32 = 5000;
/// The limit for the rows of a partition. The longest, an hourly series of twenty years, takes a
/// tenth of it.
const MAX_BYTES: usize = 64 << 20;

type PageResult = Result<(QueryResult, PagingStateResponse), ExecutionError>;

#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    Execution(Box<ExecutionError>),
    #[error("no answer in time from {nodes}")]
    Timeout { nodes: String },
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
    #[error("{0}")]
    PartitionValue(#[from] BadPartitionValue),
}

impl ReadError {
    pub(super) fn kind(&self) -> FailureKind {
        match self {
            Self::Timeout { .. } => FailureKind::Timeout,
            Self::Execution(error) => FailureKind::of_execution(error),
            Self::Decode { .. } | Self::NoRows(_) | Self::Rows(_) | Self::FirstRow(_) => {
                FailureKind::SchemaChanged
            }
            Self::TooLarge | Self::NoTimestamps | Self::PartitionValue(_) => FailureKind::Permanent,
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
    ranged: Option<PreparedStatement>,
    newest: PreparedStatement,
    /// Selects the oldest row of a partition with timestamps.
    oldest: Option<PreparedStatement>,
    decoder: RowDecoder,
    /// Chooses the nodes of each page.
    load_balancing: Arc<dyn LoadBalancingPolicy>,
    /// Whether a partition has one row, and perhaps older versions of it.
    is_single_row: bool,
}

/// The limits of a read, and the counter of slow pages.
pub(super) struct ReadLimits<'a> {
    pub(super) deadline: Instant,
    /// The time after which a page is requested from a further node as well.
    pub(super) speculation: Option<Duration>,
    pub(super) slow: &'a IntCounter,
}

impl TableReader {
    pub(super) async fn prepare(
        session: &Session,
        table: &'static Table,
        metadata: &TableMetadata,
        decoder: RowDecoder,
        load_balancing: Arc<dyn LoadBalancingPolicy>,
    ) -> Result<Self, PrepareError> {
        let is_single_row = table.clustering.is_empty();
        let has = |column: &Column| metadata.columns.contains_key(column.name);
        let page = if is_single_row { 1 } else { PAGE_ROWS };
        // The driver's speculation costs each read a timer and allocations.
        let profile = session.get_default_execution_profile_handle().pointee_to_builder();
        let profile = profile.speculative_execution_policy(None).build().into_handle();
        let (ranged, oldest) = match table.period_column() {
            Some(period) => {
                let is_period = |column: &Column| column == period;
                let oldest = format!("{} LIMIT 1", cql::select(table, is_period, false));
                let mut ranged = prepare(session, &cql::select(table, has, true), page).await?;
                ranged.set_execution_profile_handle(Some(profile.clone()));
                (Some(ranged), Some(prepare(session, &oldest, 1).await?))
            }
            None => (None, None),
        };
        let mut whole = prepare(session, &cql::select(table, has, false), page).await?;
        whole.set_execution_profile_handle(Some(profile));
        Ok(Self {
            whole,
            ranged,
            newest: prepare(session, &cql::newest(table), 1).await?,
            oldest,
            decoder,
            load_balancing,
            is_single_row,
        })
    }

    pub(super) fn missing_columns(&self) -> impl Iterator<Item = &'static str> {
        self.decoder.missing_columns()
    }

    /// Reads a partition, page by page.
    pub(super) async fn read(
        &self,
        session: &Session,
        read: &Read,
        limits: &ReadLimits<'_>,
    ) -> Result<Rows, ReadError> {
        let mut values = key(read.table, read.partition.iter())?;
        let statement = match &read.range {
            None => &self.whole,
            Some((first, last)) => {
                values.extend([first, last].map(|bound| PartitionValue::Text(bound.as_str())));
                self.ranged.as_ref().ok_or(ReadError::NoTimestamps)?
            }
        };
        let mut rows = self.decoder.start();
        let mut paging = PagingState::start();
        loop {
            let (page, next) = self.read_page(session, statement, &values, paging, limits).await?;
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
                ControlFlow::Continue(_) | ControlFlow::Break(_) => return Ok(rows.finish()),
            }
        }
    }

    /// Reads a page. No node is requested twice, neither by retries nor because the page is slow.
    async fn read_page(
        &self,
        session: &Session,
        statement: &PreparedStatement,
        values: &[PartitionValue<'_>],
        paging: PagingState,
        limits: &ReadLimits<'_>,
    ) -> Result<(QueryResult, PagingStateResponse), ReadError> {
        let policy = Arc::clone(&self.load_balancing);
        let nodes = Arc::new(EachNodeOnce { policy, tried: Mutex::default() });
        let mut statement = statement.clone();
        statement.set_load_balancing_policy(Some(Arc::clone(&nodes) as _));
        // Pinned: the driver's future is too large to be moved into that of a timeout.
        let mut first = pin!(session.execute_single_page(&statement, values, paging.clone()));
        // One timer at a time: most pages arrive before the first fires.
        let deadline = limits.deadline;
        let slow_at = limits.speculation.map_or(deadline, |delay| Instant::now() + delay);
        let page = match timeout_at(slow_at.min(deadline), first.as_mut()).await {
            Err(_) if slow_at < deadline => {
                limits.slow.inc();
                let page = slow_page(first, session, statement.clone(), values, paging, &nodes);
                Box::pin(timeout_at(deadline, page)).await
            }
            page => page,
        };
        Ok(page.map_err(|_| {
            let tried: Vec<_> = nodes.tried().iter().map(SocketAddr::to_string).collect();
            ReadError::Timeout { nodes: tried.join(", ") }
        })??)
    }

    pub(super) async fn has_rows(
        &self,
        session: &Session,
        key: &[&str],
    ) -> Result<bool, ReadError> {
        Ok(self.execute(session, &self.newest, key).await?.rows_num() > 0)
    }

    pub(super) async fn newest_period(
        &self,
        session: &Session,
        key: &[&str],
    ) -> Result<Option<CqlValue>, ReadError> {
        let row = self.execute(session, &self.newest, key).await?;
        Ok(row.maybe_first_row::<(CqlValue,)>()?.map(|(period,)| period))
    }

    pub(super) async fn oldest_period(
        &self,
        session: &Session,
        key: &[&str],
    ) -> Result<Option<CqlValue>, ReadError> {
        let oldest = self.oldest.as_ref().ok_or(ReadError::NoTimestamps)?;
        let row = self.execute(session, oldest, key).await?;
        Ok(row.maybe_first_row::<(CqlValue,)>()?.map(|(period,)| period))
    }

    async fn execute(
        &self,
        session: &Session,
        statement: &PreparedStatement,
        texts: &[&str],
    ) -> Result<QueryRowsResult, ReadError> {
        let values = key(self.decoder.table(), texts.iter().copied())?;
        Ok(session.execute_unpaged(statement, &values[..]).await?.into_rows_result()?)
    }
}

/// Awaits a page that is late, and requests it from the remaining nodes with the driver's
/// speculation. The first success is taken, or an error that is the same on every node.
async fn slow_page(
    mut first: Pin<&mut impl Future<Output = PageResult>>,
    session: &Session,
    mut statement: PreparedStatement,
    values: &[PartitionValue<'_>],
    paging: PagingState,
    nodes: &EachNodeOnce,
) -> PageResult {
    let cluster = session.get_cluster_state();
    let mut connected = cluster.get_nodes_info().iter().filter(|node| node.is_connected());
    if connected.all(|node| nodes.tried().contains(&address(node))) {
        return first.await;
    }
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

/// The nodes of one page: each is handed out once, whichever execution takes it.
#[derive(Debug)]
struct EachNodeOnce {
    policy: Arc<dyn LoadBalancingPolicy>,
    tried: Mutex<SmallVec<[SocketAddr; 3]>>,
}

impl EachNodeOnce {
    fn tried(&self) -> MutexGuard<'_, SmallVec<[SocketAddr; 3]>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks a node as tried; false if it was tried before.
    fn take(&self, node: NodeRef<'_>) -> bool {
        let mut tried = self.tried();
        let is_new = !tried.contains(&address(node));
        if is_new {
            tried.push(address(node));
        }
        is_new
    }
}

impl LoadBalancingPolicy for EachNodeOnce {
    fn pick<'a>(
        &'a self,
        request: &'a RoutingInfo<'_>,
        cluster: &'a ClusterState,
    ) -> Option<(NodeRef<'a>, Option<Shard>)> {
        self.policy.pick(request, cluster).filter(|(node, _)| self.take(node))
    }

    fn fallback<'a>(
        &'a self,
        request: &'a RoutingInfo<'_>,
        cluster: &'a ClusterState,
    ) -> FallbackPlan<'a> {
        Box::new(self.policy.fallback(request, cluster).filter(|(node, _)| self.take(node)))
    }

    fn name(&self) -> String {
        "EachNodeOnce".to_owned()
    }
}

fn address(node: NodeRef<'_>) -> SocketAddr {
    SocketAddr::new(node.address.ip(), node.address.port())
}

/// The values of a statement's partition key.
fn key<'a>(
    table: &Table,
    texts: impl Iterator<Item = &'a str>,
) -> Result<SmallVec<[PartitionValue<'a>; 10]>, BadPartitionValue> {
    let domain = cql::has_domain(table).then_some(Ok(PartitionValue::Text(DOMAIN)));
    let values = table.partition.iter().zip(texts);
    let values = values.map(|(column, text)| PartitionValue::new(column, text));
    domain.into_iter().chain(values).collect()
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
