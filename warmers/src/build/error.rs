//! Errors of builds and rollbacks.

use crate::artefact::ArtefactError;
use crate::checks::Refusal;
use crate::generation::TooManyPlans;
use crate::plan::{ExpandError, PlanError};
use aqs_origin::store::StoreError;
use thiserror::Error;

/// A failed build. Nothing was published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Expand(#[from] ExpandError),
    #[error("failed to read what the store has loaded: {0}")]
    Coverage(StoreError),
    /// The plan takes its articles from a top list that could not be read.
    #[error("failed to read the top list of {project}, which names articles of the plan: {reason}")]
    Tops { project: String, reason: String },
    /// `others` is the share of other plans.
    #[error(
        "the hot set would take {bytes} bytes with this plan ({others} of them for other plans), \
         and may take {limit}; ask for less, or raise the limit"
    )]
    TooLarge { bytes: u64, others: u64, limit: u64 },
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
#[non_exhaustive]
pub enum RollbackError {
    #[error("there is no older generation to go back to")]
    Nothing,
    #[error("generation {0} is the one that is served")]
    Live(u64),
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// The runtime shuts down, or the task has panicked.
    #[error("the task that rolls back ended without a result")]
    Lost,
}
