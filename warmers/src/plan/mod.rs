//! Plans: which answers are built ahead, in the terms of the catalogue.
//!
//! A plan is data: it is read from the configuration and can be printed. Its items name an
//! endpoint, sets of values for its parameters and windows of time; every combination is an
//! answer that is wanted. Windows are relative to what is loaded, so what a plan wants moves on
//! with the data.

mod address;
pub mod built_in;
mod check;
mod error;
mod expand;
mod newest;
mod overrides;
mod span;
#[cfg(test)]
mod tests;
mod tops;
mod values;
mod window;

pub use error::{Mistake, PlanError};
pub use expand::{ExpandError, Expansion};
pub use newest::{BadNewest, Newest};
pub use overrides::{BadLast, Last, Overrides};
pub use span::Every;
pub use tops::Tops;
pub use values::ValueSet;
pub use window::{Unit, Window};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

/// What is built ahead, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its name, for operators.
    pub name: String,
    /// How long after a build the next one begins, unless data come before.
    #[serde(default)]
    pub every: Every,
    /// While a plan with a higher one is built, this one waits, unless somebody asks for it.
    #[serde(default)]
    pub priority: i32,
    /// How much it may take.
    #[serde(default)]
    pub limits: Limits,
    /// What it wants.
    pub items: Vec<Item>,
}

/// Every combination of some values of an endpoint's parameters and some windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The endpoint, by its name.
    pub endpoint: String,
    /// For each parameter but the dates the values that are wanted.
    #[serde(default)]
    pub values: BTreeMap<String, ValueSet>,
    /// For which times.
    pub windows: Vec<Window>,
}

/// How much a plan's build may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Reads at once.
    pub concurrency: usize,
    /// Reads begun in a second.
    pub rate: u32,
    /// Answers.
    pub keys: usize,
    /// Bytes that its answers take in memory; 0 for no limit but the hot set's own.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 8, rate: 1000, keys: 500_000, bytes: 0 }
    }
}

impl Plan {
    /// How long after a build the next one begins.
    pub fn interval(&self) -> Duration {
        self.every.0
    }

    /// A number that is another if what the plan wants is; never 0, and the same in every process.
    pub fn fingerprint(&self) -> u64 {
        // What was read from a text can be written as one.
        xxh3_64(&serde_json::to_vec(&self.items).unwrap_or_default()).max(1)
    }
}
