//! Follows what the store has loaded, and purges the datasets that a load changes.

use crate::epochs::{Epochs, PurgeMode, Scope, StateError};
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use aqs_api::{Coverage, Dataset};
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// How often a store is polled for loads.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// The coverage could not be refreshed.
#[derive(Debug, Error)]
pub enum RefreshError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The purge panicked. The next refresh repeats it.
    #[error("failed to purge what was loaded: {0}")]
    Purge(#[from] JoinError),
}

/// Follows the datasets that are read from one store.
pub(crate) struct CoverageTracker {
    store: Arc<dyn Store>,
    datasets: Vec<&'static Dataset>,
    /// The coverage of all stores.
    coverage: Arc<ArcSwap<Coverage>>,
    epochs: Arc<Epochs>,
    metrics: Metrics,
    seen: Mutex<Seen>,
    /// Held for a whole refresh: of two at once, the older could overwrite the newer coverage.
    refreshing: tokio::sync::Mutex<()>,
    known: watch::Sender<bool>,
}

struct Seen {
    change_token: Option<u64>,
    versions: BTreeMap<String, u64>,
    damaged: Vec<&'static str>,
}

impl CoverageTracker {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        datasets: Vec<&'static Dataset>,
        coverage: Arc<ArcSwap<Coverage>>,
        epochs: Arc<Epochs>,
        metrics: Metrics,
    ) -> Self {
        let versions = epochs.versions_at_start().clone();
        let seen = Mutex::new(Seen { change_token: None, versions, damaged: Vec::new() });
        let (refreshing, known) = (tokio::sync::Mutex::default(), watch::Sender::default());
        Self { store, datasets, coverage, epochs, metrics, seen, refreshing, known }
    }

    pub(crate) fn datasets(&self) -> &[&'static Dataset] {
        &self.datasets
    }

    /// Reads the coverage again if anything was loaded, and purges softly the datasets whose
    /// versions differ from those last seen, by this process or before its start. Returns their
    /// names. A dataset that was never seen has no answers to purge.
    pub(crate) async fn refresh(self: &Arc<Self>) -> Result<Vec<&'static str>, RefreshError> {
        let _refreshing = self.refreshing.lock().await;
        self.purge_damaged().await?;
        let token = self.store.change_token().await?;
        if self.seen().change_token == Some(token) {
            return Ok(Vec::new());
        }
        // Versions first: a load in between is seen by the next refresh.
        let mut versions = self.store.versions().await?;
        let coverage = self.store.coverage().await?;
        // It may hold datasets that are read from another store.
        versions.retain(|name, _| self.datasets.iter().any(|dataset| dataset.name == *name));
        self.metrics.covered(&coverage, &self.datasets);
        // The coverage before the purge: answers that the old one clips have an older
        // epoch, and are stale after it.
        self.coverage.rcu(|all| all.with(&self.datasets, &coverage));
        let changed = self.changed(&versions);
        let (tracker, datasets) = (Arc::clone(self), changed.clone());
        // It waits for the disk. If it fails, nothing was noted as seen.
        tokio::task::spawn_blocking(move || tracker.purge_loaded(datasets, versions)).await?;
        self.seen().change_token = Some(token);
        self.known.send_replace(true);
        Ok(changed)
    }

    /// Purges hard what was read before damage was found.
    async fn purge_damaged(self: &Arc<Self>) -> Result<(), RefreshError> {
        let damaged: Vec<_> = self.store.damaged().iter().map(|dataset| dataset.name).collect();
        let before = self.seen().damaged.clone();
        let found: Vec<_> = damaged.iter().copied().filter(|name| !before.contains(name)).collect();
        if !found.is_empty() {
            let tracker = Arc::clone(self);
            tokio::task::spawn_blocking(move || {
                found.iter().for_each(|dataset| tracker.purge(dataset, PurgeMode::Hard));
            })
            .await?;
        }
        self.seen().damaged = damaged;
        Ok(())
    }

    fn purge(&self, dataset: &'static str, mode: PurgeMode) {
        if let Err(error) = purge(&self.epochs, &self.metrics, Scope::Dataset(dataset), mode) {
            tracing::error!(%error, dataset, "purged, but the purge was not persisted");
        }
    }

    fn purge_loaded(&self, datasets: Vec<&'static str>, versions: BTreeMap<&'static str, u64>) {
        for dataset in datasets {
            self.purge(dataset, PurgeMode::Soft);
        }
        if let Err(error) = self.epochs.set_dataset_versions(&versions) {
            tracing::warn!(%error, "the datasets' versions would not be known after a restart");
        }
        let versions = versions.into_iter().map(|(name, version)| (name.to_owned(), version));
        self.seen().versions.extend(versions);
    }

    pub(crate) fn is_known(&self) -> bool {
        *self.known.borrow()
    }

    /// Waits until the coverage was read once.
    pub(crate) async fn known(&self) {
        // The sender lives as long as this.
        let _ = self.known.subscribe().wait_for(|known| *known).await;
    }

    /// Refreshes periodically until it is cancelled. Returns early if a purge panics.
    pub(crate) async fn poll(self: &Arc<Self>, cancel: CancellationToken) {
        let mut failing = false;
        while cancel.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_some() {
            match self.refresh().await {
                Ok(changed) => {
                    failing = false;
                    if !changed.is_empty() {
                        tracing::info!(?changed, "data was loaded");
                    }
                }
                Err(error @ RefreshError::Purge(_)) => {
                    tracing::error!(%error, "failed to refresh the coverage");
                    return;
                }
                // Logged once; a store that reports its health issues logs them itself.
                Err(error) if !failing && self.store.health_issues().is_empty() => {
                    failing = true;
                    tracing::warn!(%error, "failed to read what the store has loaded");
                }
                Err(_) => {}
            }
        }
    }

    fn changed(&self, versions: &BTreeMap<&'static str, u64>) -> Vec<&'static str> {
        let seen = self.seen();
        let changed = |(name, version): (&&'static str, &u64)| {
            seen.versions.get(*name).is_some_and(|seen| seen != version).then_some(*name)
        };
        versions.iter().filter_map(changed).collect()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Purges, and counts it.
pub(crate) fn purge(
    epochs: &Epochs,
    metrics: &Metrics,
    scope: Scope<'_>,
    mode: PurgeMode,
) -> Result<(), StateError> {
    metrics.purges.with_label_values(&[scope.name(), mode.name()]).inc();
    epochs.purge(scope, mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epochs::{PurgeTags, Validity};
    use crate::metric_declarations::Declarations;
    use crate::request_context::RequestContext;
    use aqs_api::{Lookup, Rows};
    use async_trait::async_trait;
    use futures_util::FutureExt;
    use tokio::runtime::Runtime;

    /// Has no rows; its datasets may be damaged.
    #[derive(Default)]
    struct Empty {
        damaged: Mutex<Vec<&'static Dataset>>,
    }

    #[async_trait]
    impl Store for Empty {
        fn damaged(&self) -> Vec<&'static Dataset> {
            self.damaged.lock().unwrap().clone()
        }

        async fn read(&self, _: &Lookup, _: &RequestContext) -> Result<Rows, StoreError> {
            Err(StoreError::Unavailable { store: "empty", reason: String::new() })
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
    }

    #[test]
    fn a_purge_that_ends_early_is_an_error_and_is_repeated() {
        let registry = prometheus::Registry::new();
        let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
        let catalogue = aqs_api::Catalogue::standard().unwrap();
        let epochs = Arc::new(Epochs::starting_at(1, &catalogue));
        let (store, datasets) = (Arc::new(Empty::default()), catalogue.datasets().to_vec());
        let tracker = CoverageTracker::new(store, datasets, Arc::default(), epochs, metrics);
        let tracker = Arc::new(tracker);
        // A runtime that has ended aborts blocking work, as a panic does.
        let ended = Runtime::new().unwrap();
        let handle = ended.handle().clone();
        ended.shutdown_background();
        let entered = handle.enter();
        let refreshed = tracker.refresh().now_or_never().unwrap();
        assert!(matches!(refreshed, Err(RefreshError::Purge(_))), "{refreshed:?}");
        drop(entered);
        assert!(!tracker.is_known());
        assert!(Runtime::new().unwrap().block_on(tracker.refresh()).is_ok());
        assert!(tracker.is_known());
    }

    #[tokio::test]
    async fn answers_from_a_damaged_dataset_are_purged_once() {
        let registry = prometheus::Registry::new();
        let metrics = Metrics::declare(&mut Declarations::of(&registry)).unwrap();
        let catalogue = aqs_api::Catalogue::standard().unwrap();
        let epochs = Arc::new(Epochs::starting_at(1, &catalogue));
        let (store, datasets) = (Arc::new(Empty::default()), catalogue.datasets().to_vec());
        let routed = Arc::clone(&store) as Arc<dyn Store>;
        let tracker =
            CoverageTracker::new(routed, datasets, Arc::default(), Arc::clone(&epochs), metrics);
        let tracker = Arc::new(tracker);
        let tags = |path| {
            let target = aqs_api::Target { dialect: aqs_api::Dialect::V2, path };
            let query = catalogue.resolve(target).unwrap();
            PurgeTags::of(&query, query.dataset(), &catalogue)
        };
        let devices = tags("/unique-devices/en.wikipedia/all-sites/daily/20260101/20260102");
        let top = tags("/pageviews/top/en.wikipedia/all-access/2026/01/01");
        tracker.refresh().await.unwrap();
        let before = epochs.current();
        let dataset = catalogue.datasets().iter().find(|one| one.name == "unique-devices-daily");
        *store.damaged.lock().unwrap() = dataset.copied().into_iter().collect();
        tracker.refresh().await.unwrap();
        assert_eq!(epochs.validity(before, &devices), Validity::Invalid);
        assert_eq!(epochs.validity(before, &top), Validity::Valid);
        let after = epochs.current();
        tracker.refresh().await.unwrap();
        assert_eq!(epochs.validity(after, &devices), Validity::Valid);
    }
}
