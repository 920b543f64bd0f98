//! One row on its way into a store.

use aqs_api::Table;
use std::borrow::Cow;
use std::io;
use std::path::Path;
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

impl Cell<'_> {
    /// The same, with a text of its own.
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Absent => Cell::Absent,
            Self::Null => Cell::Null,
            Self::Int(number) => Cell::Int(number),
            Self::Text(text) => Cell::Text(text.into_owned().into()),
        }
    }
}

/// What takes rows: a store's writer, or a directory of NDJSON.
///
/// One that writes behind its caller's back wants to know where rows come from and when there
/// are no more; the others need only take them.
pub trait Sink {
    /// Takes a row: a cell for each of `Table::columns()`, in order. Key cells are present.
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError>;

    /// Is told of which file the next rows are.
    fn begin(&mut self, table: &'static Table, path: &Path) -> Result<(), SinkError> {
        let _ = (table, path);
        Ok(())
    }

    /// Is told on which line of that file the next row is, from 1.
    fn line(&mut self, number: u64) {
        let _ = number;
    }

    /// Is told that the file is at its end; returns when its rows are written.
    fn end(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// A row could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The store refused it.
    #[error("table {table}: {reason}")]
    Store {
        /// The table.
        table: &'static str,
        /// What the store says.
        reason: String,
    },
    /// The store refused one that was taken earlier.
    #[error("table {table}: {reason}")]
    Late {
        /// The table.
        table: &'static str,
        /// On which line of the file the row is.
        line: u64,
        /// What the store says.
        reason: String,
    },
    /// Somebody wants it to end.
    #[error("interrupted")]
    Interrupted,
    /// A file could not be written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}
