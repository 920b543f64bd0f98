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

/// A store whose session panics the first time, and whose second look at its data does.
#[derive(Default)]
struct Clumsy {
    kept: AtomicUsize,
    looked: AtomicUsize,
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
        assert!(self.looked.fetch_add(1, Ordering::SeqCst) != 1, "the second look fails");
        Ok(1)
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(BTreeMap::new())
    }

    async fn keep(&self, cancel: CancellationToken) {
        assert!(self.kept.fetch_add(1, Ordering::SeqCst) > 0, "the first session fails");
        cancel.cancelled().await;
    }
}

#[tokio::test]
async fn background_tasks_that_panic_are_restarted_and_show_in_readiness_and_metrics() {
    let store = Arc::new(Clumsy::default());
    let server = server(config(), Arc::clone(&store) as Arc<dyn Store>).await;
    let failures = &server.components.metrics.background_task_failures;
    let missing = || server.components.readiness.missing();
    for task in ["store session", "coverage polling"] {
        eventually(|| failures.with_label_values(&[task]).get() == 1).await;
        eventually(|| missing().contains(&task)).await;
        eventually(|| !missing().contains(&task)).await;
    }
    eventually(|| store.kept.load(Ordering::SeqCst) == 2).await;
    eventually(|| store.looked.load(Ordering::SeqCst) > 2).await;
    assert!(missing().is_empty());
    let background = server.background_tasks();
    assert!(server.drain().await);
    assert!(background.is_empty(), "a task is left");
}
