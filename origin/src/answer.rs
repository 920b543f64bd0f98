//! From a query to an entry: lookup, clip, read, shape, represent, epoch.

use crate::clock::{Clock, Moment};
use crate::coverage_tracker::CoverageTracker;
use crate::entry::Entry;
use crate::epochs::{Epoch, Epochs, PurgeTags};
use crate::error::OriginError;
use crate::limiter::{ConcurrencyLimiter, ConcurrencyLimits};
use crate::memory::{Budget, Part, Reserved};
use crate::metrics::{Metrics, ReadMetrics, Reads};
use crate::read_plan::ReadPlan;
use crate::request_context::RequestContext;
use crate::singleflight::{Outcome, Singleflight, SingleflightLimits};
use crate::store::Store;
use aqs_api::freshness::Times;
use aqs_api::{Answer, Catalogue, Coverage, Lookup, NoDataReason, Query, Representation, Rows};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// From how many rows on an answer takes so long to make that it would keep others waiting.
const MANY_ROWS: usize = 4096;
/// How long after a panic the store is kept on.
const KEEP_AGAIN: Duration = Duration::from_secs(1);
/// Answers in construction may take one part in so many of the budget; beyond, no more are begun.
const MOST_IN_CONSTRUCTION: u64 = 2;

/// Where answers come from.
pub struct Origin {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) coverage_tracker: CoverageTracker,
    /// What was purged when.
    pub epochs: Arc<Epochs>,
    /// What the parts of the program may take of memory, and do.
    pub budget: Arc<Budget>,
    /// What is counted.
    pub metrics: Metrics,
    lookups: Arc<Singleflight<Arc<Lookup>, Fetched>>,
    reads: Reads,
    pub(crate) limiter: Arc<ConcurrencyLimiter>,
    times: Times,
    pub(crate) clock: Clock,
}

/// What an origin is made of.
pub struct Parts {
    /// What requests mean.
    pub catalogue: Arc<Catalogue>,
    /// What is asked.
    pub store: Arc<dyn Store>,
    /// What was purged when.
    pub epochs: Arc<Epochs>,
    /// What may be taken of memory.
    pub budget: Arc<Budget>,
    /// How long answers are kept.
    pub times: Times,
    /// How much flights may take.
    pub limits: SingleflightLimits,
    /// How much the store is asked at once.
    pub limiter: ConcurrencyLimits,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Metrics,
    /// Who awaits the flights at the end.
    pub tasks: TaskTracker,
}

/// What a lookup's flight brings: the rows, and when they were asked for.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    pub(crate) rows: Arc<Reserved<Rows>>,
    pub(crate) epoch: Epoch,
    pub(crate) asked: Moment,
}

impl Origin {
    /// An origin over one store.
    pub fn new(parts: Parts) -> Self {
        let Parts { catalogue, store, epochs, budget, times, limits, .. } = parts;
        let Parts { limiter, clock, metrics, tasks, .. } = parts;
        let reads = metrics.reads(catalogue.datasets());
        let limiter = Arc::new(ConcurrencyLimiter::new(limiter, metrics.limiter()));
        let lookups = Arc::new(Singleflight::new(limits, tasks, metrics.flights("lookup")));
        let coverage_tracker = CoverageTracker::default();
        Self {
            catalogue,
            store,
            coverage_tracker,
            epochs,
            budget,
            metrics,
            lookups,
            reads,
            limiter,
            times,
            clock,
        }
    }

    /// Answers a query from the store.
    pub async fn answer(&self, query: &Query, ctx: &RequestContext) -> Outcome<Arc<Entry>> {
        self.answer_to(&ReadPlan::new(query.clone(), &self.catalogue), ctx).await
    }

    /// Answers a read_plan from the store.
    pub async fn answer_to(
        &self,
        read_plan: &ReadPlan,
        ctx: &RequestContext,
    ) -> Outcome<Arc<Entry>> {
        let ReadPlan { query, tags, .. } = read_plan;
        // Before the coverage is looked at: what is clipped by an older one is older.
        let epoch = self.epochs.current();
        let coverage = self.coverage_tracker.coverage();
        let lookup = match read_plan.clipped(&coverage) {
            Ok(lookup) => lookup,
            Err(reason) => {
                let nothing = Represented::of(&Answer::Empty(reason));
                let asked = self.clock.now();
                return Ok(Arc::new(self.entry(query, nothing, asked, epoch, *tags)));
            }
        };
        // If nothing is found, this is why.
        let beside = coverage.no_data_reason(&lookup);
        let fetched = self.fetch(lookup, tags, ctx).await?;
        // Its text is about twice as long as its rows.
        let _building = self.budget.reserve(Part::Singleflight, 2 * fetched.rows.weight());
        let represented = self.represent(query, &fetched.rows, beside).await?;
        let epoch = epoch.min(fetched.epoch);
        Ok(Arc::new(self.entry(query, represented, fetched.asked, epoch, *tags)))
    }

    /// What requests mean here.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// The time that answers are judged by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How long answers are kept.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// What is wrong with the store, in sentences for operators.
    pub fn health_issues(&self) -> Vec<String> {
        self.store.health_issues()
    }

    /// What the store does in the background.
    pub async fn supervise_store(self: Arc<Self>, cancel: CancellationToken) {
        loop {
            let (store, until) = (Arc::clone(&self.store), cancel.clone());
            // In a task of its own: should it panic, the store is kept on by another one.
            let kept = tokio::spawn(async move { store.keep(until).await });
            let Err(error) = kept.await else { return };
            tracing::error!(%error, "what keeps the store has ended, and begins anew");
            let pause = tokio::time::sleep(KEEP_AGAIN);
            if cancel.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// What the store holds, as far as is known.
    pub fn coverage(&self) -> Arc<Coverage> {
        self.coverage_tracker.coverage()
    }

    pub(crate) fn entry(
        &self,
        query: &Query,
        represented: Represented,
        asked: Moment,
        epoch: Epoch,
        tags: PurgeTags,
    ) -> Entry {
        let lifetimes = match represented.empty {
            None => self.times.data,
            Some(reason) => {
                self.metrics.no_data.with_label_values(&[reason.name()]).inc();
                self.times.no_data
            }
        };
        let id = query.endpoint_id();
        Entry::new(represented.representation, id, asked, epoch, tags, lifetimes)
    }

    /// Makes the answer of rows: at once, or off the threads that serve if there are many.
    async fn represent(
        &self,
        query: &Query,
        rows: &Arc<Reserved<Rows>>,
        beside: Option<NoDataReason>,
    ) -> Result<Represented, OriginError> {
        if rows.len() < MANY_ROWS {
            return represent(query, rows, beside, &self.catalogue);
        }
        let (query, rows, catalogue) =
            (query.clone(), Arc::clone(rows), Arc::clone(&self.catalogue));
        let work =
            tokio::task::spawn_blocking(move || represent(&query, &rows, beside, &catalogue));
        work.await.unwrap_or(Err(OriginError::Lost))
    }

    /// The rows of a lookup, by the flight that brings them to all who want them.
    pub(crate) async fn fetch(
        &self,
        lookup: Arc<Lookup>,
        tags: &PurgeTags,
        ctx: &RequestContext,
    ) -> Outcome<Fetched> {
        let (store, clock) = (Arc::clone(&self.store), self.clock.clone());
        let (budget, limiter) = (Arc::clone(&self.budget), Arc::clone(&self.limiter));
        let metrics = self.reads.of(lookup.dataset()).map(Arc::clone);
        let asked_for = Arc::clone(&lookup);
        let landed = self.lookups.run(lookup, &self.epochs, tags, ctx, |epoch, ctx| async move {
            if budget.used(Part::Singleflight) > budget.total() / MOST_IN_CONSTRUCTION {
                return Err(OriginError::Overloaded.into());
            }
            let _place = limiter.enter(&ctx).await?;
            let asked = clock.now();
            let rows = read(&*store, &asked_for, &ctx, metrics.as_deref()).await?;
            let rows = budget.reserved(Part::Singleflight, rows.weight(), rows);
            Ok(Fetched { rows, epoch, asked })
        });
        Ok(landed.await?.value)
    }
}

/// A representation, and why it holds no data if it doesn't.
pub(crate) struct Represented {
    representation: Representation,
    empty: Option<NoDataReason>,
}

impl Represented {
    pub(crate) fn of(answer: &Answer<'_>) -> Self {
        let empty = match answer {
            Answer::Content(_) => None,
            Answer::Empty(reason) => Some(*reason),
        };
        Self { representation: answer.represent(), empty }
    }
}

pub(crate) fn represent(
    query: &Query,
    rows: &Rows,
    beside: Option<NoDataReason>,
    catalogue: &Catalogue,
) -> Result<Represented, OriginError> {
    match (query.endpoint().shape)(query, rows, catalogue.rules()) {
        Ok(Answer::Empty(NoDataReason::NoData)) => {
            Ok(Represented::of(&Answer::Empty(beside.unwrap_or(NoDataReason::NoData))))
        }
        Ok(answer) => Ok(Represented::of(&answer)),
        Err(source) => Err(OriginError::Shape { path: query.key().path().to_owned(), source }),
    }
}

async fn read(
    store: &dyn Store,
    lookup: &Lookup,
    ctx: &RequestContext,
    metrics: Option<&ReadMetrics>,
) -> Result<Rows, OriginError> {
    let begun = Instant::now();
    let read = store.read(lookup, ctx).await;
    if let Some(metrics) = metrics {
        metrics.seconds.observe(begun.elapsed().as_secs_f64());
        let outcome = match &read {
            Ok(rows) if rows.is_empty() => &metrics.empty,
            Ok(_) => &metrics.rows,
            Err(_) => &metrics.error,
        };
        outcome.inc();
    }
    Ok(read?)
}
