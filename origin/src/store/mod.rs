//! Stores of rows.

#[cfg(feature = "cassandra")]
pub mod cassandra;
pub mod embedded;
mod partition_value;

use crate::metric_declarations::Declarations;
use crate::request_context::RequestContext;
use aqs_api::lookup::EventRead;
use aqs_api::{Coverage, Dataset, Lookup, Rows};
use async_trait::async_trait;
use std::collections::BTreeMap;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The rows of a lookup, in clustering order. No rows are no error. It ends by the deadline of
    /// the context.
    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError>;

    async fn coverage(&self) -> Result<Coverage, StoreError>;

    /// A number that changes whenever `versions` or `coverage` may change. It is cheap.
    async fn change_token(&self) -> Result<u64, StoreError>;

    /// A number for each known dataset that changes whenever a load changes the dataset, as far as
    /// the store knows.
    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError>;

    /// Distinguishes the store from others, also after a restart, so that answers on disk are not
    /// taken for those of another store. Stores with a name in common are the same.
    fn identity(&self) -> Vec<String> {
        vec![String::new()]
    }

    /// What is wrong with the store, in sentences for operators. A store without this reports
    /// problems by its errors only.
    fn health_issues(&self) -> Vec<String> {
        Vec::new()
    }

    /// The datasets of which rows may be missing without an error. Nothing that was read of them is
    /// to be served.
    fn damaged(&self) -> Vec<&'static Dataset> {
        Vec::new()
    }

    fn declare(&self, _: &mut Declarations<'_>) -> Result<(), prometheus::Error> {
        Ok(())
    }

    /// Runs the store's background work until it is cancelled.
    async fn run(&self, cancel: CancellationToken) {
        cancel.cancelled().await;
    }
}

#[derive(Debug, Error)]
pub enum StoreError {
    /// It can't be reached or is not ready; a later retry can help.
    #[error("store {store} is not available: {reason}")]
    Unavailable { store: &'static str, reason: String },
    /// It took longer than the request's deadline or the store's own limit.
    #[error("store {store} did not read {read} in time")]
    Timeout { store: &'static str, read: String },
    /// It failed at this read; a retry is not likely to help.
    #[error("store {store} failed to read {read}: {reason}")]
    Failed { store: &'static str, read: String, reason: String },
}

impl StoreError {
    /// The store holds tables only.
    fn no_events(store: &'static str, read: &EventRead) -> Self {
        let reason = "the store holds no edit events".to_owned();
        Self::Failed { store, read: read.dataset.name.to_owned(), reason }
    }
}
