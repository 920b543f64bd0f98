//! Errors of a store's file, with a hint where the operator can do something.

use super::schema::VERSION;
use crate::store::partition_value::BadPartitionValue;
use aqs_api::rows::RowsError;
use rusqlite::ErrorCode;
use rusqlite::types::{FromSqlError, Type};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum FileError {
    #[error("{path} is empty: no load into it was ever finished; fill it with `aqs load`")]
    Empty { path: PathBuf },
    #[error(
        "{path} is not an embedded store: it is not an SQLite database, or its header is damaged"
    )]
    NotSqlite { path: PathBuf },
    #[error(
        "{path} is an SQLite database, but not a store of aqs (application id {found:#x}); \
         name another path"
    )]
    Foreign { path: PathBuf, found: i32 },
    #[error(
        "{path} is a store of schema version {found}, and this program knows version {VERSION}; \
         load the data with this program into a new path (`aqs load`), or run the program that \
         made it"
    )]
    Version { path: PathBuf, found: i32 },
    #[error("{path}: {doing} failed: {source}")]
    Sqlite { path: PathBuf, doing: &'static str, source: rusqlite::Error },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

impl FileError {
    pub(super) fn sqlite(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotSqlite { path },
            _ => Self::Sqlite { path, doing, source },
        }
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// Whether the file itself is the cause, so that trying again does not help.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } => {
                source.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
            }
            Self::Io { .. } => false,
            Self::Empty { .. }
            | Self::NotSqlite { .. }
            | Self::Foreign { .. }
            | Self::Version { .. } => true,
        }
    }
}

#[derive(Debug, Error)]
pub enum OpenError {
    #[error("there is no store at {path}; make one with `aqs load`, or correct the path")]
    Missing { path: PathBuf },
    #[error("{path} is not a file; name the store's file, not its folder")]
    NotAFile { path: PathBuf },
    /// The store can only be opened as immutable, which ignores its log.
    #[error(
        "{path} can only be opened as immutable, and its log {log} holds {bytes} bytes of a load \
         that would be ignored; open the store once where its folder can be written, or remove \
         the log if that load may be lost"
    )]
    UnmergedLog { path: PathBuf, log: PathBuf, bytes: u64 },
    /// The store was replaced; SQLite would merge the log of the old file into the new one.
    #[error(
        "{path} was replaced, and {log} holds {bytes} bytes of a load into the file before it; \
         remove that log"
    )]
    LeftoverLog { path: PathBuf, log: PathBuf, bytes: u64 },
    /// The store can only be opened as immutable.
    #[error("{path} is being written; it can be read when the load has ended")]
    Changing { path: PathBuf },
    #[error(transparent)]
    File(#[from] FileError),
}

#[derive(Debug, Error)]
pub enum WriteError {
    #[error(
        "another load into {path} is running (waited {} s for it); try again when it has ended",
        waited.as_secs()
    )]
    Busy { path: PathBuf, waited: Duration },
    #[error("{path} exists already; name a new path, or load into the existing store")]
    Exists { path: PathBuf },
    #[error("{path}: table {table:?} {reason}; load the data into a new path")]
    Table { path: PathBuf, table: &'static str, reason: String },
    #[error("{path}: {reason}: the file is damaged; load the data into a new path")]
    Summary { path: PathBuf, reason: String },
    /// Without the row the load would not be whole.
    #[error("{path}: nothing was committed, because an earlier row could not be written")]
    Broken { path: PathBuf },
    #[error(transparent)]
    File(#[from] FileError),
}

#[derive(Debug, Error)]
pub(super) enum QueryError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(
        "column {column:?} of row {row} holds {found} instead of {expected} ({source}): the file \
         was not written by this program, or is damaged"
    )]
    Cell {
        column: &'static str,
        row: usize,
        found: Type,
        expected: &'static str,
        source: FromSqlError,
    },
    #[error("the table has no key column {0:?}; load the data into a new path")]
    NoKey(&'static str),
    #[error("the key has {expected} parts, but {found} were given")]
    Key { expected: usize, found: usize },
    #[error("{0}")]
    PartitionValue(#[from] BadPartitionValue),
    #[error("a range was given, but the table has no timestamps")]
    NoTimestamps,
    #[error("dataset {dataset:?} reaches from {first:?} to {last:?}, which are not dates")]
    Dates { dataset: String, first: String, last: String },
    #[error("{0}")]
    Rows(#[from] RowsError),
}

impl QueryError {
    pub(super) fn sqlite_code(&self) -> Option<ErrorCode> {
        let Self::Sqlite(error) = self else { return None };
        error.sqlite_error_code()
    }
}

/// Whether SQLite gave up waiting for another connection.
pub(super) fn is_busy(code: Option<ErrorCode>) -> bool {
    matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether a statement names a table or a column that the file does not have.
pub(super) fn is_unknown_name(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqlInputError { .. })
        || error.sqlite_error_code() == Some(ErrorCode::Unknown)
}
