//! A store whose reads are counted, and which can be gone.

use aqs_api::{Coverage, Lookup, Rows};
use aqs_origin::RequestContext;
use aqs_origin::store::{Store, StoreError};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Another store, as long as it is there.
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    reads: AtomicUsize,
    gone: AtomicBool,
}

impl Watched {
    pub(crate) fn over(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store, reads: AtomicUsize::new(0), gone: AtomicBool::new(false) })
    }

    /// From now on it can't be reached, or can be again.
    pub(crate) fn be_gone(&self, gone: bool) {
        self.gone.store(gone, Ordering::SeqCst);
    }

    /// How often it was read, also in vain.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn reached(&self) -> Result<&dyn Store, StoreError> {
        match self.gone.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable { store: "watched", reason: "gone".into() }),
            false => Ok(&*self.store),
        }
    }
}

#[async_trait]
impl Store for Watched {
    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.reached()?.read(lookup, ctx).await
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        self.reached()?.coverage().await
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        self.reached()?.change_token().await
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        self.reached()?.versions().await
    }
}
