//! From rows to answers: one function for each way that endpoints read their rows.

pub mod articles;
pub mod countries;
pub mod per_article;
pub mod series;

use crate::rows::RowsError;
use serde::Deserialize;
use thiserror::Error;

/// Rows that can't be made an answer.
#[derive(Debug, Error)]
pub enum ShapeError {
    /// A JSON cell that doesn't hold what its column holds everywhere else.
    #[error("table {table}, column {column}: the JSON can't be read: {source}")]
    BrokenJson {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A column that the store didn't deliver, or a timestamp that is none.
    #[error(transparent)]
    Rows(#[from] RowsError),
}

/// Reads the JSON list in a cell.
fn parse_list<'a, T: Deserialize<'a>>(
    cell: &'a str,
    table: &'static str,
    column: &'static str,
) -> Result<Vec<T>, ShapeError> {
    serde_json::from_str(cell).map_err(|source| ShapeError::BrokenJson { table, column, source })
}
