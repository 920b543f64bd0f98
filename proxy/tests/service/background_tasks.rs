//! Failures of background tasks.

use crate::support::{config, eventually, server};
use aqs_api::{Coverage, Lookup, Rows};
use aqs_origin::RequestContext;
use aqs_origin::store::{Store, StoreError};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_util::sync::CancellationToken;

/// A store whose first session panics, and whose second change token does.
#[derive(Default)]
struct PanickingStore {
    sessions: AtomicUsize,
    polls: AtomicUsize,
}

#[async_trait]
impl Store for PanickingStore {
    async fn read(&self, _: &Lookup, _: &RequestContext) -> Result<Rows, StoreError> {
        Err(StoreError::Unavailable { store: "clumsy", reason: "it has nothing".to_owned() })
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        Ok(Coverage::default())
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        assert!(self.polls.fetch_add(1, Ordering::SeqCst) != 1, "the second poll fails");
        Ok(1)
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        Ok(BTreeMap::new())
    }

    async fn run(&self, cancel: CancellationToken) {
        assert!(self.sessions.fetch_add(1, Ordering::SeqCst) > 0, "the first session fails");
        cancel.cancelled().await;
    }
}

#[tokio::test]
async fn background_tasks_that_panic_are_restarted_and_show_in_readiness_and_metrics() {
    let store = Arc::new(PanickingStore::default());
    let server = server(config(), Arc::clone(&store) as Arc<dyn Store>).await;
    let failures = &server.components.metrics.background_task_failures;
    let missing = || server.components.readiness.missing();
    for task in ["store session", "coverage polling"] {
        eventually(|| failures.with_label_values(&[task]).get() == 1).await;
        eventually(|| missing().contains(&task)).await;
        eventually(|| !missing().contains(&task)).await;
    }
    eventually(|| store.sessions.load(Ordering::SeqCst) == 2).await;
    eventually(|| store.polls.load(Ordering::SeqCst) > 2).await;
    assert!(missing().is_empty());
    let background = server.background_tasks();
    assert!(server.drain().await);
    assert!(background.is_empty(), "a task is left");
}
