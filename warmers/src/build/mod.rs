//! Building: from a plan and the generation that is served to the next one.
//!
//! What may have changed is read, each partition once; what can't have changed is taken over.
//! Nothing is published before all of it is there and has passed its checks, so a build that
//! fails, is refused or is cancelled leaves everything as it was.

mod back;
mod error;
mod estimate;
mod outcome;
mod pace;
mod progress;
mod publish;
mod read;
mod retry;
mod select;
mod settings;
mod tops;
mod upkeep;

pub use error::{BuildError, RollbackError};
pub use estimate::{Basis, Estimate};
pub use outcome::{Built, How, RolledBack, Verified};
pub use progress::{Progress, Snapshot};
pub use settings::Settings;

use crate::artefact::ArtefactDirectory;
use crate::aside::{Heavy, aside};
use crate::generation::{Generation, HotSet, PlanFacts, Whole};
use crate::metrics::Metrics;
use crate::plan::{Expansion, Plan};
use aqs_api::Coverage;
use aqs_origin::Origin;
use pace::Pace;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What builds generations of one store's answers.
pub struct Builder {
    origin: Arc<Origin>,
    hot_set: Arc<HotSet>,
    artefacts: Option<Arc<ArtefactDirectory>>,
    plans: Vec<Plan>,
    settings: Settings,
    metrics: Metrics,
    /// Of all builds together.
    reads: Arc<Semaphore>,
    pace: Arc<Pace>,
    /// One close look at a time.
    verifying: Arc<Semaphore>,
}

impl Builder {
    /// A builder for the plans that are configured, which were checked. Without a directory the
    /// hot set is not kept over restarts.
    pub fn new(
        origin: Arc<Origin>,
        hot_set: Arc<HotSet>,
        artefacts: Option<ArtefactDirectory>,
        plans: Vec<Plan>,
        settings: Settings,
        metrics: Metrics,
    ) -> Self {
        for plan in &plans {
            metrics.expect(&plan.name);
        }
        let reads = Arc::new(Semaphore::new(settings.concurrency.max(1)));
        let pace = Arc::new(Pace::per_second(settings.rate));
        let artefacts = artefacts.map(Arc::new);
        let verifying = Arc::new(Semaphore::new(1));
        Self { origin, hot_set, artefacts, plans, settings, metrics, reads, pace, verifying }
    }

    /// The plans.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// The hot set that is published to.
    pub fn hot_set(&self) -> &Arc<HotSet> {
        &self.hot_set
    }

    /// Where the answers come from.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How many answers are compared with direct ones before a build is published.
    pub fn sample_size(&self) -> usize {
        self.settings.thresholds.sample
    }

    /// How many bytes a generation may take.
    pub fn limit(&self) -> u64 {
        match self.settings.memory {
            0 => self.origin.budget.total() / 4,
            bytes => bytes,
        }
    }

    /// Builds a plan and publishes the generation.
    ///
    /// An error means that nothing was published.
    pub async fn build(
        &self,
        plan: &Plan,
        how: &How,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Built, BuildError> {
        let begun = Instant::now();
        let now = self.origin.clock().now();
        let prepared = self.prepare(plan, how, progress, cancel).await?;
        self.fits(&prepared)?;
        let read = self.read(&prepared, progress, cancel).await?;
        let built = self.check_and_publish(plan, how, prepared, read, now, cancel).await?;
        let seconds = begun.elapsed().as_secs_f64();
        self.metrics.build_seconds.with_label_values(&[&plan.name]).observe(seconds);
        Ok(built)
    }

    /// Learns what a plan wants and what of it must be read.
    async fn prepare(
        &self,
        plan: &Plan,
        how: &How,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Prepared, BuildError> {
        let plan = how.overrides.apply(plan, self.origin.catalogue())?;
        if self.origin.coverage().is_empty() {
            // Nobody has looked yet, or nothing is loaded.
            let looked = cancel.run_until_cancelled(self.origin.refresh_coverage()).await;
            looked.ok_or(BuildError::Cancelled)?.map_err(BuildError::Unknown)?;
        }
        let coverage = self.origin.coverage();
        let tops = self.tops(&plan, &coverage, progress, cancel).await?;
        let (origin, hot_set, full) = (Arc::clone(&self.origin), self.hot_set.live(), how.full);
        let names = self.names();
        let work = aside(move || {
            let parent = hot_set.as_deref();
            let configured = |name: &str| names.iter().any(|known| known == name);
            let expansion = plan.expand(origin.catalogue(), &coverage, &tops)?;
            let through = data_through(&origin, &coverage, &expansion);
            let unloaded = expansion.unloaded.iter().map(|name| (*name).to_owned()).collect();
            let how = (&configured as &dyn Fn(&str) -> bool, full);
            let selection = select::select(&plan, expansion, parent, &origin, &through, how);
            let before = parent.and_then(|parent| parent.plan(&plan.name));
            let before = before.map(|(_, facts)| Known::of(facts, selection.bytes_before));
            let parent = hot_set.as_ref().map(Arc::downgrade).unwrap_or_default();
            let selection = Heavy::new(selection);
            Ok(Prepared { plan, parent, before, selection, through, unloaded })
        });
        let prepared = work.await.unwrap_or(Err(BuildError::Lost))?;
        progress.expect(&prepared.selection);
        Ok(prepared)
    }

    /// The names of the plans.
    fn names(&self) -> Vec<String> {
        self.plans.iter().map(|plan| plan.name.clone()).collect()
    }
}

/// A plan that is ready to be read.
pub(crate) struct Prepared {
    plan: Plan,
    /// The generation that was served when it was prepared: as long as others hold it, since it
    /// is not charged to anybody after that.
    parent: Weak<Generation>,
    /// What was known of the plan in it.
    before: Option<Known>,
    selection: Heavy<select::Selection>,
    /// By dataset up to which period there are data.
    through: BTreeMap<String, String>,
    /// The datasets of which nothing is loaded.
    unloaded: Vec<String>,
}

/// What is known of a plan that is served.
struct Known {
    facts: PlanFacts,
    /// What a new build of the whole is compared with.
    whole: Whole,
}

impl Known {
    fn of(facts: &PlanFacts, bytes: u64) -> Self {
        // Older generations don't tell.
        let whole = facts.whole.unwrap_or(Whole { keys: facts.keys, bytes });
        Self { facts: facts.clone(), whole }
    }
}

/// By dataset that is asked of up to which period there are data.
fn data_through(
    origin: &Origin,
    coverage: &Coverage,
    expansion: &Expansion,
) -> BTreeMap<String, String> {
    let datasets = origin.catalogue().datasets().iter();
    let asked = datasets.filter(|dataset| expansion.datasets.contains(dataset.name));
    let through = asked.filter_map(|dataset| {
        let last = coverage.get(dataset)?.last;
        Some((dataset.name.to_owned(), last.as_str().to_owned()))
    });
    through.collect()
}
