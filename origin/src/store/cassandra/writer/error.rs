//! Why a cluster can't be written.

use crate::store::cassandra::ConnectError;
use crate::store::cassandra::present::SchemaError;
use thiserror::Error;

/// A cluster can't be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriterError {
    /// There is no session.
    #[error("Cassandra: {0}")]
    Connect(#[from] ConnectError),
    /// It can't be asked what there is.
    #[error("Cassandra: {0}")]
    Schema(#[from] SchemaError),
    /// A table is not there.
    #[error(
        "the cluster has no table {table}; `aqs schema --apply` makes it (with the same --config)"
    )]
    NoTable {
        /// The table, as statements name it.
        table: String,
    },
    /// Columns are not there.
    #[error(
        "the table {table} has no column {}; `aqs schema --apply` adds what is missing (with the \
         same --config)",
        columns.join(", ")
    )]
    NoColumns {
        /// The table, as statements name it.
        table: String,
        /// The columns.
        columns: Vec<String>,
    },
    /// A statement was refused.
    #[error("the cluster refused {statement:?}: {reason}")]
    Refused {
        /// The statement.
        statement: String,
        /// What it says.
        reason: String,
    },
    /// Somebody wants it to end.
    #[error("interrupted")]
    Interrupted,
}
