//! Why a query was not answered.

use crate::store::StoreError;
use aqs_api::Query;
use aqs_api::answer::ShapeError;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum OriginError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("failed to shape the rows of {path}: {source}")]
    Shape {
        /// The canonical path of the query.
        path: String,
        source: ShapeError,
    },
    /// The lookup is not of this catalogue.
    #[error("dataset {dataset} is read from no store")]
    NoRoute { dataset: &'static str },
    #[error("too many requests wait for the store")]
    Rejected,
    /// The store's queue is full or too slow, or memory is short.
    #[error("the store is overloaded")]
    Overloaded,
    /// The request's deadline has passed; the flight goes on.
    #[error("the store did not answer before the request's deadline")]
    Deadline,
    /// The work ended without an outcome: the program is shutting down, or the work panicked.
    #[error("the read of the store was aborted")]
    Lost,
}

impl OriginError {
    pub(crate) fn shape(query: &Query, source: ShapeError) -> Self {
        Self::Shape { path: query.key().path().to_owned(), source }
    }
}
