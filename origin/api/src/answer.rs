//! What a shape makes of rows.

use crate::calendar::Digits;
use crate::problem::NoDataReason;
use crate::rows::RowsError;
use smallvec::SmallVec;
use std::borrow::Cow;
use thiserror::Error;

/// The content of an answer, in the terms of the endpoint's `Response`.
#[derive(Debug)]
pub enum Answer<'a> {
    /// For `Response::Series`.
    Series {
        /// The periods, ascending.
        timestamps: Cow<'a, [Digits]>,
        /// For each integer field of an item its column, one value a period.
        columns: SmallVec<[Column<'a>; 3]>,
    },
    /// For `Response::List`: the entries in order.
    List(Vec<ListEntry<'a>>),
    Empty(NoDataReason),
}

/// A column of a series: as the store has it, or computed.
pub type Column<'a> = Cow<'a, [i64]>;

/// An entry of a list: a value for each field of the response's entry.
pub type ListEntry<'a> = SmallVec<[FieldValue<'a>; 4]>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue<'a> {
    Text(Cow<'a, str>),
    Int(i64),
    /// The entry lacks the field.
    Absent,
}

#[derive(Debug, Error)]
pub enum ShapeError {
    /// A JSON cell holds something else than its column does everywhere else.
    #[error("table {table}, column {column}: failed to parse the JSON: {source}")]
    BrokenJson { table: &'static str, column: &'static str, source: serde_json::Error },
    /// The store delivered no such column, or a timestamp that is none.
    #[error(transparent)]
    Rows(#[from] RowsError),
}
