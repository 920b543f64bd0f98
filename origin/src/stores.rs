//! The stores, and which of them each dataset is read from.
//!
//! A read passes the same layers at every store: route, queue and permit, deadline, store. Nothing
//! is retried here: the client of a store knows where a retry can help. Cassandra's asks another
//! node; one over HTTP may repeat a connection that failed.

use crate::clock::{Clock, Moment};
use crate::coverage_tracker::{CoverageTracker, RefreshError};
use crate::epochs::Epochs;
use crate::error::OriginError;
use crate::limiter::{ConcurrencyLimiter, ConcurrencyLimits};
use crate::metrics::{Metrics, ReadMetrics};
use crate::request_context::RequestContext;
use crate::store::Store;
use crate::suggest::suggest;
use aqs_api::table::Content;
use aqs_api::{Catalogue, Coverage, Dataset, Lookup, Query, Rows};
use arc_swap::ArcSwap;
use futures_util::future::join_all;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// The name of a store in the configuration, in metrics and in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreName {
    Embedded,
    Cassandra,
}

impl StoreName {
    pub const ALL: [Self; 2] = [Self::Embedded, Self::Cassandra];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Cassandra => "cassandra",
        }
    }

    /// What it has loaded, as the readiness page names it.
    pub fn contents(self) -> &'static str {
        match self {
            Self::Embedded => "what the store embedded holds",
            Self::Cassandra => "what the store cassandra holds",
        }
    }

    /// Whether it can hold such a dataset.
    pub fn holds(self, content: &Content) -> bool {
        match (self, content) {
            (Self::Embedded | Self::Cassandra, Content::Table { .. }) => true,
            (Self::Embedded | Self::Cassandra, Content::Events { .. }) => false,
        }
    }
}

impl FromStr for StoreName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.iter().map(|name| name.as_str());
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| match suggest(text, known()) {
            Some(nearest) => format!("there is no store `{text}`; the nearest is {nearest}"),
            None => {
                let known: Vec<_> = known().collect();
                format!("there is no store `{text}`; there are {}", known.join(" and "))
            }
        })
    }
}

aqs_api::text_value!(StoreName, StoreName::ALL.map(StoreName::as_str).join(", "));

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A store with its limits.
pub struct StoreParts {
    pub name: StoreName,
    pub store: Arc<dyn Store>,
    pub limits: ConcurrencyLimits,
    /// How long a read may take once it has a permit; `None` leaves it to the deadline of the
    /// request and to the store.
    pub timeout: Option<Duration>,
    /// The datasets that are read from it.
    pub datasets: Vec<&'static Dataset>,
}

impl StoreParts {
    /// The only store, of every dataset.
    pub fn only(
        name: StoreName,
        store: Arc<dyn Store>,
        limits: ConcurrencyLimits,
        catalogue: &Catalogue,
    ) -> Self {
        let datasets = catalogue.datasets().to_vec();
        Self { name, store, limits, timeout: None, datasets }
    }
}

/// The datasets can't be routed to the stores.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    #[error("dataset {0} is routed to no store")]
    Missing(&'static str),
    #[error("dataset {dataset} is routed to {first} and to {second}")]
    Twice { dataset: &'static str, first: StoreName, second: StoreName },
}

/// The stores, and the route of each dataset.
pub struct Stores {
    stores: Vec<Arc<RoutedStore>>,
    /// By [`DatasetId`](aqs_api::DatasetId).
    routes: Vec<Arc<Route>>,
    catalogue: Arc<Catalogue>,
    coverage: Arc<ArcSwap<Coverage>>,
}

/// A store behind its limits.
pub struct RoutedStore {
    pub name: StoreName,
    store: Arc<dyn Store>,
    limiter: ConcurrencyLimiter,
    timeout: Option<Duration>,
    coverage_tracker: Arc<CoverageTracker>,
}

/// Where a dataset is read from.
pub(crate) struct Route {
    store: Arc<RoutedStore>,
    metrics: ReadMetrics,
}

impl Stores {
    pub(crate) fn new(
        stores: Vec<StoreParts>,
        catalogue: &Arc<Catalogue>,
        epochs: &Arc<Epochs>,
        metrics: &Metrics,
    ) -> Result<Self, RouteError> {
        let coverage: Arc<ArcSwap<Coverage>> = Arc::default();
        let mut routes: Vec<Option<Arc<Route>>> = Vec::new();
        routes.resize_with(catalogue.datasets().len(), || None);
        let mut routed_stores = Vec::with_capacity(stores.len());
        for StoreParts { name, store, limits, timeout, datasets } in stores {
            let tracker = CoverageTracker::new(
                Arc::clone(&store),
                datasets.clone(),
                Arc::clone(&coverage),
                Arc::clone(epochs),
                metrics.clone(),
            );
            let routed = Arc::new(RoutedStore {
                name,
                store,
                limiter: ConcurrencyLimiter::new(limits, metrics.limiter(name.as_str())),
                timeout,
                coverage_tracker: Arc::new(tracker),
            });
            for dataset in datasets {
                let id = catalogue.dataset_id(dataset);
                let Some(route) = id.and_then(|id| routes.get_mut(id.index())) else { continue };
                if let Some(taken) = route {
                    let (first, second) = (taken.store.name, name);
                    return Err(RouteError::Twice { dataset: dataset.name, first, second });
                }
                let metrics = metrics.reads(name.as_str(), dataset);
                *route = Some(Arc::new(Route { store: Arc::clone(&routed), metrics }));
            }
            routed_stores.push(routed);
        }
        let routes = routes.into_iter().zip(catalogue.datasets());
        let routes = routes.map(|(route, dataset)| route.ok_or(RouteError::Missing(dataset.name)));
        let routes = routes.collect::<Result<_, _>>()?;
        Ok(Self { stores: routed_stores, routes, catalogue: Arc::clone(catalogue), coverage })
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<RoutedStore>> {
        self.stores.iter()
    }

    /// Whether messages name the store that they are about.
    pub fn are_several(&self) -> bool {
        self.stores.len() > 1
    }

    /// Where a dataset of the catalogue is read from.
    pub(crate) fn route(&self, dataset: &'static Dataset) -> Result<&Arc<Route>, OriginError> {
        let id = self.catalogue.dataset_id(dataset);
        let route = id.and_then(|id| self.routes.get(id.index()));
        route.ok_or(OriginError::NoRoute { dataset: dataset.name })
    }
}

impl Stores {
    /// What all stores have loaded, as far as is known. Datasets of a store that fails keep their
    /// last known extent.
    pub(crate) fn coverage(&self) -> Arc<Coverage> {
        self.coverage.load_full()
    }

    /// Refreshes the coverage of all stores; one that fails does not keep the others from it.
    /// Returns the first error.
    pub(crate) async fn refresh_coverage(&self) -> Result<(), RefreshError> {
        let refreshed = join_all(self.stores.iter().map(|store| store.refresh_coverage())).await;
        refreshed.into_iter().try_for_each(|refreshed| refreshed.map(|_| ()))
    }

    /// Whether the coverage of every store was read once.
    pub(crate) fn are_known(&self) -> bool {
        self.stores.iter().all(|store| store.is_known())
    }

    /// Waits until the coverage of every store was read once.
    pub(crate) async fn known(&self) {
        join_all(self.stores.iter().map(|store| store.known())).await;
    }

    /// The health issues of all stores; of several, each begins with the name of its store.
    pub(crate) fn health_issues(&self) -> Vec<String> {
        let issues = self.stores.iter().flat_map(|store| {
            let issues = store.store.health_issues().into_iter();
            issues.map(|issue| match self.are_several() {
                true => format!("{}: {issue}", store.name),
                false => issue,
            })
        });
        issues.collect()
    }

    pub(crate) fn live_waiting(&self) -> usize {
        self.stores.iter().map(|store| store.limiter.live_waiting()).sum()
    }

    /// Ends when no live read waits for a store that these queries are read from, or when the
    /// priority has risen above warming.
    pub(crate) async fn no_live_waits(&self, queries: &[Query], ctx: &RequestContext) {
        for store in &self.stores {
            let reads = |query: &Query| store.datasets().contains(&query.dataset());
            if queries.iter().any(reads) {
                store.limiter.no_live_waits(ctx).await;
            }
        }
    }
}

impl RoutedStore {
    /// The names of the store, see [`Store::identity`].
    pub fn identity(&self) -> Vec<String> {
        self.store.identity()
    }

    /// The datasets that are read from it.
    pub fn datasets(&self) -> &[&'static Dataset] {
        self.coverage_tracker.datasets()
    }

    /// Runs the background work of the store until it is cancelled.
    pub async fn run(&self, cancel: CancellationToken) {
        self.store.run(cancel).await;
    }

    /// Reads the coverage again if anything was loaded, and purges softly the datasets that the
    /// load changed. Returns their names.
    pub async fn refresh_coverage(&self) -> Result<Vec<&'static str>, RefreshError> {
        self.coverage_tracker.refresh().await
    }

    /// Refreshes the coverage periodically until it is cancelled.
    pub async fn poll_coverage(&self, cancel: CancellationToken) {
        self.coverage_tracker.poll(cancel).await;
    }

    /// Whether the coverage was read once.
    pub fn is_known(&self) -> bool {
        self.coverage_tracker.is_known()
    }

    /// Waits until the coverage was read once.
    pub async fn known(&self) {
        self.coverage_tracker.known().await;
    }
}

impl Route {
    /// Reads rows within the limits of the store. Returns them with the moment at which the store
    /// was asked.
    pub(crate) async fn read(
        &self,
        lookup: &Lookup,
        mut ctx: RequestContext,
        clock: &Clock,
    ) -> Result<(Moment, Rows), OriginError> {
        let RoutedStore { store, limiter, timeout, .. } = &*self.store;
        let _permit = limiter.acquire(&ctx).await?;
        let (fetched_at, started) = (clock.now(), Instant::now());
        if let Some(timeout) = timeout {
            ctx.deadline = ctx.deadline.min(started + *timeout);
        }
        let read = store.read(lookup, &ctx).await;
        self.metrics.seconds.observe(started.elapsed().as_secs_f64());
        let outcome = match &read {
            Ok(rows) if rows.is_empty() => &self.metrics.empty,
            Ok(_) => &self.metrics.rows,
            Err(_) => &self.metrics.error,
        };
        outcome.inc();
        Ok((fetched_at, read?))
    }
}

#[cfg(test)]
mod tests;
