//! One row on its way into a store.

use aqs_api::Table;
use std::borrow::Cow;
use std::io;
use thiserror::Error;

/// A cell to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Leaves what is there.
    Absent,
    /// Clears what is there.
    Null,
    /// An integer.
    Int(i64),
    /// A text.
    Text(Cow<'a, str>),
}

/// What takes rows: a store's writer, or a directory of NDJSON.
pub trait Sink {
    /// Takes a row: a cell for each of `Table::columns()`, in order. Key cells are present.
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError>;
}

/// A row could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Whoever wanted the rows wants no more.
    #[error("it was ended")]
    Ended,
    /// The store refused it.
    #[error("table {table}: {reason}")]
    Store {
        /// The table.
        table: &'static str,
        /// What the store says.
        reason: String,
    },
    /// A file could not be written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}
