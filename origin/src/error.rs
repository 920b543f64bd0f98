//! Why there is no answer.

use crate::store::StoreError;
use aqs_api::shapes::ShapeError;
use thiserror::Error;

/// A query could not be answered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OriginError {
    /// The store could not be asked or did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store answered with what makes no answer.
    #[error("the rows of {path} make no answer: {source}")]
    Shape {
        /// The canonical path of the query.
        path: String,
        /// What is wrong with them.
        source: ShapeError,
    },
    /// Too many wait for the store already.
    #[error("too many requests wait for the store")]
    Crowded,
    /// The store has more to do than it takes.
    #[error("more is asked of the store than it takes at once")]
    Overloaded,
    /// The deadline of the one who waited is over; the flight goes on.
    #[error("the store did not answer before the request's deadline")]
    Deadline,
    /// The task that asked ended without an outcome: the program is shutting down, or has a bug.
    #[error("the task that asked the store ended without an answer")]
    Lost,
}
