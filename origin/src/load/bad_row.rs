//! Rows that were left out, and why.

use super::period::BadPeriod;
use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Which file.
    pub file: PathBuf,
    /// Which line of it, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.reason)
    }
}

/// What is wrong with a row.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The line is no UTF-8.
    #[error("the line is no UTF-8 (byte {at})")]
    NotUtf8 {
        /// The first byte that isn't, from 1.
        at: usize,
    },
    /// The line is too long.
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// The longest that is taken.
        limit: usize,
    },
    /// The line is no JSON object.
    #[error("the line is no JSON object: {0}")]
    Json(String),
    /// A field is no column.
    #[error("the table has no column {field:?}{}", hint(nearest))]
    UnknownField {
        /// The field.
        field: String,
        /// The column that was perhaps meant.
        nearest: Option<&'static str>,
    },
    /// A field is there twice.
    #[error("field {field:?} is there twice")]
    Repeated {
        /// The field.
        field: &'static str,
    },
    /// A column of the key is absent.
    #[error("key column {column:?} is missing")]
    MissingKey {
        /// The column.
        column: &'static str,
    },
    /// A column of the key is null.
    #[error("key column {column:?} is null")]
    NullKey {
        /// The column.
        column: &'static str,
    },
    /// A count is below nothing.
    #[error("column {column:?} is negative")]
    Negative {
        /// The column.
        column: &'static str,
    },
    /// A text is empty where one is needed.
    #[error("column {column:?} is an empty text")]
    Blank {
        /// The column.
        column: &'static str,
    },
    /// A value is of the wrong type.
    #[error("column {column:?} takes {expected}, not {found}")]
    WrongType {
        /// The column.
        column: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A number is no integer.
    #[error("column {column:?} takes an integer, not {found}")]
    NotInteger {
        /// The column.
        column: &'static str,
        /// The number.
        found: String,
    },
    /// A number is too large or too small.
    #[error("column {column:?} takes an integer of {bits} bits, and {found} is outside of them")]
    OutOfRange {
        /// The column.
        column: &'static str,
        /// How wide it is.
        bits: u32,
        /// The number.
        found: String,
    },
    /// The text of a JSON column is no JSON.
    #[error("column {column:?} takes text that is JSON, and this is none: {reason}")]
    NotJson {
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The row's period is none.
    #[error(transparent)]
    Period(#[from] BadPeriod),
}

fn hint(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}
