//! How a build is asked for, and what it brought.

use crate::checks::Refusal;
use crate::generation::{Generation, PlanFacts};
use crate::plan::Overrides;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a plan is built this time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// What replaces sets of the plan. With any, the answers are added to the plan's.
    pub overrides: Overrides,
    /// Reads also what can't have changed.
    pub full: bool,
    /// Publishes whatever the checks say, which is recorded.
    pub force: bool,
}

/// A build that was published.
#[derive(Clone, Debug)]
pub struct Built {
    /// The generation.
    pub generation: Arc<Generation>,
    /// What is known of the build; the generation's own facts are of the whole plan.
    pub facts: PlanFacts,
    /// What spoke against it and was overridden.
    pub forced: Vec<Refusal>,
    /// How many bytes it took on the disk, or why it isn't there; `None` if it is kept nowhere.
    pub artefact: Option<Result<u64, String>>,
}

/// An older content that was published again.
#[derive(Clone, Debug)]
pub struct RolledBack {
    /// The generation.
    pub generation: Arc<Generation>,
    /// How many bytes it took on the disk, or why it isn't there; `None` if it is kept nowhere.
    pub artefact: Option<Result<u64, String>>,
}

/// What a look at the published generation found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Its number.
    pub generation: u64,
    /// Whether its answers still have the sum that they had when it was made.
    pub intact: bool,
    /// Whether its file is the same, if it is kept.
    pub artefact: Option<Result<(), String>>,
    /// How many answers were to be compared with direct ones.
    pub asked: usize,
    /// How many were.
    pub compared: usize,
    /// What differed.
    pub differs: Vec<String>,
    /// Why some could not be compared, if so.
    pub unanswered: Option<String>,
}

impl Verified {
    /// Whether all is well: nothing is wrong, and something could be compared if it was wanted.
    pub fn is_well(&self) -> bool {
        let compared = self.asked == 0 || self.compared > 0;
        compared && self.intact && self.differs.is_empty() && !matches!(self.artefact, Some(Err(_)))
    }
}
