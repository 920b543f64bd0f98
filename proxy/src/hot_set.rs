//! The hot set of a server: put together, taken from the disk, kept up.

use crate::config::Config;
use aqs_origin::Origin;
use aqs_origin::store::Store;
use aqs_warmers::artefact::{ArtefactDirectory, Identity};
use aqs_warmers::build::Builder;
use aqs_warmers::generation::HotSet;
use aqs_warmers::jobs::{Jobs, Schedule};
use aqs_warmers::metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The folder in the state directory where generations are kept.
const FOLDER: &str = "hot-set";
/// How soon it is noticed that a plan is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The jobs of a server, and with them its hot set, in which there is nothing yet.
///
/// They are `tasks`' to await, and end when `cancel` is cancelled.
pub(crate) fn jobs(
    config: &Config,
    origin: &Arc<Origin>,
    store: &dyn Store,
    metrics: Metrics,
    tasks: TaskTracker,
    cancel: CancellationToken,
) -> Arc<Jobs> {
    let settings = config.hot_set.clone();
    let hot_set = Arc::new(HotSet::new(Arc::clone(&origin.budget), settings.max_age));
    let artefacts = artefacts(config, origin, store);
    let builder = Builder::new(Arc::clone(origin), hot_set, artefacts, settings, metrics);
    Jobs::new(Arc::new(builder), tasks, cancel)
}

/// Where generations are kept over restarts, if they can be.
fn artefacts(config: &Config, origin: &Origin, store: &dyn Store) -> Option<ArtefactDirectory> {
    if config.hot_set.all_plans().is_empty() {
        return None;
    }
    // Without epochs that are remembered nobody would know which answers were purged since.
    let (state, epochs) = (config.state.path()?, origin.epochs.identity()?);
    let identity = Identity::new(epochs, store.identity(), origin.catalogue());
    match ArtefactDirectory::open(&state.join(FOLDER), identity, config.hot_set.keep) {
        Ok(directory) => Some(directory),
        Err(error) => {
            tracing::error!(%error, "the hot set is not kept over restarts");
            None
        }
    }
}

/// Publishes what is on the disk; tells whether there was something.
pub(crate) async fn restore(jobs: &Jobs) -> bool {
    let builder = jobs.builder();
    if builder.plans().is_empty() {
        return false;
    }
    match builder.load().await {
        Ok((Some(generation), _)) => {
            let (id, answers) = (generation.id, generation.keys());
            tracing::info!(id, answers, "the hot set is served as it was kept");
            true
        }
        Ok((None, _)) => false,
        Err(error) => {
            tracing::error!(%error, "no hot set can be taken from the disk");
            false
        }
    }
}

/// Builds what is due, until it is cancelled.
pub(crate) async fn keep_up(jobs: Arc<Jobs>, cancel: CancellationToken) {
    if !jobs.builder().plans().is_empty() {
        Schedule::new(jobs, LOOK_EVERY).run(cancel).await;
    }
}
