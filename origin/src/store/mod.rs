//! Stores: what a lookup is asked of.

pub mod cassandra;
pub mod embedded;

use crate::declare::Declarations;
use crate::request_context::RequestContext;
use aqs_api::{Coverage, Lookup, Rows};
use async_trait::async_trait;
use std::collections::BTreeMap;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// Something that holds rows.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The rows that a lookup asks for, in clustering order; none is no error.
    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError>;

    /// What is loaded.
    async fn coverage(&self) -> Result<Coverage, StoreError>;

    /// A number that is another whenever `versions` or `coverage` may be; cheap to ask for.
    async fn change_token(&self) -> Result<u64, StoreError>;

    /// A number for each dataset that is another whenever a load changed it, as far as the store
    /// knows; none for one of which it knows nothing.
    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError>;

    /// What tells it from other stores, also after a restart: an answer that was kept on the disk
    /// is not given for another one's. Two with a name in common are the same.
    fn identity(&self) -> Vec<String> {
        vec![String::new()]
    }

    /// What is wrong with it, in sentences for operators; what it answers is all there is to
    /// know of a store that has none.
    fn health_issues(&self) -> Vec<String> {
        Vec::new()
    }

    /// Declares what it counts beside what is counted of every store.
    fn declare(&self, _: &mut Declarations<'_>) -> Result<(), prometheus::Error> {
        Ok(())
    }

    /// What it does in the background as long as it is used, until it is cancelled.
    async fn keep(&self, _: CancellationToken) {}
}

/// A store could not answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It can't be reached or is not ready; trying again later can help.
    #[error("store {store} is not available: {reason}")]
    Unavailable {
        /// Which store.
        store: &'static str,
        /// Why.
        reason: String,
    },
    /// It took longer than the asker or the store's own limit allows.
    #[error("store {store} did not answer in time when asked for {asked}")]
    Timeout {
        /// Which store.
        store: &'static str,
        /// Table and key.
        asked: String,
    },
    /// It failed at this read_plan; asking again is not likely to help.
    #[error("store {store} failed when asked for {asked}: {reason}")]
    Failed {
        /// Which store.
        store: &'static str,
        /// Table and key.
        asked: String,
        /// What it said.
        reason: String,
    },
}
