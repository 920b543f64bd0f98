//! Why a load could not go on.

use super::bad_row::BadRow;
use super::row::SinkError;
use crate::store::cassandra::WriterError;
use crate::store::embedded::WriteError;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A load could not go on. Nothing of it is in an embedded store; a cluster has all rows before.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The directory can't be listed.
    #[error("the directory {path} can't be read: {source}")]
    Directory {
        /// Which directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file was named instead of its directory.
    #[error("{path} is not a directory; name the directory that the tables' files are in")]
    NotADirectory {
        /// Which path.
        path: PathBuf,
    },
    /// No file is a table's.
    #[error(
        "there is nothing to load in {path}: it has no file that is named after a table, such as \
         {example}.ndjson or {example}.ndjson.gz"
    )]
    Nothing {
        /// Which directory.
        path: PathBuf,
        /// A table.
        example: &'static str,
    },
    /// A file of rows is named after no table.
    #[error("{path} is named after no table{}", hint(nearest))]
    UnknownTable {
        /// Which file.
        path: PathBuf,
        /// What it should perhaps be called.
        nearest: Option<String>,
    },
    /// What is named after a table is no file.
    #[error("{path} is not a file; all rows of a table belong in one, so put its parts together")]
    NotAFile {
        /// Which path.
        path: PathBuf,
    },
    /// A table has two files.
    #[error("table {table} has two files, {first} and {second}; keep the one that is meant")]
    Twice {
        /// Which table.
        table: &'static str,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file is compressed, and its name doesn't say so.
    #[error("{path} is compressed by gzip; its name must end in .ndjson.gz")]
    Compressed {
        /// Which file.
        path: PathBuf,
    },
    /// A file can't be read on.
    #[error("{path} can't be read after line {line}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// The last line that was read.
        line: u64,
        /// What the system or gzip says.
        source: io::Error,
    },
    /// A table's description makes no sense.
    #[error("table {table} has no column {column:?}, which its calendar asks for")]
    Table {
        /// Which table.
        table: &'static str,
        /// The missing column.
        column: &'static str,
    },
    /// The first bad row of a strict load.
    #[error("{0}")]
    BadRow(BadRow),
    /// The rows can't be written.
    #[error("{path}:{line}: {source}")]
    Sink {
        /// The file that was read.
        path: PathBuf,
        /// The line of it.
        line: u64,
        /// What the writer says.
        source: SinkError,
    },
    /// Somebody wants it to end.
    #[error("interrupted")]
    Interrupted,
    /// A cluster can't be written at all.
    #[error(transparent)]
    Cluster(#[from] WriterError),
    /// The store can't be written.
    #[error(transparent)]
    Store(#[from] WriteError),
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}
