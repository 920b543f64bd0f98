//! Jobs as operators see them.

use super::Start;
use crate::build::{BuildError, Built, Estimate, Snapshot};
use crate::checks::Refusal;
use crate::generation::PlanFacts;
use crate::plan::Overrides;
use aqs_origin::Moment;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A job's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(text)
    }
}

/// What started a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// Somebody asked for it.
    Operator,
    /// Its interval is over.
    Schedule,
    /// Data have arrived, or a purge has met its answers.
    Data,
}

impl Trigger {
    /// Its name, as views have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Schedule => "schedule",
            Self::Data => "data",
        }
    }
}

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is under way.
    Running,
    /// It did what it was asked for.
    Done,
    /// Its answers did not pass the checks.
    Refused,
    /// It could not be done.
    Failed,
    /// Somebody cancelled it, or the program ended.
    Cancelled,
}

impl State {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A job at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// Its number.
    pub id: JobId,
    /// The plan.
    pub plan: String,
    /// What replaces sets of the plan.
    pub overrides: Overrides,
    /// Whether it reads also what can't have changed.
    pub full: bool,
    /// Whether it publishes whatever the checks say.
    pub force: bool,
    /// Whether it only tells what a build would take.
    pub dry_run: bool,
    /// What started it.
    pub trigger: Trigger,
    /// What became of it.
    pub state: State,
    /// How many further starts joined it.
    pub joined: u64,
    /// When it began, in milliseconds since 1970.
    pub started: Moment,
    /// When it ended.
    pub ended: Option<Moment>,
    /// How far it is.
    pub progress: Snapshot,
    /// The generation that it published.
    pub generation: Option<u64>,
    /// What is known of the build.
    pub facts: Option<PlanFacts>,
    /// What a build would take.
    pub estimate: Option<Estimate>,
    /// What spoke against publishing it, whether it was published by force or not.
    pub refusals: Vec<RefusalView>,
    /// Why nothing was published.
    pub error: Option<String>,
    /// Why the generation isn't kept for a restart, though it should be.
    pub not_kept: Option<String>,
}

/// What spoke against publishing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalView {
    /// The check's name.
    pub check: String,
    /// What it found.
    pub reason: String,
}

impl From<&Refusal> for RefusalView {
    fn from(refusal: &Refusal) -> Self {
        Self { check: refusal.check().to_owned(), reason: refusal.to_string() }
    }
}

/// How a job ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Built(Built),
    Estimated(Estimate),
    Failed(BuildError),
}

impl Outcome {
    pub(crate) fn state(&self) -> State {
        match self {
            Self::Built(_) | Self::Estimated(_) => State::Done,
            Self::Failed(BuildError::Cancelled) => State::Cancelled,
            Self::Failed(BuildError::Refused(_)) => State::Refused,
            Self::Failed(_) => State::Failed,
        }
    }

    pub(crate) fn words(&self) -> String {
        match self {
            Self::Built(built) => format!(
                "generation {} with {} answers of the plan, {} of them taken over",
                built.generation.id, built.facts.keys, built.facts.shared
            ),
            Self::Estimated(estimate) => {
                format!("{} answers, {} reads", estimate.keys, estimate.reads)
            }
            Self::Failed(error) => error.to_string(),
        }
    }
}

impl JobView {
    pub(crate) fn begun(id: JobId, start: &Start, now: Moment) -> Self {
        Self {
            id,
            plan: start.plan.clone(),
            overrides: start.how.overrides.clone(),
            full: start.how.full,
            force: start.how.force,
            dry_run: start.dry_run,
            trigger: start.trigger,
            state: State::Running,
            joined: 0,
            started: now,
            ended: None,
            progress: Snapshot::default(),
            generation: None,
            facts: None,
            estimate: None,
            refusals: Vec::new(),
            error: None,
            not_kept: None,
        }
    }

    pub(crate) fn end(&mut self, outcome: Outcome, now: Moment) {
        self.state = outcome.state();
        self.ended = Some(now);
        match outcome {
            Outcome::Built(built) => {
                self.generation = Some(built.generation.id);
                self.facts = Some(built.facts);
                self.refusals = built.forced.iter().map(RefusalView::from).collect();
                self.not_kept = built.artefact.and_then(Result::err);
            }
            Outcome::Estimated(estimate) => self.estimate = Some(estimate),
            Outcome::Failed(error) => {
                if let BuildError::Refused(refusals) = &error {
                    self.refusals = refusals.iter().map(RefusalView::from).collect();
                }
                self.error = Some(error.to_string());
            }
        }
    }
}
