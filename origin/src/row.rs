//! Rows on their way into a store.

use aqs_api::Table;
use std::borrow::Cow;
use std::io;
use thiserror::Error;

#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Leaves the stored value.
    Absent,
    /// Clears the stored value.
    Null,
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Absent => Cell::Absent,
            Self::Null => Cell::Null,
            Self::Int(number) => Cell::Int(number),
            Self::Double(number) => Cell::Double(number),
            Self::Text(text) => Cell::Text(text.into_owned().into()),
        }
    }
}

/// Takes rows: the writer of a store, or a directory of NDJSON. The default methods are for a
/// writer that writes concurrently.
pub trait Sink {
    /// Takes a row: a cell for each of `Table::columns()`, in order. Key cells are present.
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError>;

    /// The next rows are from a file of this table.
    fn begin(&mut self, _table: &'static Table) {}

    /// The next row is on this line of the file, from 1.
    fn line(&mut self, _number: u64) {}

    /// The file has ended. Returns when its rows are written.
    fn end(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[derive(Debug, Error)]
pub enum SinkError {
    #[error("table {table}: {reason}")]
    Store { table: &'static str, reason: String },
    /// The store refused an earlier row, of this line.
    #[error("table {table}: {reason}")]
    Late { table: &'static str, line: u64, reason: String },
    #[error("interrupted")]
    Interrupted,
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
}
