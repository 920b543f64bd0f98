//! The hot set as operators see it.

use crate::artefact::ArtefactError;
use crate::build::Verified;
use crate::generation::{Checksum, Generation, HotFreshness, PlanFacts, Provenance};
use crate::jobs::Jobs;
use crate::plan::Plan;
use aqs_origin::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The hot set at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HotSetView {
    /// The generation that is served; `None` if nothing is published yet.
    pub live: Option<GenerationView>,
    /// The numbers of the generations on the disk, ascending; `None` if they are kept nowhere.
    pub kept: Option<Vec<u64>>,
    /// How long ago an answer may have been read or found unchanged before it is stale.
    pub max_age_seconds: u64,
    /// How many bytes a generation may take.
    pub limit: u64,
    /// The plans that are configured.
    pub plans: Vec<PlanView>,
}

/// A generation, without its answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationView {
    /// Its number.
    pub id: u64,
    /// The generation that was served when it was made.
    pub parent: Option<u64>,
    /// How it came to be.
    pub provenance: Provenance,
    /// When it was made, in milliseconds since 1970.
    pub built: Moment,
    /// How many addresses it answers.
    pub keys: u64,
    /// How many of these answers are stale: purged softly, or too old.
    pub stale: u64,
    /// How many are not served any more: purged.
    pub purged: u64,
    /// How many bytes it takes.
    pub bytes: u64,
    /// The sum of what it answers.
    pub checksum: Checksum,
    /// By dataset up to which period its answers tell.
    pub data_through: BTreeMap<String, String>,
    /// The plans that it was built for.
    pub plans: Vec<PlanHeld>,
}

/// A plan in a generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanHeld {
    /// The plan.
    pub name: String,
    /// Whether it was built as it is configured now.
    pub current: bool,
    /// Whether it was only ever built in part.
    pub partial: bool,
    /// When its build began.
    pub built: Moment,
    /// How many addresses it wants.
    pub wanted: u64,
    /// How many of them are held.
    pub keys: u64,
    /// How many of those that are held say that there are no data.
    pub without_data: u64,
    /// Which part of what is wanted is held, 0 to 1.
    pub completeness: f64,
    /// How many reads the build took.
    pub reads: u64,
    /// How many answers were taken over unread.
    pub shared: u64,
    /// How many could not be read.
    pub errors: u64,
    /// By dataset up to which period the store had data.
    pub data_through: BTreeMap<String, String>,
    /// What spoke against publishing it, if that was overridden.
    pub forced: Vec<String>,
}

/// A plan that is configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanView {
    /// Its name.
    pub name: String,
    /// How long after a build the next one begins.
    pub every_seconds: u64,
    /// Of several that are due, the one with the highest goes first.
    pub priority: i32,
    /// When it is built next, unless data come before; `None` if the schedule hasn't begun.
    pub next: Option<Moment>,
}

impl HotSetView {
    /// What there is now. Goes through all answers and lists a directory: for a thread that may
    /// block.
    ///
    /// # Errors
    ///
    /// If the directory of the generations can't be listed.
    pub fn of(jobs: &Jobs) -> Result<Self, ArtefactError> {
        let builder = jobs.builder();
        let plan = |plan: &Plan| PlanView {
            name: plan.name.clone(),
            every_seconds: plan.interval().as_secs(),
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
    /// A generation as it may be used now. Goes through all its answers: for a thread that may
    /// block.
    pub fn of(generation: &Generation, jobs: &Jobs) -> Self {
        let builder = jobs.builder();
        let (hot_set, origin) = (builder.hot_set(), builder.origin());
        let now = origin.clock().now();
        let (mut stale, mut purged) = (0, 0);
        for (_, held) in generation.iter() {
            match hot_set.freshness(held, now, &origin.epochs) {
                Some(HotFreshness::Fresh) => {}
                Some(HotFreshness::Stale) => stale += 1,
                None => purged += 1,
            }
        }
        let through = generation.data_through().into_iter();
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
            plans: generation.plans.iter().map(|facts| PlanHeld::of(facts, jobs)).collect(),
        }
    }
}

impl PlanHeld {
    fn of(facts: &PlanFacts, jobs: &Jobs) -> Self {
        let mut plans = jobs.builder().plans().iter();
        let configured = plans.find(|plan| plan.name == facts.name);
        Self {
            name: facts.name.clone(),
            current: configured.is_some_and(|plan| plan.fingerprint() == facts.definition),
            partial: facts.definition == 0,
            built: facts.built,
            wanted: facts.wanted,
            keys: facts.keys,
            without_data: facts.without_data,
            completeness: facts.completeness(),
            reads: facts.reads,
            shared: facts.shared,
            errors: facts.errors,
            data_through: facts.data_through.clone(),
            forced: facts.forced.clone(),
        }
    }
}

/// An older content that was published again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolledBackView {
    /// The generation.
    pub generation: GenerationView,
    /// Why it isn't kept for a restart, though it should be.
    pub not_kept: Option<String>,
}

/// What a close look at the published generation found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedView {
    /// Its number.
    pub generation: u64,
    /// Whether all is well.
    pub well: bool,
    /// Whether its answers still have the sum that they had when it was made.
    pub intact: bool,
    /// Whether its file holds the same; `None` if it is kept nowhere.
    pub kept: Option<bool>,
    /// What is wrong with its file.
    pub kept_error: Option<String>,
    /// How many answers were to be compared with direct ones.
    pub asked: usize,
    /// How many were.
    pub compared: usize,
    /// What differed.
    pub differs: Vec<String>,
    /// Why some could not be compared, if so: the store is away, perhaps.
    pub unanswered: Option<String>,
}

impl VerifiedView {
    /// Whether it is only that nothing could be compared.
    pub fn is_uncompared(&self) -> bool {
        let wrong = !self.intact || self.kept == Some(false) || !self.differs.is_empty();
        !wrong && self.compared < self.asked && self.compared == 0
    }
}

impl From<Verified> for VerifiedView {
    fn from(verified: Verified) -> Self {
        let well = verified.is_well();
        let Verified { generation, intact, artefact, asked, compared, differs, unanswered } =
            verified;
        let kept = artefact.as_ref().map(Result::is_ok);
        let kept_error = artefact.and_then(Result::err);
        Self { generation, well, intact, kept, kept_error, asked, compared, differs, unanswered }
    }
}
