//! Plans: which answers are built ahead, in terms of the catalogue.
//!
//! A plan is data, read from the configuration. Its items name an endpoint, sets of values for
//! its parameters and windows of time; the plan wants every combination. Windows are relative to
//! the loaded data and move with them.

pub mod built_in;
mod check;
mod expand;
#[cfg(test)]
mod tests;
mod text;
mod tops;

pub use check::PlanError;
pub use expand::Expansion;
pub use text::{Last, Unit, ValueSet, Window};
pub use tops::Tops;

use aqs_api::Catalogue;
use aqs_api::units::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub name: String,
    /// The interval of scheduled builds.
    #[serde(with = "Span", default = "default_interval")]
    pub every: Duration,
    /// Scheduled builds wait for those of a higher priority.
    #[serde(default)]
    pub priority: i32,
    #[serde(default)]
    pub limits: Limits,
    pub items: Vec<Item>,
}

/// Every combination of an endpoint's values and windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub endpoint: String,
    /// For each parameter except dates.
    #[serde(default)]
    pub values: BTreeMap<String, ValueSet>,
    pub windows: Vec<Window>,
}

/// Limits of a plan's build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Concurrent reads.
    pub concurrency: usize,
    /// Reads per second.
    pub rate: u32,
    /// Answers.
    pub keys: usize,
    /// Memory of the answers; 0 for the limit of the hot set.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 8, rate: 1000, keys: 500_000, bytes: 0 }
    }
}

fn default_interval() -> Duration {
    Duration::from_secs(6 * 3600)
}

impl Plan {
    /// Identifies what the plan wants. It is never 0, and the same in every process.
    pub fn fingerprint(&self) -> u64 {
        // Items that were deserialised can be serialised.
        xxh3_64(&serde_json::to_vec(&self.items).unwrap_or_default()).max(1)
    }
}

/// What replaces sets of a plan for a single build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// Replaces the projects. Items without projects are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// Replaces the windows. Items that cannot have the window are left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
}

impl Overrides {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The plan with its sets replaced. Fails if nothing of the plan is left.
    pub fn apply(&self, plan: &Plan, catalogue: &Catalogue) -> Result<Plan, PlanError> {
        let items = plan.items.iter().filter_map(|item| self.item(item, catalogue));
        let fits = |item: &Item| self.last.is_none() || item.windows_fit(catalogue);
        let items: Vec<Item> = items.filter(fits).collect();
        if items.is_empty() && !self.is_empty() {
            let message = "has nothing of those projects or that window";
            return Err(PlanError(format!("plan {:?} {message}", plan.name)));
        }
        let plan = Plan { items, ..plan.clone() };
        plan.check(catalogue)?;
        Ok(plan)
    }

    fn item(&self, item: &Item, catalogue: &Catalogue) -> Option<Item> {
        let mut item = item.clone();
        if !self.projects.is_empty() {
            let mut params = check::find(catalogue, &item.endpoint)?.params();
            let project = params.find(|param| param.role.is_project())?;
            *item.values.get_mut(project.name)? = ValueSet::List(self.projects.clone());
        }
        if let Some(Last(count, unit)) = self.last {
            let are_lists = item.windows.iter().any(|window| matches!(window, Window::Newest(..)));
            let window = if are_lists { Window::Newest } else { Window::Last };
            item.windows = vec![window(count, unit)];
        }
        Some(item)
    }
}
