//! Loads rows into stores.
//!
//! A load reads files of NDJSON or CSV: one for each table, named after it (`unique_devices.ndjson`,
//! also `.csv`, `.ndjson.gz` or `.csv.gz`). A line is a row and its fields are columns: an absent
//! column keeps the stored value, `null` clears it. The first line of CSV has the names of the
//! columns; an empty field is an absent one. JSON columns are text that holds JSON. Invalid rows are
//! reported with file, line and reason, and left out.

#[cfg(feature = "cassandra")]
mod cluster;
mod csv;
mod files;
mod parse;
mod report;
mod source;

pub use crate::period::{BadPeriod, NoPeriod};
#[cfg(feature = "cassandra")]
pub use cluster::into_cluster;
pub use files::{Options, files, into_store};
pub use report::{Advance, BadRow, Progress, Reason, Report, TableReport};
pub use source::{Input, STANDARD_INPUT};

use crate::row::SinkError;
#[cfg(feature = "cassandra")]
use crate::store::cassandra::WriterError;
use crate::store::embedded::WriteError;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A load failed. An embedded store is as before; Cassandra has all earlier rows.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error("{path} can't be read: {source}")]
    Directory { path: PathBuf, source: io::Error },
    #[error(
        "there is nothing to load in {path}: it has no file that is named after a table, such as \
         {example}.ndjson or {example}.ndjson.gz"
    )]
    Nothing { path: PathBuf, example: &'static str },
    #[error("{path} is not named after a table{}", hint(nearest))]
    UnknownTable { path: PathBuf, nearest: Option<String> },
    #[error("{path} is not a file; all rows of a table belong in one, so put its parts together")]
    NotAFile { path: PathBuf },
    #[error("table {table} has two files, {first} and {second}; keep one of them")]
    Twice { table: &'static str, first: PathBuf, second: PathBuf },
    #[error("there is no table {name:?}{}", hint(nearest))]
    NoTable { name: String, nearest: Option<String> },
    #[error("name the table of standard input with --table")]
    NoTableOfInput,
    #[error("standard input can be read only once: write it to a file for a strict load")]
    InputTwice,
    #[error("{path} is a directory, whose files are named after tables; --table is for one file")]
    TableOfDirectory { path: PathBuf },
    #[error("{path} is compressed by gzip; its name must end in .gz")]
    Compressed { path: PathBuf },
    #[error("{path} can't be read after line {line}: {source}")]
    File { path: PathBuf, line: u64, source: io::Error },
    #[error("table {table} {source}")]
    Table { table: &'static str, source: NoPeriod },
    /// The first bad row of a strict load.
    #[error("{0}")]
    BadRow(BadRow),
    #[error("{0}; the first line of CSV has the names of the columns")]
    Header(BadRow),
    #[error("{path}:{line}: {source}")]
    Sink { path: PathBuf, line: u64, source: SinkError },
    #[error("interrupted")]
    Interrupted,
    #[cfg(feature = "cassandra")]
    #[error(transparent)]
    Cluster(#[from] WriterError),
    #[error(transparent)]
    Store(#[from] WriteError),
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}
