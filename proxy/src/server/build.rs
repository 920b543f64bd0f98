//! Builds the components of a server.

use super::{Parts, StartError, hot_set, state};
use crate::admin::{AdminAuth, AdminState, Token};
use crate::cache::{Aliases, MemoryBalancer, ResponseCache};
use crate::config::Config;
use crate::log;
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::serve::{
    GzipEncoder, Lookup, MetricsPage, MissHandler, Refresher, ResponseSingleflight, Service,
};
use aqs_origin::Origin;
use aqs_origin::memory_budget::Budget;
use aqs_origin::metric_declarations::Declarations;
use aqs_origin::stores::StoreParts;
use aqs_warmers::jobs::Jobs;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The aliases get one part of the memory in this many.
const ALIASES_SHARE: u64 = 64;

/// The components of a running server.
#[derive(Clone)]
pub struct Components {
    pub service: Arc<Service>,
    pub origin: Arc<Origin>,
    pub jobs: Arc<Jobs>,
    pub metrics: Arc<Metrics>,
    pub registry: prometheus::Registry,
    pub readiness: Readiness,
    /// Refreshes, compressions, builds, and reads without a waiter.
    pub tasks: TaskTracker,
}

/// What only the start of a server needs.
pub(super) struct StartParts {
    pub(super) balancer: Arc<MemoryBalancer>,
    /// `None` without a state directory.
    pub(super) token: Option<Token>,
}

/// Builds the components. Nothing runs yet. Builds of the hot set end when `end_builds` is
/// cancelled. It waits for the disk: async code calls it by `spawn_blocking`.
pub(super) fn components(
    config: &Config,
    parts: Parts,
    end_builds: CancellationToken,
) -> Result<(Components, StartParts), StartError> {
    let Parts { catalogue, stores, clock, log, notice } = parts;
    let tasks = TaskTracker::new();
    let registry = prometheus::Registry::new();
    let mut declarations = Declarations::of(&registry);
    let metrics = Arc::new(Metrics::declare(&mut declarations, &catalogue, log)?);
    let origin_metrics = aqs_origin::Metrics::declare(&mut declarations)?;
    for (_, store) in &stores {
        store.declare(&mut declarations)?;
    }
    let build_metrics = aqs_warmers::metrics::Metrics::declare(&mut declarations)?;
    let memory = config.memory_bytes();
    let budget = Arc::new(Budget::new(memory));
    let (epochs, token) = state::open(config, &catalogue, &clock)?;
    let responses = Arc::new(ResponseSingleflight::new(
        config.flights,
        tasks.clone(),
        origin_metrics.singleflight("key"),
    ));
    let routes = config.stores(&catalogue);
    let stores = stores.into_iter().map(|(name, store)| {
        let route = routes.iter().find(|(routed, _)| *routed == name);
        StoreParts {
            name,
            store,
            limits: config.store_limits(name),
            timeout: config.store_timeout(name),
            datasets: route.map(|(_, datasets)| datasets.clone()).unwrap_or_default(),
        }
    });
    let stores = stores.collect();
    let origin = Arc::new(Origin::new(aqs_origin::Parts {
        catalogue,
        stores,
        epochs: Arc::new(epochs),
        budget: Arc::clone(&budget),
        times: config.freshness,
        limits: config.flights,
        clock: clock.clone(),
        metrics: origin_metrics,
        tasks: tasks.clone(),
    })?);
    let jobs = hot_set::jobs(config, &origin, build_metrics, tasks.clone(), end_builds);
    let hot_set = Arc::clone(jobs.builder().hot_set());
    let cache = ResponseCache::new(budget.left_for_cache(), metrics.evictions.clone())?;
    let cache = Arc::new(cache);
    let aliases = Arc::new(Aliases::new(memory / ALIASES_SHARE)?);
    let balancer = Arc::new(MemoryBalancer {
        budget,
        cache: Arc::clone(&cache),
        aliases: Arc::clone(&aliases),
        metrics: Arc::clone(&metrics),
    });
    let metrics_page = MetricsPage::new(registry.clone(), Arc::clone(&balancer), clock);
    let misses = Arc::new(MissHandler {
        origin: Arc::clone(&origin),
        hot_set: Arc::clone(&hot_set),
        cache: Arc::clone(&cache),
        responses,
        metrics: Arc::clone(&metrics),
        answer_timeout: config.answer_within,
        error_log: Default::default(),
    });
    let service = Arc::new(Service {
        origin: Arc::clone(&origin),
        lookup: Lookup { hot_set, cache, epochs: Arc::clone(&origin.epochs) },
        aliases,
        refresher: Refresher::new(Arc::clone(&misses), config.refreshes, tasks.clone()),
        misses,
        gzip: GzipEncoder::new(tasks.clone(), Arc::clone(&metrics)),
        public_pages: config.public_pages(),
        notice,
        metrics_page: Arc::new(metrics_page),
    });
    let readiness = Readiness::default();
    let components = Components { service, origin, jobs, metrics, registry, readiness, tasks };
    Ok((components, StartParts { balancer, token }))
}

impl Components {
    pub(super) fn admin_state(&self, auth: AdminAuth, log: Option<log::Handle>) -> AdminState {
        AdminState {
            auth,
            catalogue: Arc::clone(self.origin.catalogue()),
            origin: Arc::clone(&self.origin),
            service: Arc::clone(&self.service),
            jobs: Arc::clone(&self.jobs),
            readiness: self.readiness.clone(),
            log,
            tasks: self.tasks.clone(),
            refused: self.metrics.admin_refused.clone(),
            metrics_page: Arc::clone(&self.service.metrics_page),
        }
    }
}
