//! The hot set of a server: its parts, its restoration, its schedule.

use crate::config::Config;
use aqs_origin::Origin;
use aqs_warmers::artefact::{ArtefactDirectory, Identity, StoreIdentity};
use aqs_warmers::build::Builder;
use aqs_warmers::hot_set::HotSet;
use aqs_warmers::jobs::Jobs;
use aqs_warmers::metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The folder in the state directory where generations are kept.
const FOLDER: &str = "hot-set";
pub(super) const SCHEDULE_INTERVAL: Duration = Duration::from_secs(1);

/// The jobs of a server, and with them its hot set, which is empty. `tasks` owns the jobs; they end
/// when `cancel` is cancelled.
pub(super) fn jobs(
    config: &Config,
    origin: &Arc<Origin>,
    metrics: Metrics,
    tasks: TaskTracker,
    cancel: CancellationToken,
) -> Arc<Jobs> {
    let settings = config.hot_set.clone();
    let hot_set = Arc::new(HotSet::new(Arc::clone(&origin.budget), settings.max_age));
    let artefacts = artefacts(config, origin);
    let builder = Builder::new(Arc::clone(origin), hot_set, artefacts, settings, metrics);
    Jobs::new(Arc::new(builder), tasks, cancel)
}

/// The directory where generations are stored, if there is one.
fn artefacts(config: &Config, origin: &Origin) -> Option<ArtefactDirectory> {
    if config.hot_set.all_plans(origin.catalogue()).is_empty() {
        return None;
    }
    // Without stored epochs it is unknown which answers were purged since.
    let (state, epochs) = (config.state.path()?, origin.epochs.identity()?);
    let stores = origin.stores().iter().map(|store| StoreIdentity::of(store)).collect();
    let identity = Identity::new(epochs, stores, origin.catalogue());
    match ArtefactDirectory::open(&state.join(FOLDER), identity, config.hot_set.keep) {
        Ok(directory) => Some(directory),
        Err(error) => {
            tracing::error!(%error, "failed to open the directory of the hot set: it is not stored");
            None
        }
    }
}

/// Publishes the stored generation; returns whether there was one.
pub(super) async fn restore(jobs: &Jobs) -> bool {
    let builder = jobs.builder();
    if builder.plans().is_empty() {
        return false;
    }
    match builder.load().await {
        Ok((Some(generation), _)) => {
            let (id, answers) = (generation.id, generation.keys());
            tracing::info!(id, answers, "restored the hot set");
            true
        }
        Ok((None, _)) => false,
        Err(error) => {
            tracing::error!(%error, "failed to restore the hot set");
            false
        }
    }
}
