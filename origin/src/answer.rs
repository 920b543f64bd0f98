//! From a query to an entry: clip, read, shape, render.

use crate::clock::{Clock, Moment};
use crate::coverage_tracker::{CoverageTracker, RefreshError};
use crate::entry::Entry;
use crate::epochs::{Epoch, Epochs, PurgeMode, PurgeTags, Scope, StateError};
use crate::error::OriginError;
use crate::limiter::{ConcurrencyLimiter, ConcurrencyLimits};
use crate::memory_budget::{Budget, Consumer, Reserved};
use crate::metrics::{Metrics, ReadMetrics, Reads};
use crate::read_plan::ReadPlan;
use crate::request_context::RequestContext;
use crate::singleflight::{Outcome, Singleflight, SingleflightLimits};
use crate::store::Store;
use aqs_api::lifetimes::Times;
use aqs_api::{
    Answer, Catalogue, Coverage, Lookup, NoDataReason, Problem, Query, Representation, Rows,
};
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// From this many rows on, an answer is rendered off the async threads.
const MANY_ROWS: usize = 4096;
/// Reads are rejected while rows and bodies of flights take more than the budget divided by this.
const FLIGHTS_BUDGET_DIVISOR: u64 = 2;

pub struct Origin {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) store: Arc<dyn Store>,
    coverage_tracker: Arc<CoverageTracker>,
    pub epochs: Arc<Epochs>,
    pub budget: Arc<Budget>,
    pub metrics: Metrics,
    lookups: Arc<Singleflight<Arc<Lookup>, Fetched>>,
    reads: Reads,
    pub(crate) limiter: Arc<ConcurrencyLimiter>,
    times: Times,
    pub(crate) clock: Clock,
}

pub struct Parts {
    pub catalogue: Arc<Catalogue>,
    pub store: Arc<dyn Store>,
    pub epochs: Arc<Epochs>,
    pub budget: Arc<Budget>,
    pub times: Times,
    pub limits: SingleflightLimits,
    pub limiter: ConcurrencyLimits,
    pub clock: Clock,
    pub metrics: Metrics,
    /// Awaits the flights at the end.
    pub tasks: TaskTracker,
}

#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    pub(crate) rows: Arc<Reserved<Rows>>,
    pub(crate) epoch: Epoch,
    pub(crate) fetched_at: Moment,
}

impl Origin {
    pub fn new(parts: Parts) -> Self {
        let Parts { catalogue, store, epochs, budget, times, limits, .. } = parts;
        let Parts { limiter, clock, metrics, tasks, .. } = parts;
        let tracker = CoverageTracker::new(
            Arc::clone(&store),
            Arc::clone(&epochs),
            Arc::clone(&catalogue),
            metrics.clone(),
        );
        Self {
            reads: metrics.reads(catalogue.datasets()),
            limiter: Arc::new(ConcurrencyLimiter::new(limiter, metrics.limiter())),
            lookups: Arc::new(Singleflight::new(limits, tasks, metrics.singleflight("lookup"))),
            coverage_tracker: Arc::new(tracker),
            catalogue,
            store,
            epochs,
            budget,
            metrics,
            times,
            clock,
        }
    }

    pub async fn answer(&self, query: &Query, ctx: &RequestContext) -> Outcome<Arc<Entry>> {
        self.answer_to(&ReadPlan::new(query.clone(), &self.catalogue), ctx).await
    }

    pub async fn answer_to(&self, plan: &ReadPlan, ctx: &RequestContext) -> Outcome<Arc<Entry>> {
        let ReadPlan { query, tags, .. } = plan;
        // Before the coverage is read: what an older one clips has an older epoch.
        let epoch = self.epochs.current();
        let coverage = self.coverage();
        let lookup = match plan.clipped(&coverage) {
            Ok(lookup) => lookup,
            Err(reason) => {
                let nothing = Rendered::empty(reason);
                return Ok(Arc::new(self.entry(query, nothing, self.clock.now(), epoch, *tags)));
            }
        };
        let if_empty = coverage.no_data_reason(&lookup);
        let fetched = self.fetch(lookup, tags, ctx).await?;
        // A body takes about twice the memory of its rows.
        let _body = self.budget.reserve(Consumer::Flights, 2 * fetched.rows.weight());
        let rendered = self.render(query, &fetched.rows, if_empty).await?;
        let epoch = epoch.min(fetched.epoch);
        Ok(Arc::new(self.entry(query, rendered, fetched.fetched_at, epoch, *tags)))
    }

    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The clock that decides how fresh answers are.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn times(&self) -> &Times {
        &self.times
    }

    /// What is wrong with the store, in sentences for operators.
    pub fn health_issues(&self) -> Vec<String> {
        self.store.health_issues()
    }

    /// Runs the background work of the store until it is cancelled.
    pub async fn run_store_session(self: Arc<Self>, cancel: CancellationToken) {
        self.store.run(cancel).await;
    }

    /// What the store has loaded, as far as is known.
    pub fn coverage(&self) -> Arc<Coverage> {
        self.coverage_tracker.coverage()
    }

    /// Reads the coverage again if anything was loaded, and purges softly the datasets that the
    /// load changed. Returns their names.
    pub async fn refresh_coverage(&self) -> Result<Vec<&'static str>, RefreshError> {
        self.coverage_tracker.refresh().await
    }

    /// Refreshes the coverage periodically until it is cancelled.
    pub async fn poll_coverage(self: Arc<Self>, cancel: CancellationToken) {
        self.coverage_tracker.poll(cancel).await;
    }

    /// Waits until the coverage was read once.
    pub async fn known(&self) {
        self.coverage_tracker.known().await;
    }

    /// Purges, see [`Epochs::purge`]. It waits for the disk: async code calls it by
    /// `spawn_blocking`.
    pub fn purge(&self, scope: Scope<'_>, mode: PurgeMode) -> Result<(), StateError> {
        self.coverage_tracker.purge(scope, mode)
    }

    pub(crate) fn entry(
        &self,
        query: &Query,
        rendered: Rendered,
        fetched_at: Moment,
        epoch: Epoch,
        tags: PurgeTags,
    ) -> Entry {
        let lifetimes = match rendered.no_data {
            None => self.times.data,
            Some(reason) => {
                self.metrics.no_data.with_label_values(&[reason.name()]).inc();
                self.times.no_data
            }
        };
        let id = query.endpoint_id();
        Entry::new(rendered.representation, id, fetched_at, epoch, tags, lifetimes)
    }

    /// Renders the answer of rows, off the async threads if there are many.
    async fn render(
        &self,
        query: &Query,
        rows: &Arc<Reserved<Rows>>,
        if_empty: Option<NoDataReason>,
    ) -> Result<Rendered, OriginError> {
        if rows.len() < MANY_ROWS {
            return Rendered::new(query, rows, if_empty, &self.catalogue);
        }
        let (query, rows, catalogue) =
            (query.clone(), Arc::clone(rows), Arc::clone(&self.catalogue));
        let work =
            tokio::task::spawn_blocking(move || Rendered::new(&query, &rows, if_empty, &catalogue));
        work.await.unwrap_or(Err(OriginError::Lost))
    }

    /// Reads the rows of a lookup, or joins the flight that reads them.
    pub(crate) async fn fetch(
        &self,
        lookup: Arc<Lookup>,
        tags: &PurgeTags,
        ctx: &RequestContext,
    ) -> Outcome<Fetched> {
        let (store, clock) = (Arc::clone(&self.store), self.clock.clone());
        let (budget, limiter) = (Arc::clone(&self.budget), Arc::clone(&self.limiter));
        let metrics = self.reads.of(lookup.dataset()).map(Arc::clone);
        let key = Arc::clone(&lookup);
        let joined = self.lookups.run(key, &self.epochs, tags, ctx, |epoch, ctx| async move {
            if budget.used(Consumer::Flights) > budget.total() / FLIGHTS_BUDGET_DIVISOR {
                return Err(OriginError::Overloaded.into());
            }
            let _permit = limiter.acquire(&ctx).await?;
            let fetched_at = clock.now();
            let rows = read(&*store, &lookup, &ctx, metrics.as_deref()).await?;
            let rows = budget.reserved(Consumer::Flights, rows.weight(), rows);
            Ok(Fetched { rows, epoch, fetched_at })
        });
        Ok(joined.await?.value)
    }
}

/// A representation, and why it has no data if it has none.
pub(crate) struct Rendered {
    representation: Representation,
    no_data: Option<NoDataReason>,
}

impl Rendered {
    /// Shapes and renders rows. `if_empty` is the reason if there is no data in them.
    pub(crate) fn new(
        query: &Query,
        rows: &Rows,
        if_empty: Option<NoDataReason>,
        catalogue: &Catalogue,
    ) -> Result<Self, OriginError> {
        let body = aqs_api::shape(query, rows, catalogue.rules()).and_then(|answer| match answer {
            Answer::Empty(reason) => Ok(Self::empty(if_empty.unwrap_or(reason))),
            Answer::Rows { .. } => {
                Ok(Self { representation: aqs_api::render(query, &answer)?, no_data: None })
            }
        });
        body.map_err(|source| OriginError::shape(query, source))
    }

    pub(crate) fn empty(reason: NoDataReason) -> Self {
        let representation = Representation::problem(Problem::no_data(reason));
        Self { representation, no_data: Some(reason) }
    }
}

async fn read(
    store: &dyn Store,
    lookup: &Lookup,
    ctx: &RequestContext,
    metrics: Option<&ReadMetrics>,
) -> Result<Rows, OriginError> {
    let started = Instant::now();
    let read = store.read(lookup, ctx).await;
    if let Some(metrics) = metrics {
        metrics.seconds.observe(started.elapsed().as_secs_f64());
        let outcome = match &read {
            Ok(rows) if rows.is_empty() => &metrics.empty,
            Ok(_) => &metrics.rows,
            Err(_) => &metrics.error,
        };
        outcome.inc();
    }
    Ok(read?)
}
