//! Reading one partition.

use super::decode::CellError;
use super::page::Asker;
use super::policy::{WAY, Way};
use super::session::Profiles;
use super::statements::Statements;
use aqs_api::table::DOMAIN;
use aqs_api::{Read, Rows};
use scylla::client::session::Session;
use scylla::deserialize::DeserializationError;
use scylla::deserialize::row::ColumnIterator;
use scylla::errors::{
    DbError, ExecutionError, IntoRowsResultError, RequestAttemptError, RowsError,
};
use scylla::response::PagingState;
use scylla::serialize::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::prepared::PreparedStatement;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Instant;
use thiserror::Error;

/// The rows of one partition may weigh so much. The longest there is, an hourly series of twenty
/// years, takes a tenth of it.
const MOST_BYTES: usize = 64 << 20;
/// How many rows room is made for at once, whatever a page says that it has.
const MOST_ROWS_AHEAD: usize = 5000;

/// A partition could not be read.
#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    Execution(Box<ExecutionError>),
    #[error("no answer in time")]
    Late,
    #[error("{error}")]
    Cell { error: Box<CellError>, node: SocketAddr },
    #[error("no rows were answered: {0}")]
    NoRows(Box<IntoRowsResultError>),
    #[error("its rows can't be told apart: {0}")]
    Rows(#[from] RowsError),
    #[error("the partition has more than {} MiB", MOST_BYTES >> 20)]
    TooHeavy,
    #[error("its key has {expected} parts, and {found} were given")]
    Key { expected: usize, found: usize },
    #[error("a range was given, and the table has no timestamps")]
    NoTimestamps,
}

impl ReadError {
    /// Whether we may not read what was asked for.
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

// In boxes: they are large, and a read that goes well should not carry them around.
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

/// A read that came to its end, and what happened on its way.
pub(super) struct Made {
    pub(super) rows: Result<Rows, ReadError>,
    /// The node that failed last, or that did not answer in time.
    pub(super) failed: Option<SocketAddr>,
    pub(super) retries: u32,
}

/// Reads, until a moment.
pub(super) async fn partition(
    session: &Session,
    profiles: &Profiles,
    statements: &Statements,
    read: &Read,
    until: Instant,
) -> Made {
    // What asks the driver has thousands of bytes, so it stays where it is made.
    let pages = pin!(pages(session, profiles, statements, read, until));
    let mut scoped = pin!(WAY.scope(Way::default(), pages));
    let rows = scoped.as_mut().await;
    let way = scoped.take_value().unwrap_or_default();
    let failed = match rows {
        Err(ReadError::Late) => way.silent().or(way.failed()),
        _ => way.failed(),
    };
    Made { rows, failed, retries: way.retries.get() }
}

async fn pages(
    session: &Session,
    profiles: &Profiles,
    statements: &Statements,
    read: &Read,
    until: Instant,
) -> Result<Rows, ReadError> {
    let (expected, found) = (read.dataset.table.partition.len(), read.partition.len());
    if expected != found {
        return Err(ReadError::Key { expected, found });
    }
    let statement = match (&read.range, &statements.ranged) {
        (None, _) => &statements.whole,
        (Some(_), Some(ranged)) => ranged,
        (Some(_), None) => return Err(ReadError::NoTimestamps),
    };
    let mut filling = statements.plan.start();
    let asker = Asker { session, profiles, statement, until };
    let mut state = PagingState::start();
    loop {
        let (page, more) = asker.page(Bound(read), state).await?;
        let node = page.request_coordinator().connection_address();
        let page = page.into_rows_result()?;
        filling.expect(page.rows_num().min(MOST_ROWS_AHEAD), page.rows_bytes_size());
        let more = more.into_paging_control_flow();
        let taken = filling.page(page.rows()?, more.is_continue());
        taken.map_err(|error| ReadError::Cell { error, node })?;
        if filling.weight() > MOST_BYTES {
            return Err(ReadError::TooHeavy);
        }
        match more {
            // What follows a single row are its older versions. A page may be empty.
            ControlFlow::Continue(next) if !(statements.single && filling.has_rows()) => {
                state = next;
            }
            _ => return Ok(filling.finish()),
        }
    }
}

/// The first row's text of a statement for one partition; `None` if there is no row, and nothing
/// in it if it is null or no text.
pub(super) async fn first_text(
    session: &Session,
    statement: &PreparedStatement,
    partition: &[&str],
) -> Result<Option<String>, ReadError> {
    let mut state = PagingState::start();
    let (page, node) = loop {
        let (page, more) = session.execute_single_page(statement, Named(partition), state).await?;
        let node = page.request_coordinator().connection_address();
        let page = page.into_rows_result()?;
        match more.into_paging_control_flow() {
            // A page may be empty, and rows follow.
            ControlFlow::Continue(next) if page.rows_num() == 0 => state = next,
            _ => break (page, node),
        }
    };
    let Some(row) = page.rows::<ColumnIterator<'_, '_>>()?.next() else { return Ok(None) };
    let wrong = |error: DeserializationError| ReadError::Cell { error: error.into(), node };
    let cell = row.map_err(wrong)?.next();
    let cell = cell.transpose().map_err(wrong)?;
    let bytes = cell.and_then(|cell| cell.slice).map(|slice| slice.as_slice()).unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// What a read binds: the domain, its partition, its range.
#[derive(Clone, Copy)]
struct Bound<'a>(&'a Read);

/// What names a partition: the domain and its key.
struct Named<'a>(&'a [&'a str]);

impl SerializeRow for Bound<'_> {
    fn serialize(
        &self,
        _: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        text(writer, DOMAIN)?;
        self.0.partition.iter().try_for_each(|part| text(writer, part))?;
        if let Some((first, last)) = &self.0.range {
            text(writer, first.as_str())?;
            text(writer, last.as_str())?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        false
    }
}

impl SerializeRow for Named<'_> {
    fn serialize(
        &self,
        _: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        text(writer, DOMAIN)?;
        self.0.iter().try_for_each(|part| text(writer, part))
    }

    fn is_empty(&self) -> bool {
        false
    }
}

fn text(writer: &mut RowWriter<'_>, text: &str) -> Result<(), SerializationError> {
    let written = writer.make_cell_writer().set_value(text.as_bytes());
    written.map(|_| ()).map_err(SerializationError::new)
}
