//! Jobs as the admin API shows them.

use super::Start;
use crate::build::{BuildError, Built, Estimate, Snapshot};
use crate::checks::Refusal;
use crate::generation::PlanFacts;
use crate::plan::Overrides;
use aqs_origin::Moment;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(text)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    #[default]
    Operator,
    Schedule,
    /// New data or a purge.
    Data,
}

impl Trigger {
    pub fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Schedule => "schedule",
            Self::Data => "data",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    #[default]
    Running,
    Done,
    /// By the checks.
    Refused,
    Failed,
    /// By an operator or the shutdown.
    Cancelled,
}

impl State {
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

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    pub id: JobId,
    pub plan: String,
    pub overrides: Overrides,
    pub full: bool,
    pub force: bool,
    pub dry_run: bool,
    pub trigger: Trigger,
    pub state: State,
    /// Further starts that joined the job.
    pub joined: u64,
    pub started: Moment,
    pub ended: Option<Moment>,
    pub progress: Snapshot,
    pub generation: Option<u64>,
    pub facts: Option<PlanFacts>,
    pub estimate: Option<Estimate>,
    /// Failed checks, also if the build was published by force.
    pub refusals: Vec<Refusal>,
    /// Why nothing was published.
    pub error: Option<String>,
    /// Why the generation could not be written to disk.
    pub not_kept: Option<String>,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Built(Built),
    Estimated(Estimate),
    Failed(BuildError),
}

impl Outcome {
    pub(super) fn state(&self) -> State {
        match self {
            Self::Built(_) | Self::Estimated(_) => State::Done,
            Self::Failed(BuildError::Cancelled) => State::Cancelled,
            Self::Failed(BuildError::Refused(_)) => State::Refused,
            Self::Failed(_) => State::Failed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Built(Built { generation, facts, .. }) => write!(
                text,
                "generation {} with {} answers of the plan, {} of them carried over",
                generation.id, facts.keys, facts.shared
            ),
            Self::Estimated(estimate) => {
                write!(text, "{} answers, {} reads", estimate.keys, estimate.reads)
            }
            Self::Failed(error) => error.fmt(text),
        }
    }
}

impl JobView {
    pub(super) fn begun(id: JobId, start: &Start, now: Moment) -> Self {
        Self {
            id,
            plan: start.plan.clone(),
            overrides: start.options.overrides.clone(),
            full: start.options.full,
            force: start.options.force,
            dry_run: start.dry_run,
            trigger: start.trigger,
            started: now,
            ..Self::default()
        }
    }

    pub(super) fn end(&mut self, outcome: Outcome, now: Moment) {
        self.state = outcome.state();
        self.ended = Some(now);
        match outcome {
            Outcome::Built(built) => {
                self.generation = Some(built.generation.id);
                self.facts = Some(built.facts);
                self.refusals = built.forced;
                self.not_kept = built.not_kept;
            }
            Outcome::Estimated(estimate) => self.estimate = Some(estimate),
            Outcome::Failed(error) => {
                self.error = Some(error.to_string());
                if let BuildError::Refused(refusals) = error {
                    self.refusals = refusals;
                }
            }
        }
    }
}
