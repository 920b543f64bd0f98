//! What a server does for its store in the background.

use crate::support::{config, eventually, server};
use aqs_api::{Coverage, Lookup, Rows};
use aqs_origin::RequestContext;
use aqs_origin::store::{Store, StoreError};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_util::sync::CancellationToken;

/// A store whose keeper panics the first time.
#[derive(Default)]
struct Clumsy {
    kept: AtomicUsize,
}

#[async_trait]
impl Store for Clumsy {
    async fn read(&self, _: &Lookup, _: &RequestContext) -> Result<Rows, StoreError> {
        Err(StoreError::Unavailable { store: "clumsy", reason: "it has nothing".to_owned() })
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        Ok(Coverage::default())
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        Ok(1)
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(BTreeMap::new())
    }

    async fn keep(&self, cancel: CancellationToken) {
        assert!(self.kept.fetch_add(1, Ordering::SeqCst) > 0, "its keeper stumbles");
        cancel.cancelled().await;
    }
}

#[tokio::test]
async fn a_keeper_that_stumbles_is_followed_by_another() {
    let store = Arc::new(Clumsy::default());
    let server = server(config(), Arc::clone(&store) as Arc<dyn Store>).await;
    eventually(|| store.kept.load(Ordering::SeqCst) == 2).await;
    let background = server.background_tasks();
    assert!(server.drain().await);
    assert!(background.is_empty(), "the second keeper ends when it is told to");
}
