//! From a query to an entry: clip, read, shape, render.

use crate::clock::{Clock, Moment};
use crate::coverage_tracker::{self, RefreshError};
use crate::entry::Entry;
use crate::epochs::{Epoch, Epochs, PurgeMode, PurgeTags, Scope, StateError};
use crate::error::OriginError;
use crate::memory_budget::{Budget, Consumer, Reserved};
use crate::metrics::Metrics;
use crate::read_plan::ReadPlan;
use crate::request_context::RequestContext;
use crate::singleflight::{Outcome, Singleflight, SingleflightLimits};
use crate::stores::{RouteError, StoreParts, Stores};
use crate::suggest_project;
use aqs_api::lifetimes::Times;
use aqs_api::{Answer, Catalogue, Coverage, Lookup, NoDataReason, Query, Representation, Rows};
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// From this many rows on, an answer is rendered off the async threads.
const MANY_ROWS: usize = 4096;
/// Reads are rejected while rows and bodies of flights take more than the budget divided by this.
const FLIGHTS_BUDGET_DIVISOR: u64 = 2;

pub struct Origin {
    pub(crate) catalogue: Arc<Catalogue>,
    stores: Stores,
    pub epochs: Arc<Epochs>,
    pub budget: Arc<Budget>,
    pub metrics: Metrics,
    lookups: Arc<Singleflight<Arc<Lookup>, Fetched>>,
    times: Times,
    pub(crate) clock: Clock,
}

pub struct Parts {
    pub catalogue: Arc<Catalogue>,
    pub stores: Vec<StoreParts>,
    pub epochs: Arc<Epochs>,
    pub budget: Arc<Budget>,
    pub times: Times,
    pub limits: SingleflightLimits,
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
    /// Fails unless each dataset of the catalogue is routed to one store.
    pub fn new(parts: Parts) -> Result<Self, RouteError> {
        let Parts { catalogue, stores, epochs, budget, times, limits, clock, metrics, tasks } =
            parts;
        Ok(Self {
            stores: Stores::new(stores, &catalogue, &epochs, &metrics)?,
            lookups: Arc::new(Singleflight::new(limits, tasks, metrics.singleflight("lookup"))),
            catalogue,
            epochs,
            budget,
            metrics,
            times,
            clock,
        })
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
                let nothing = aqs_api::render(query, &Answer::Empty(reason));
                let nothing = nothing.map_err(|source| OriginError::shape(query, source))?;
                return Ok(Arc::new(self.entry(query, nothing, self.clock.now(), epoch, *tags)));
            }
        };
        let if_empty = coverage.no_data_reason(&lookup);
        let fetched = self.fetch(lookup, tags, ctx).await?;
        // A body takes about twice the memory of its rows.
        let _body = self.budget.reserve(Consumer::Flights, 2 * fetched.rows.weight());
        let rendered = self.render(query, &fetched.rows, if_empty).await?;
        let epoch = epoch.min(fetched.epoch);
        let entry = self.entry(query, rendered, fetched.fetched_at, epoch, *tags);
        Ok(Arc::new(entry.expecting_more(plan.expects_more(&coverage))))
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

    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// What is wrong with the stores, in sentences for operators.
    pub fn health_issues(&self) -> Vec<String> {
        self.stores.health_issues()
    }

    /// What the stores have loaded, as far as is known.
    pub fn coverage(&self) -> Arc<Coverage> {
        self.stores.coverage()
    }

    /// Reads the coverage of every store again if anything was loaded, and purges softly the
    /// datasets that the load changed. Returns their names.
    pub async fn refresh_coverage(&self) -> Result<(), RefreshError> {
        self.stores.refresh_coverage().await
    }

    /// Whether the coverage of every store was read once.
    pub fn is_known(&self) -> bool {
        self.stores.are_known()
    }

    /// Waits until the coverage of every store was read once.
    pub async fn known(&self) {
        self.stores.known().await;
    }

    /// Purges, see [`Epochs::purge`]. It waits for the disk: async code calls it by
    /// `spawn_blocking`.
    pub fn purge(&self, scope: Scope<'_>, mode: PurgeMode) -> Result<(), StateError> {
        coverage_tracker::purge(&self.epochs, &self.metrics, scope, mode)
    }

    pub(crate) fn entry(
        &self,
        query: &Query,
        mut representation: Representation,
        fetched_at: Moment,
        epoch: Epoch,
        tags: PurgeTags,
    ) -> Entry {
        let lifetimes = match &mut representation {
            Representation::Body(_) => self.times.data,
            Representation::NoData(no_data) => {
                let coverage = self.coverage();
                if let Some(project) = query.project().filter(|it| coverage.lacks_project(it)) {
                    no_data.reason = NoDataReason::UnknownProject;
                    no_data.nearest = nearest(project, &coverage);
                }
                self.metrics.no_data.with_label_values(&[no_data.reason.name()]).inc();
                self.times.no_data
            }
        };
        let id = query.endpoint_id();
        Entry::new(representation, id, fetched_at, epoch, tags, lifetimes)
    }

    /// Renders the answer of rows, off the async threads if there are many.
    async fn render(
        &self,
        query: &Query,
        rows: &Arc<Reserved<Rows>>,
        if_empty: Option<NoDataReason>,
    ) -> Result<Representation, OriginError> {
        if rows.len() < MANY_ROWS {
            return represent(query, rows, if_empty, &self.catalogue);
        }
        let (query, rows, catalogue) =
            (query.clone(), Arc::clone(rows), Arc::clone(&self.catalogue));
        let work =
            tokio::task::spawn_blocking(move || represent(&query, &rows, if_empty, &catalogue));
        work.await.unwrap_or(Err(OriginError::Lost))
    }

    /// Reads the rows of a lookup, or joins the flight that reads them.
    pub(crate) async fn fetch(
        &self,
        lookup: Arc<Lookup>,
        tags: &PurgeTags,
        ctx: &RequestContext,
    ) -> Outcome<Fetched> {
        let route = Arc::clone(self.stores.route(lookup.dataset())?);
        let (budget, clock) = (Arc::clone(&self.budget), self.clock.clone());
        let key = Arc::clone(&lookup);
        let joined = self.lookups.run(key, &self.epochs, tags, ctx, |epoch, ctx| async move {
            if budget.used(Consumer::Flights) > budget.total() / FLIGHTS_BUDGET_DIVISOR {
                return Err(OriginError::Overloaded.into());
            }
            let (fetched_at, rows) = route.read(&lookup, ctx, &clock).await?;
            let rows = budget.reserved(Consumer::Flights, rows.weight(), rows);
            Ok(Fetched { rows, epoch, fetched_at })
        });
        Ok(joined.await?.value)
    }
}

/// The loaded project with the nearest name.
fn nearest(project: &str, coverage: &Coverage) -> Option<Arc<str>> {
    let loaded = coverage.projects()?;
    let nearest = suggest_project(project, loaded.iter().map(|project| &***project))?;
    loaded.into_iter().find(|project| &***project == nearest).cloned()
}

/// Shapes and renders rows. `if_empty` is the reason if there is no data in them.
pub(crate) fn represent(
    query: &Query,
    rows: &Rows,
    if_empty: Option<NoDataReason>,
    catalogue: &Catalogue,
) -> Result<Representation, OriginError> {
    let answer = aqs_api::shape(query, rows, catalogue.rules()).map(|answer| match answer {
        Answer::Empty(reason) => Answer::Empty(if_empty.unwrap_or(reason)),
        Answer::Rows { .. } => answer,
    });
    let representation = answer.and_then(|answer| aqs_api::render(query, &answer));
    representation.map_err(|source| OriginError::shape(query, source))
}
