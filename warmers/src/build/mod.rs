//! Builds: from a plan and the live generation to the next generation.
//!
//! A build reads what may have changed, each partition once, and carries over what cannot have
//! changed. It publishes once all answers are there and have passed the checks: a build that
//! fails, is refused or is cancelled changes nothing.

mod progress;
mod publish;
mod read;
mod republish;
mod select;
mod verify;

pub use progress::{Progress, Snapshot};
pub use select::{Basis, Estimate};
pub use verify::VerifiedView;

use crate::artefact::{ArtefactDirectory, ArtefactError};
use crate::blocking::{self, DropOffThread, drop_off_thread};
use crate::checks::Refusal;
use crate::generation::{Generation, PlanFacts, TooManyPlans};
use crate::hot_set::HotSet;
use crate::metrics::Metrics;
use crate::plan::{Overrides, Plan, PlanError, built_in};
use crate::settings::Settings;
use aqs_api::Coverage;
use aqs_api::units::Bytes;
use aqs_origin::{Origin, RefreshError};
use read::Pacer;
use select::Selection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;
use thiserror::Error;
use tokio::sync::{RwLock, Semaphore};
use tokio_util::sync::CancellationToken;

/// A built-in plan is cut to a thousandth at most.
const MAX_HALVINGS: u32 = 10;

pub struct Builder {
    origin: Arc<Origin>,
    hot_set: Arc<HotSet>,
    artefacts: Option<Arc<ArtefactDirectory>>,
    plans: Vec<Plan>,
    settings: Settings,
    metrics: Metrics,
    /// Shared by all builds, like `rate`.
    reads: Semaphore,
    rate: Pacer,
    /// One verification at a time.
    verifying: Arc<Semaphore>,
    /// Shared from a publication to the end of writing its file; held alone while files are
    /// verified, so that a file that is being written is not taken for a damaged one.
    files: Arc<RwLock<()>>,
    /// How often each built-in plan was halved because it did not fit.
    halvings: Mutex<BTreeMap<String, u32>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildOptions {
    /// Builds only a part of the plan, which is added to its answers.
    pub overrides: Overrides,
    /// Reads also what cannot have changed.
    pub full: bool,
    /// Publishes regardless of the checks, which is recorded.
    pub force: bool,
}

#[derive(Clone, Debug)]
pub struct Built {
    pub generation: Arc<Generation>,
    /// Describes this build. The generation's own facts describe the whole plan.
    pub facts: PlanFacts,
    /// Refusals that `force` overrode.
    pub forced: Vec<Refusal>,
    /// Why the generation could not be written to disk.
    pub not_kept: Option<String>,
}

/// A failed build. Nothing was published.
#[derive(Debug, Error)]
pub enum BuildError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("failed to read what the store has loaded: {0}")]
    Coverage(RefreshError),
    /// The plan takes its articles from a top list that could not be read.
    #[error("failed to read the top list of {project}, which names articles of the plan: {reason}")]
    Tops { project: String, reason: String },
    /// `others` is the share of other plans.
    #[error(
        "the hot set would take {bytes} bytes with this plan ({others} of them for other plans), \
         and may take {limit}; ask for less, or raise the limit"
    )]
    TooLarge { bytes: u64, others: u64, limit: u64 },
    /// No part of a built-in plan fits beside the other plans.
    #[error("the hot set has no room for this plan: it may take {limit} bytes")]
    NoRoom { limit: u64 },
    /// The plan was never built, and wants nothing.
    #[error("none of its datasets is loaded ({})", .0.join(", "))]
    NothingLoaded(Vec<String>),
    #[error("gave up after {partitions} partitions in a row could not be read: {last}")]
    GivenUp { partitions: usize, last: String },
    #[error("refused: {}", reasons(.0))]
    Refused(Vec<Refusal>),
    #[error(transparent)]
    Plans(#[from] TooManyPlans),
    #[error("cancelled")]
    Cancelled,
    /// The runtime shuts down, or the task has panicked.
    #[error("a task of the build ended without a result")]
    Lost,
}

fn reasons(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A failed rollback. Nothing has changed.
#[derive(Debug, Error)]
pub enum RollbackError {
    #[error("there is no older generation to go back to")]
    Nothing,
    #[error("generation {0} is the one that is served")]
    Live(u64),
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
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
        let plans = settings.all_plans(origin.catalogue());
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
            rate: Pacer::per_second(settings.rate),
            settings,
            verifying: Arc::new(Semaphore::new(1)),
            files: Arc::default(),
            halvings: Mutex::default(),
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
    ///
    /// A built-in plan that does not fit into the memory is halved until it does. No operator has
    /// chosen its size.
    pub async fn build(
        self: &Arc<Self>,
        plan: &Plan,
        options: &BuildOptions,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Built, BuildError> {
        let is_built_in = self.is_built_in(plan);
        loop {
            let halvings = self.halvings().get(&plan.name).copied().unwrap_or_default();
            match self.build_part(plan, options, progress, cancel, halvings).await {
                Err(BuildError::TooLarge { limit, .. }) if is_built_in => {
                    if halvings >= MAX_HALVINGS {
                        return Err(BuildError::NoRoom { limit });
                    }
                    self.halvings().insert(plan.name.clone(), halvings + 1);
                }
                built => {
                    if let (Ok(built), 1..) = (&built, halvings) {
                        let (plan, answers) = (&plan.name, built.facts.keys);
                        let limit = Bytes(self.limit()).to_string();
                        tracing::info!(
                            plan,
                            answers,
                            limit,
                            "a plan is cut to the memory that the hot set may take"
                        );
                    }
                    return built;
                }
            }
        }
    }

    /// Builds a part of a plan: the first of `2^halvings`.
    async fn build_part(
        self: &Arc<Self>,
        plan: &Plan,
        options: &BuildOptions,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
        halvings: u32,
    ) -> Result<Built, BuildError> {
        let started = Instant::now();
        let now = self.origin.clock().now();
        let prepared = self.prepare(plan, options, progress, cancel, halvings).await?;
        let nothing = prepared.selection.wanted == 0 && prepared.before.is_none();
        if nothing && !options.force {
            return Err(BuildError::NothingLoaded(prepared.selection.unloaded.clone()));
        }
        self.check_expected_size(&prepared)?;
        let check_size =
            || self.check_size(&prepared, prepared.selection.shared_bytes + progress.bytes());
        let groups = &prepared.selection.groups;
        let read = self.read_while(&prepared, groups, progress, cancel, check_size).await?;
        let built = self.check_and_publish(options, prepared, read, now, cancel).await?;
        let seconds = started.elapsed().as_secs_f64();
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
        halvings: u32,
    ) -> Result<Prepared, BuildError> {
        // A build without the coverage of a store would drop the answers from that store.
        if self.origin.coverage().is_empty() || !self.origin.is_known() {
            let refreshed = cancel.run_until_cancelled(self.origin.refresh_coverage()).await;
            refreshed.ok_or(BuildError::Cancelled)?.map_err(BuildError::Coverage)?;
        }
        let coverage = self.origin.coverage();
        let whole = self.with_loaded_projects(plan, &coverage);
        let configured = self
            .plans
            .iter()
            .find(|configured| configured.name == plan.name && configured.items == plan.items);
        let plan = options.overrides.apply(&whole, self.origin.catalogue())?;
        let configured = configured.filter(|_| plan.items == whole.items);
        let definition = configured.map_or(0, Plan::fingerprint);
        let tops = self.read_tops(&plan, &coverage, progress, cancel).await?;
        let (builder, full) = (Arc::clone(self), options.full);
        let work = blocking::run(move || {
            let (origin, live) = (&builder.origin, builder.hot_set.live());
            let mut expansion = plan.expand(origin.catalogue(), &coverage, &tops)?;
            expansion.truncate(expansion.keys().div_ceil(1 << halvings.min(MAX_HALVINGS)));
            let parent = live.as_deref();
            let before = parent.and_then(|parent| parent.plan(&plan.name)).cloned();
            let others = |name: &str| name != plan.name && builder.is_configured(name);
            let others = parent.map_or(0, |parent| parent.plan_bits(others));
            let selection = Selection::new(expansion, parent, origin, others, full);
            let parent = live.as_ref().map(Arc::downgrade).unwrap_or_default();
            Ok(Prepared { plan, definition, parent, before, selection: drop_off_thread(selection) })
        });
        let prepared = work.await.unwrap_or(Err(BuildError::Lost))?;
        progress.start(prepared.selection.wanted, prepared.selection.shared.len());
        Ok(prepared)
    }

    fn is_built_in(&self, plan: &Plan) -> bool {
        built_in::NAMES.contains(&plan.name.as_str())
            && !self.settings.plans.iter().any(|own| own.name == plan.name)
    }

    /// Replaces the default projects of a built-in plan by projects of which something is loaded.
    fn with_loaded_projects(&self, plan: &Plan, coverage: &Coverage) -> Plan {
        let is_default = self.settings.projects == Settings::default().projects;
        let loaded = coverage.projects().filter(|_| is_default && self.is_built_in(plan));
        let projects = loaded.and_then(|loaded| built_in::loaded_projects(&loaded));
        let plans = projects.map(|projects| built_in::all(self.origin.catalogue(), &projects));
        let same = plans.into_iter().flatten().find(|other| other.name == plan.name);
        same.unwrap_or_else(|| plan.clone())
    }

    fn halvings(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.halvings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_configured(&self, name: &str) -> bool {
        self.plans.iter().any(|plan| plan.name == name)
    }
}

struct Prepared {
    plan: Plan,
    /// The fingerprint of the configured plan; 0 unless it is built as a whole.
    definition: u64,
    /// The live generation of that moment. It is weak, since it is charged to the budget only
    /// while the hot set keeps it.
    parent: Weak<Generation>,
    /// The plan in that generation.
    before: Option<PlanFacts>,
    selection: DropOffThread<Selection>,
}
