//! Jobs as the admin API shows them.

use super::Start;
use crate::build::{BuildError, Built, Estimate, Snapshot};
use crate::checks::Refusal;
use crate::generation::PlanFacts;
use aqs_origin::Moment;
use serde::{Deserialize, Serialize};
use std::fmt;

pub type JobId = u64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    #[default]
    Operator,
    Schedule,
    /// New data or a purge.
    Data,
}

impl fmt::Display for Trigger {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(text)
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

impl fmt::Display for State {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(text)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    pub id: JobId,
    #[serde(flatten)]
    pub start: Start,
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
