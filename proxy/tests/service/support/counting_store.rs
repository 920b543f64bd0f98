//! A store that counts its reads and can be made unavailable.

use aqs_api::{Coverage, Lookup, Rows};
use aqs_origin::RequestContext;
use aqs_origin::store::{Store, StoreError};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Wraps another store.
pub(crate) struct CountingStore {
    store: Arc<dyn Store>,
    reads: AtomicUsize,
    unavailable: AtomicBool,
}

impl CountingStore {
    pub(crate) fn over(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store, reads: AtomicUsize::new(0), unavailable: AtomicBool::new(false) })
    }

    pub(crate) fn set_unavailable(&self, unavailable: bool) {
        self.unavailable.store(unavailable, Ordering::SeqCst);
    }

    /// The number of reads, failed ones included.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn available(&self) -> Result<&dyn Store, StoreError> {
        match self.unavailable.load(Ordering::SeqCst) {
            true => {
                Err(StoreError::Unavailable { store: "counting", reason: "unavailable".into() })
            }
            false => Ok(&*self.store),
        }
    }
}

#[async_trait]
impl Store for CountingStore {
    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.available()?.read(lookup, ctx).await
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        self.available()?.coverage().await
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        self.available()?.change_token().await
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        self.available()?.versions().await
    }
}
