//! What the store holds, kept up to date: loads are noticed and purge what they touched.

use crate::answer::Origin;
use crate::epochs::{PurgeMode, Scope, StateError};
use crate::store::StoreError;
use aqs_api::Coverage;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often a store is asked whether anything was loaded.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// What was found when the store was last looked at.
#[derive(Default)]
pub(crate) struct CoverageTracker {
    coverage: ArcSwap<Coverage>,
    seen: Mutex<Seen>,
    known: watch::Sender<bool>,
}

#[derive(Default)]
struct Seen {
    mark: Option<u64>,
    versions: BTreeMap<&'static str, u64>,
}

impl CoverageTracker {
    pub(crate) fn coverage(&self) -> Arc<Coverage> {
        self.coverage.load_full()
    }
}

impl Origin {
    /// Looks whether anything was loaded, and if so takes the new coverage and purges the
    /// datasets that it changed softly. Gives their names.
    pub async fn refresh_coverage(self: &Arc<Self>) -> Result<Vec<&'static str>, StoreError> {
        let mark = self.store.change_token().await?;
        if self.seen().mark == Some(mark) {
            return Ok(Vec::new());
        }
        // Versions first: a load in between is seen at the next look.
        let versions = self.store.versions().await?;
        let coverage = self.store.coverage().await?;
        self.metrics.covered(&coverage, self.catalogue.datasets());
        // The coverage before the purge: whatever is still clipped by the old one has an older
        // epoch, and is stale after it.
        self.coverage_tracker.coverage.store(Arc::new(coverage));
        let changed = self.changed(&versions);
        let (origin, datasets, seen) = (Arc::clone(self), changed.clone(), versions.clone());
        // What is remembered over restarts goes to the disk.
        let purging = tokio::task::spawn_blocking(move || {
            for dataset in datasets {
                if let Err(error) = origin.purge(Scope::Dataset(dataset), PurgeMode::Soft) {
                    tracing::error!(%error, dataset, "purged, but not after a restart");
                }
            }
            if let Err(error) = origin.epochs.set_dataset_versions(&seen) {
                tracing::warn!(%error, "the datasets' versions would not be known after a restart");
            }
        });
        if purging.await.is_err() {
            // Nothing was noted as seen: the next look does it.
            return Ok(Vec::new());
        }
        *self.seen() = Seen { mark: Some(mark), versions };
        self.coverage_tracker.known.send_replace(true);
        Ok(changed)
    }

    /// Waits until the store has told what it holds.
    pub async fn known(&self) {
        let mut known = self.coverage_tracker.known.subscribe();
        // The sender lives as long as this.
        let _ = known.wait_for(|known| *known).await;
    }

    /// Looks again and again, until it is cancelled.
    pub async fn poll_coverage(self: Arc<Self>, cancel: CancellationToken) {
        let mut failing = false;
        while cancel.run_until_cancelled(tokio::time::sleep(BETWEEN_LOOKS)).await.is_some() {
            match self.refresh_coverage().await {
                Ok(changed) => {
                    failing = false;
                    if !changed.is_empty() {
                        tracing::info!(?changed, "data was loaded");
                    }
                }
                // Told once, not at every look; a store that knows its health_issues tells them itself.
                Err(error) if !failing && self.store.health_issues().is_empty() => {
                    failing = true;
                    tracing::warn!(%error, "the store can't tell what it holds");
                }
                Err(_) => {}
            }
        }
    }

    /// Purges: what was asked before is stale (soft) or gone (hard) once this returns. With a
    /// state directory it waits for the disk.
    ///
    /// # Errors
    ///
    /// The purge counts, but can't be written down: after a restart it would not.
    pub fn purge(&self, scope: Scope<'_>, depth: PurgeMode) -> Result<(), StateError> {
        self.metrics.purges.with_label_values(&[scope.name(), depth.name()]).inc();
        self.epochs.purge(scope, depth)
    }

    /// The datasets whose version is another than when they were last looked at: by us, or
    /// before a restart. Of a dataset that was never looked at nothing is kept.
    fn changed(&self, versions: &BTreeMap<&'static str, u64>) -> Vec<&'static str> {
        let seen = self.seen();
        let at_start = self.epochs.versions_at_start();
        let before = |name| seen.versions.get(name).or(at_start.get(name)).copied();
        let mut changed: Vec<&'static str> = versions.keys().copied().collect();
        changed
            .retain(|name| before(name).is_some_and(|before| versions.get(name) != Some(&before)));
        changed
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.coverage_tracker.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
