//! The parts of a service, put together.

use crate::admin::{Ready, Token};
use crate::aliases::Aliases;
use crate::cache::ResponseCache;
use crate::config::Config;
use crate::hot_set;
use crate::metrics::Metrics;
use crate::serve::{ErrorLog, KeptPage, ResponseSingleflight, Service};
use crate::server::{Parts, StartError};
use crate::state;
use aqs_origin::Origin;
use aqs_origin::declare::Declarations;
use aqs_origin::memory::Budget;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// One part in so many of the budget may go to aliases.
const SPELLINGS: u64 = 64;
/// How many bodies are coded at once: serving comes first.
const CODINGS: usize = 1;

/// Builds a service, and the admin token if there is a state directory; nothing runs yet. What is
/// built ahead ends when `end_builds` is cancelled.
pub(crate) fn service(
    config: &Config,
    parts: Parts,
    tasks: TaskTracker,
    end_builds: CancellationToken,
) -> Result<(Service, Option<Token>), StartError> {
    let Parts { catalogue, store, clock, log } = parts;
    let registry = prometheus::Registry::new();
    let mut declarations = Declarations::of(&registry);
    let metrics = Metrics::declare(&mut declarations, &catalogue, log)?;
    let origin_metrics = aqs_origin::Metrics::declare(&mut declarations)?;
    store.declare(&mut declarations)?;
    let build_metrics = aqs_warmers::metrics::Metrics::declare(&mut declarations)?;
    let memory = config.memory_bytes();
    let budget = Arc::new(Budget::new(memory));
    let (epochs, token) = state::remember(config, &catalogue, &clock)?;
    let flights = ResponseSingleflight::new(
        config.flights,
        tasks.clone(),
        origin_metrics.singleflight("key"),
    );
    let origin = Arc::new(Origin::new(aqs_origin::Parts {
        catalogue: Arc::clone(&catalogue),
        store: Arc::clone(&store),
        epochs: Arc::new(epochs),
        budget: Arc::clone(&budget),
        times: config.freshness,
        limits: config.flights,
        limiter: config.store.limits(),
        clock: clock.clone(),
        metrics: origin_metrics,
        tasks: tasks.clone(),
    }));
    let jobs = hot_set::jobs(config, &origin, &*store, build_metrics, tasks.clone(), end_builds);
    let service = Service {
        cache: ResponseCache::new(budget.left_for_cache(), metrics.evictions.clone())?,
        aliases: Aliases::new(memory / SPELLINGS)?,
        catalogue,
        origin,
        hot_set: Arc::clone(jobs.builder().hot_set()),
        jobs,
        flights: Arc::new(flights),
        refreshes: Arc::new(Semaphore::new(config.refreshes)),
        codings: Arc::new(Semaphore::new(CODINGS)),
        metrics,
        public_pages: config.public_pages(),
        public_metrics: KeptPage::default(),
        ready: Ready::default(),
        error_log: ErrorLog::default(),
        registry,
        clock,
        answer_within: config.answer_within,
        access: config.log.clone(),
        tasks,
    };
    Ok((service, token))
}
