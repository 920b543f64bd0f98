//! Why a schema could not be applied.

use crate::store::cassandra::ConnectError;
use crate::store::cassandra::present::SchemaError;
use thiserror::Error;

/// A schema could not be applied, or not all of it. What was done before stays, and applying it
/// again does the rest.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// There is no session.
    #[error("Cassandra: {0}")]
    Connect(#[from] ConnectError),
    /// It can't be asked what there is.
    #[error("Cassandra: {0}")]
    Schema(#[from] SchemaError),
    /// A table is there and isn't what it should be; that can't be altered.
    #[error(
        "the table {table} is there, but {difference}; that is not altered here: move its rows elsewhere, drop it by hand, and apply again"
    )]
    Different {
        /// The table, as statements name it.
        table: String,
        /// What is different.
        difference: String,
    },
    /// A data centre is asked for that isn't there: nothing in it could be read or written.
    #[error("no node is in the data centre {asked:?}; there are: {}", there.join(", "))]
    NoSuchCentre {
        /// Which.
        asked: String,
        /// Where nodes are.
        there: Vec<String>,
    },
    /// A statement was refused.
    #[error("the cluster refused this: {reason}\n{statement}")]
    Refused {
        /// The statement.
        statement: String,
        /// What it says.
        reason: String,
    },
    /// The nodes don't come to have the same schema.
    #[error(
        "it is done, but the nodes don't agree on the schema: {reason}; see `nodetool describecluster`"
    )]
    Agreement {
        /// What the driver says.
        reason: String,
    },
}
