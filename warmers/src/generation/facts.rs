//! What is known of a plan in a generation.

use aqs_api::Representation;
use aqs_origin::{Entry, Moment};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a plan was built.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanFacts {
    /// The plan.
    pub name: String,
    /// What it was then: `Plan::fingerprint`. 0 if only a part of it was ever built.
    #[serde(default)]
    pub definition: u64,
    /// When its build began.
    pub built: Moment,
    /// How many addresses it wants.
    pub wanted: u64,
    /// How many of them are held.
    pub keys: u64,
    /// How many of those that are held say that there are no data.
    #[serde(default)]
    pub without_data: u64,
    /// How many reads the build took.
    pub reads: u64,
    /// How many answers were taken over unread, since nothing had changed.
    pub shared: u64,
    /// How many could not be read; of these the older answer is kept, if there is one.
    pub errors: u64,
    /// By dataset up to which period the store had data.
    pub data_through: BTreeMap<String, String>,
    /// The datasets that it asks of and of which nothing was loaded.
    #[serde(default)]
    pub unloaded: Vec<String>,
    /// What spoke against publishing it, if that was overridden.
    pub forced: Vec<String>,
    /// What its last build as a whole held, without the parts that were asked for since.
    #[serde(default)]
    pub whole: Option<Whole>,
}

/// What a build of a whole plan held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// How many addresses.
    pub keys: u64,
    /// How many bytes they took.
    pub bytes: u64,
}

impl PlanFacts {
    /// Which part of what is wanted is held, 0 to 1.
    pub fn completeness(&self) -> f64 {
        if self.wanted == 0 { 1.0 } else { self.keys as f64 / self.wanted as f64 }
    }
}

/// Whether an answer says that there are no data.
pub(crate) fn is_without_data(entry: &Entry) -> bool {
    match &entry.representation {
        Representation::Body(_) => false,
        Representation::Problem(problem) => problem.no_data_reason().is_some(),
    }
}
