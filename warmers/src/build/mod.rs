//! Builds: from a plan and the live generation to the next generation.
//!
//! A build reads what may have changed, each partition once, and carries over what cannot have
//! changed. It publishes once all answers are there and have passed the checks: a build that
//! fails, is refused or is cancelled changes nothing.

mod error;
mod estimate;
mod progress;
mod publish;
mod read;
mod restore;
mod select;
mod verify;

pub use error::{BuildError, RollbackError};
pub use estimate::{Basis, Estimate};
pub use progress::{Progress, Snapshot};
pub use restore::RolledBack;
pub use verify::VerifiedView;

use crate::artefact::ArtefactDirectory;
use crate::blocking::{self, DropOffThread};
use crate::checks::Refusal;
use crate::generation::{Generation, HotSet, PlanFacts};
use crate::metrics::Metrics;
use crate::plan::{Expansion, Overrides, Plan};
use crate::settings::Settings;
use aqs_api::Coverage;
use aqs_origin::Origin;
use read::RateLimiter;
use select::Selection;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Builds and publishes generations.
pub struct Builder {
    origin: Arc<Origin>,
    hot_set: Arc<HotSet>,
    artefacts: Option<Arc<ArtefactDirectory>>,
    plans: Vec<Plan>,
    settings: Settings,
    metrics: Metrics,
    /// Shared by all builds, like `rate`.
    reads: Semaphore,
    rate: RateLimiter,
    /// One verification at a time.
    verifying: Arc<Semaphore>,
}

/// The options of a single build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildOptions {
    /// Builds only a part of the plan, which is added to its answers.
    pub overrides: Overrides,
    /// Reads also what cannot have changed.
    pub full: bool,
    /// Publishes regardless of the checks, which is recorded.
    pub force: bool,
}

/// The result of a published build.
#[derive(Clone, Debug)]
pub struct Built {
    pub generation: Arc<Generation>,
    /// Describes this build. The generation's own facts describe the whole plan.
    pub facts: PlanFacts,
    /// Refusals that `force` overrode.
    pub forced: Vec<Refusal>,
    /// The size of the file, or why it could not be written. `None` without a directory.
    pub artefact: Option<Result<u64, String>>,
}

impl Builder {
    /// The plans must have passed [`Settings::check`]. Without `artefacts` the hot set does not
    /// survive a restart.
    pub fn new(
        origin: Arc<Origin>,
        hot_set: Arc<HotSet>,
        artefacts: Option<ArtefactDirectory>,
        settings: Settings,
        metrics: Metrics,
    ) -> Self {
        let plans = settings.all_plans();
        for plan in &plans {
            metrics.initialise(&plan.name);
        }
        Self {
            origin,
            hot_set,
            artefacts: artefacts.map(Arc::new),
            plans,
            metrics,
            reads: Semaphore::new(settings.concurrency.max(1)),
            rate: RateLimiter::per_second(settings.rate),
            settings,
            verifying: Arc::new(Semaphore::new(1)),
        }
    }

    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    pub fn hot_set(&self) -> &Arc<HotSet> {
        &self.hot_set
    }

    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How many answers the `sample` check compares.
    pub fn sample_size(&self) -> usize {
        self.settings.checks.sample
    }

    /// Bytes that a generation may take.
    pub fn limit(&self) -> u64 {
        self.settings.memory.unwrap_or_else(|| self.origin.budget.total() / 4)
    }

    /// Builds a plan and publishes the generation. After an error nothing was published.
    pub async fn build(
        self: &Arc<Self>,
        plan: &Plan,
        options: &BuildOptions,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Built, BuildError> {
        let begun = Instant::now();
        let now = self.origin.clock().now();
        let prepared = self.prepare(plan, options, progress, cancel).await?;
        let (expected, _) = prepared.selection.expected_bytes(&prepared.selection.live);
        self.check_size(&prepared, expected)?;
        let check_size =
            || self.check_size(&prepared, prepared.selection.shared_bytes + progress.bytes());
        let groups = &prepared.selection.groups;
        let read = self.read_while(&prepared, groups, progress, cancel, check_size).await?;
        let built = self.check_and_publish(options, prepared, read, now, cancel).await?;
        let seconds = begun.elapsed().as_secs_f64();
        self.metrics.build_seconds.with_label_values(&[&plan.name]).observe(seconds);
        Ok(built)
    }

    /// Determines what a plan wants, and what of it must be read.
    async fn prepare(
        self: &Arc<Self>,
        plan: &Plan,
        options: &BuildOptions,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Prepared, BuildError> {
        let plan = options.overrides.apply(plan, self.origin.catalogue())?;
        if self.origin.coverage().is_empty() {
            let refreshed = cancel.run_until_cancelled(self.origin.refresh_coverage()).await;
            refreshed.ok_or(BuildError::Cancelled)?.map_err(BuildError::Coverage)?;
        }
        let coverage = self.origin.coverage();
        let tops = self.read_tops(&plan, &coverage, progress, cancel).await?;
        let (builder, full) = (Arc::clone(self), options.full);
        let work = blocking::run(move || {
            let (origin, live) = (&builder.origin, builder.hot_set.live());
            let expansion = plan.expand(origin.catalogue(), &coverage, &tops)?;
            let through = data_through(origin, &coverage, &expansion);
            let unloaded = expansion.unloaded.iter().map(|name| (*name).to_owned()).collect();
            let parent = live.as_deref();
            let before = parent.and_then(|parent| parent.plan(&plan.name)).cloned();
            let others = |name: &str| name != plan.name && builder.is_configured(name);
            let others = parent.map_or(0, |parent| parent.plan_bits(others));
            let selection = Selection::new(expansion, parent, origin, &through, others, full);
            let parent = live.as_ref().map(Arc::downgrade).unwrap_or_default();
            let selection = DropOffThread::new(selection);
            Ok(Prepared { plan, parent, before, selection, through, unloaded })
        });
        let prepared = work.await.unwrap_or(Err(BuildError::Lost))?;
        progress.start(prepared.selection.wanted, prepared.selection.shared.len());
        Ok(prepared)
    }

    fn is_configured(&self, name: &str) -> bool {
        self.plans.iter().any(|plan| plan.name == name)
    }
}

/// A plan that is ready to be read.
struct Prepared {
    plan: Plan,
    /// The live generation of that moment. It is weak, since it is charged to the budget only
    /// while the hot set keeps it.
    parent: Weak<Generation>,
    /// The plan in that generation.
    before: Option<PlanFacts>,
    selection: DropOffThread<Selection>,
    /// Last loaded period by dataset.
    through: BTreeMap<String, String>,
    unloaded: Vec<String>,
}

fn data_through(
    origin: &Origin,
    coverage: &Coverage,
    expansion: &Expansion,
) -> BTreeMap<String, String> {
    let datasets = origin.catalogue().datasets().iter();
    let read = datasets.filter(|dataset| expansion.datasets.contains(dataset.name));
    let through = read.filter_map(|dataset| {
        let last = coverage.get(dataset)?.last;
        Some((dataset.name.to_owned(), last.as_str().to_owned()))
    });
    through.collect()
}
