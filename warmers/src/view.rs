//! The hot set as the admin API shows it.

use crate::artefact::ArtefactError;
use crate::generation::{Checksum, Generation, PlanFacts, Provenance};
use crate::hot_set::HotFreshness;
use crate::jobs::Jobs;
use crate::plan::Plan;
use aqs_origin::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use crate::build::VerifiedView;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HotSetView {
    pub live: Option<GenerationView>,
    /// The ids of the generations on disk, ascending. `None` without a state directory.
    pub kept: Option<Vec<u64>>,
    /// The age from which on an answer is stale.
    pub max_age_seconds: u64,
    /// Bytes that a generation may take.
    pub limit: u64,
    pub plans: Vec<PlanView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationView {
    pub id: u64,
    /// The generation that was live when it was made.
    pub parent: Option<u64>,
    pub provenance: Provenance,
    pub built: Moment,
    pub keys: u64,
    /// Softly purged or too old.
    pub stale: u64,
    /// Hard-purged: no longer served.
    pub purged: u64,
    pub bytes: u64,
    pub checksum: Checksum,
    /// Last period by dataset.
    pub data_through: BTreeMap<String, String>,
    pub plans: Vec<BuiltPlanView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuiltPlanView {
    #[serde(flatten)]
    pub facts: PlanFacts,
    /// The plan was built as it is configured now.
    pub current: bool,
    /// Only a part of the plan was ever built.
    pub partial: bool,
    /// The held part of the wanted answers, 0 to 1.
    pub completeness: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanView {
    pub name: String,
    pub every_seconds: u64,
    pub priority: i32,
    /// The next scheduled build. `None` before the schedule has begun.
    pub next: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolledBackView {
    pub generation: GenerationView,
    /// Why the generation could not be written to disk.
    pub not_kept: Option<String>,
}

impl HotSetView {
    /// Blocks: it iterates over all answers and lists a directory.
    pub fn of(jobs: &Jobs) -> Result<Self, ArtefactError> {
        let builder = jobs.builder();
        let plan = |plan: &Plan| PlanView {
            name: plan.name.clone(),
            every_seconds: plan.every.as_secs(),
            priority: plan.priority,
            next: jobs.next(&plan.name),
        };
        let live = builder.hot_set().live();
        Ok(Self {
            live: live.map(|live| GenerationView::of(&live, jobs)),
            kept: builder.kept()?,
            max_age_seconds: builder.hot_set().max_age().as_secs(),
            limit: builder.limit(),
            plans: builder.plans().iter().map(plan).collect(),
        })
    }
}

impl GenerationView {
    /// Blocks: it iterates over all answers.
    pub fn of(generation: &Generation, jobs: &Jobs) -> Self {
        let builder = jobs.builder();
        let (hot_set, origin) = (builder.hot_set(), builder.origin());
        let now = origin.clock().now();
        let (mut stale, mut purged) = (0, 0);
        for (_, hot) in generation.iter() {
            match hot_set.freshness(hot, now, &origin.epochs) {
                Some(HotFreshness::Fresh) => {}
                Some(HotFreshness::Stale) => stale += 1,
                None => purged += 1,
            }
        }
        let through = generation.data_through().into_iter();
        let plan = |facts: &PlanFacts| BuiltPlanView {
            current: builder
                .plans()
                .iter()
                .any(|plan| plan.name == facts.name && plan.fingerprint() == facts.definition),
            partial: facts.definition == 0,
            completeness: facts.completeness(),
            facts: facts.clone(),
        };
        Self {
            id: generation.id,
            parent: generation.parent,
            provenance: generation.provenance,
            built: generation.built,
            keys: generation.keys() as u64,
            stale,
            purged,
            bytes: generation.bytes,
            checksum: generation.checksum,
            data_through: through.map(|(name, day)| (name.to_owned(), day.to_owned())).collect(),
            plans: generation.plans.iter().map(plan).collect(),
        }
    }
}
