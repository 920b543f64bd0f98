//! What a load reports: progress, counts and bad rows.

use crate::period::BadPeriod;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// By table, of each that has a file.
    pub tables: BTreeMap<&'static str, TableReport>,
    /// The first bad rows, up to [`Options::kept_bad_rows`](super::Options::kept_bad_rows).
    pub bad_rows: Vec<BadRow>,
    /// The datasets that changed; empty unless an embedded store was loaded.
    pub changed: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableReport {
    pub rows: u64,
    /// Rows left out.
    pub bad: u64,
}

impl Report {
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }

    pub fn bad(&self) -> u64 {
        self.tables.values().map(|table| table.bad).sum()
    }
}

pub trait Progress {
    fn file(&mut self, _path: &Path, _table: &'static str) {}

    /// Called every few rows, and at the end of each file.
    fn advanced(&mut self, _at: Advance) {}

    fn bad_row(&mut self, _row: &BadRow) {}

    /// Another load into the store is running; it is awaited for so long.
    fn waiting(&mut self, _store: &Path, _limit: Duration) {}

    /// Whether the load is to end without a result.
    fn is_stopped(&self) -> bool {
        false
    }
}

impl Progress for () {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advance {
    /// Bytes read of the files, as they are on disk.
    pub bytes: u64,
    pub total: u64,
    pub rows: u64,
    /// Rows left out.
    pub bad: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    pub file: PathBuf,
    /// From 1.
    pub line: u64,
    pub reason: Reason,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.reason)
    }
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Reason {
    /// The position is that of the first invalid byte, from 1.
    #[error("the line is not UTF-8 (byte {position})")]
    NotUtf8 { position: usize },
    #[error("the line is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the line is not a JSON object: {0}")]
    Json(String),
    #[error("the line is not CSV: {0}")]
    Csv(String),
    #[error("the table has no column {field:?}{}", hint(nearest))]
    UnknownField { field: String, nearest: Option<&'static str> },
    #[error("field {field:?} is repeated")]
    Repeated { field: &'static str },
    #[error("key column {column:?} is missing")]
    MissingKey { column: &'static str },
    #[error("key column {column:?} is null")]
    NullKey { column: &'static str },
    #[error("column {column:?} takes {expected}, not {found:?}; no request could reach the row")]
    Key { column: &'static str, expected: String, found: String },
    #[error("the period {period} is in the future; --allow-future loads it nevertheless")]
    Future { period: String },
    #[error("column {column:?} is negative")]
    Negative { column: &'static str },
    #[error("column {column:?} is an empty text")]
    Empty { column: &'static str },
    #[error("column {column:?} takes {expected}, not {found}")]
    WrongType { column: &'static str, expected: &'static str, found: &'static str },
    #[error("column {column:?} takes an integer, not {found}")]
    NotInteger { column: &'static str, found: String },
    #[error("column {column:?} takes an integer of {bits} bits, and {found} is out of range")]
    OutOfRange { column: &'static str, bits: u32, found: String },
    #[error("column {column:?} takes text that is JSON, and this is not: {reason}")]
    NotJson { column: &'static str, reason: String },
    #[error(transparent)]
    Period(#[from] BadPeriod),
}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}
