//! Why nothing was published.

use crate::artefact::ArtefactError;
use crate::checks::Refusal;
use crate::generation::TooManyPlans;
use crate::plan::{ExpandError, PlanError};
use aqs_origin::store::StoreError;
use thiserror::Error;

/// A build came to nothing; what was served is served on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The plan, with what replaces parts of it, is wrong.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The plan asks for what can't be asked.
    #[error(transparent)]
    Expand(#[from] ExpandError),
    /// Nobody knows what can be asked for.
    #[error("the store can't tell what it holds: {0}")]
    Unknown(StoreError),
    /// A top list whose articles the plan wants could not be read.
    #[error("the top list of {project} can't be read, so its articles are not known: {reason}")]
    Tops {
        /// Whose list.
        project: String,
        /// What the store said.
        reason: String,
    },
    /// Its answers would take more memory than there is for them.
    #[error(
        "the hot set would take {bytes} bytes with this plan ({others} of them for other plans), \
         and may take {limit}; ask for less, or raise the limit"
    )]
    TooLarge {
        /// How many bytes it would take, or takes already.
        bytes: u64,
        /// How many of these are other plans'.
        others: u64,
        /// How many it may take.
        limit: u64,
    },
    /// The store has failed so often that there is no point in going on.
    #[error("given up after {partitions} partitions in a row could not be read: {last}")]
    GivenUp {
        /// How many.
        partitions: usize,
        /// What the last one said.
        last: String,
    },
    /// The checks refused it.
    #[error("refused: {}", words(.0))]
    Refused(Vec<Refusal>),
    /// More plans than a generation can tell apart.
    #[error(transparent)]
    Plans(#[from] TooManyPlans),
    /// Somebody cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// A task ended without an outcome: the program is shutting down, or has a bug.
    #[error("a task of the build ended without an outcome")]
    Lost,
}

fn words(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Nothing was rolled back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RollbackError {
    /// There is nothing older.
    #[error("there is no older generation to go back to")]
    Nothing,
    /// It is the one that is served.
    #[error("generation {0} is the one that is served")]
    Live(u64),
    /// It can't be read.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// A task ended without an outcome: the program is shutting down, or has a bug.
    #[error("the task that rolls back ended without an outcome")]
    Lost,
}
