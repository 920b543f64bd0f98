//! The parts of a service, put together.

use crate::admin::{Ready, Token};
use crate::aliases::Aliases;
use crate::cache::ResponseCache;
use crate::hot_set;
use crate::metrics::Metrics;
use crate::serve::{ErrorLog, KeptPage, ResponseSingleflight, Service};
use crate::server::StartError;
use crate::settings::Settings;
use crate::state;
use aqs_api::Catalogue;
use aqs_origin::Origin;
use aqs_origin::declare::Declarations;
use aqs_origin::memory::Budget;
use aqs_origin::store::Store;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// One part in so many of the budget may go to aliases.
const SPELLINGS: u64 = 64;
/// How many bodies are coded at once: serving comes first.
const CODINGS: usize = 1;

/// Builds a service, and the admin token if there is a state directory; nothing runs yet. What is built ahead ends when `end_builds` is cancelled.
pub(crate) fn service(
    settings: &Settings,
    catalogue: Arc<Catalogue>,
    store: Arc<dyn Store>,
    tasks: TaskTracker,
    end_builds: CancellationToken,
) -> Result<(Service, Option<Token>), StartError> {
    let registry = prometheus::Registry::new();
    let mut declarations = Declarations::of(&registry);
    let metrics = Metrics::declare(&mut declarations, &catalogue, settings.log.clone())?;
    let origin_metrics = aqs_origin::Metrics::declare(&mut declarations)?;
    store.declare(&mut declarations)?;
    let build_metrics = aqs_warmers::metrics::Metrics::declare(&mut declarations)?;
    let clock = settings.clock.clone();
    let budget = Arc::new(Budget::new(settings.memory_bytes));
    let (epochs, token) = state::remember(settings, &catalogue)?;
    let flights = ResponseSingleflight::new(
        settings.flights,
        tasks.clone(),
        origin_metrics.singleflight("key"),
    );
    let origin = Arc::new(Origin::new(aqs_origin::Parts {
        catalogue: Arc::clone(&catalogue),
        store: Arc::clone(&store),
        epochs: Arc::new(epochs),
        budget: Arc::clone(&budget),
        times: settings.times,
        limits: settings.flights,
        limiter: settings.limiter,
        clock: clock.clone(),
        metrics: origin_metrics,
        tasks: tasks.clone(),
    }));
    let jobs = hot_set::jobs(settings, &origin, &*store, build_metrics, tasks.clone(), end_builds);
    let service = Service {
        cache: ResponseCache::new(budget.left_for_cache(), metrics.evictions.clone())?,
        aliases: Aliases::new(settings.memory_bytes / SPELLINGS)?,
        catalogue,
        origin,
        hot_set: Arc::clone(jobs.builder().hot_set()),
        jobs,
        flights: Arc::new(flights),
        refreshes: Arc::new(Semaphore::new(settings.refreshes)),
        codings: Arc::new(Semaphore::new(CODINGS)),
        metrics,
        public_pages: settings.public_pages,
        public_metrics: KeptPage::default(),
        ready: Ready::default(),
        error_log: ErrorLog::default(),
        registry,
        clock,
        answer_within: settings.answer_within,
        access: settings.access.clone(),
        tasks,
    };
    Ok((service, token))
}
