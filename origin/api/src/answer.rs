//! What the rows of an answer hold.

use crate::body::TimeForm;
use crate::calendar::Digits;
use crate::fault::NoDataReason;
use crate::param::Param;
use crate::rows::RowsError;
use smallvec::SmallVec;
use std::borrow::Cow;
use thiserror::Error;

/// The content of an answer.
#[derive(Debug)]
pub enum Answer<'a> {
    /// A column for each field of the body's rows, in order, all of one length.
    Rows { len: usize, columns: SmallVec<[Column<'a>; 4]> },
    /// There is no data.
    Empty(NoDataReason),
}

/// The values of one field: as the store has them, or computed.
#[derive(Clone, Debug)]
pub enum Column<'a> {
    /// Texts.
    Timestamps(Cow<'a, [Digits]>, TimeForm),
    Ints(Cow<'a, [i64]>),
    Doubles(Vec<f64>),
    Texts(Vec<Cow<'a, str>>),
    /// A row without a value lacks the field.
    OptionalInts(Vec<Option<i64>>),
    /// A row without a value lacks the field.
    OptionalTexts(Vec<Option<Cow<'a, str>>>),
    /// A row without a value has null.
    NullableTexts(Vec<Option<Cow<'a, str>>>),
}

/// Rows that do not fit the body of their endpoint.
#[derive(Debug, Error)]
pub enum ShapeError {
    /// A JSON cell holds something else than its column does everywhere else.
    #[error("table {table}, column {column}: failed to parse the JSON: {source}")]
    BrokenJson { table: &'static str, column: &'static str, source: serde_json::Error },
    /// The store delivered no such column, or a timestamp that is none.
    #[error(transparent)]
    Rows(#[from] RowsError),
    #[error("the body needs the parameter {}, which the endpoint does not have", .0.name)]
    NoParam(&'static Param),
    #[error("the parameter {} is {value:?}, which is no integer", .param.name)]
    NoNumber { param: &'static Param, value: String },
    #[error("the body needs the dates of the request, which the endpoint does not have")]
    NoSpan,
    #[error("the field {0:?} has a value for each row, in an object that is no row")]
    RowValue(&'static str),
    #[error("the value {value:?} of the parameter {} selects no column", .param.name)]
    NoColumn { param: &'static Param, value: String },
    #[error(
        "the body has {fields} fields that rows determine, not {columns} columns of {rows} rows"
    )]
    Misfit { fields: usize, columns: usize, rows: usize },
    #[error("the sum of {0:?} does not fit 64 bits")]
    Overflow(&'static str),
}
