//! The section `hot_set` of the configuration.

use crate::checks::Thresholds;
use crate::plan::{Plan, PlanError, built_in};
use aqs_api::Catalogue;
use aqs_api::units::{Count, Memory, Span};
use aqs_origin::suggest;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which answers are built ahead of requests, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether answers are built ahead.
    pub enabled: bool,
    /// Which built-in plans are active.
    pub built_in: Vec<String>,
    /// Projects of the built-in plans. As long as it has the default, projects of which nothing is
    /// loaded into the embedded store are replaced by those of which most is.
    pub projects: Vec<String>,
    /// Additional plans, described in OPERATING.md. A plan replaces a built-in one of the same
    /// name.
    #[schemars(schema_with = "plan_list")]
    pub plans: Vec<Plan>,
    /// Age at which an answer becomes stale, counted from when it was last read or confirmed. A
    /// stale answer is served while it is refreshed.
    #[serde(with = "Span")]
    pub max_age: Duration,
    /// Whether a hot set loaded from disk makes aqs ready before the store has reported what it
    /// holds. Until then all other requests are answered with 503.
    pub ready_alone: bool,
    /// Memory of the hot set, a part of the key memory.
    #[serde(with = "Memory")]
    #[schemars(extend("unset" = "a quarter of memory"))]
    pub memory: Option<u64>,
    /// Number of older generations kept on disk for rollback.
    #[serde(with = "Count::<0, 1_000>")]
    pub keep: usize,
    /// Concurrent reads of all builds. Reads for clients have priority.
    #[serde(with = "Count::<1, 4_096>")]
    pub concurrency: usize,
    /// Reads per second of all builds.
    #[serde(with = "Count::<1, 1_000_000>")]
    pub rate: u32,
    /// Deadline of a read, including its time in the queue.
    #[serde(with = "Span")]
    pub within: Duration,
    /// How often a read is attempted.
    #[serde(with = "Count::<1, 100>")]
    pub attempts: u32,
    /// Pause before the second attempt; it doubles with each further one.
    #[serde(skip)]
    pub backoff: Duration,
    /// Number of consecutive partitions that fail before a build gives up.
    #[serde(skip)]
    pub give_up_after: usize,
    /// Conditions that a build must meet before it is published.
    pub checks: Thresholds,
}

impl Default for Settings {
    fn default() -> Self {
        let projects = built_in::PROJECTS.iter().map(|project| (*project).to_owned());
        Self {
            enabled: true,
            built_in: built_in::NAMES.iter().map(|name| (*name).to_owned()).collect(),
            projects: projects.collect(),
            plans: Vec::new(),
            max_age: Duration::from_secs(26 * 3600),
            ready_alone: false,
            memory: None,
            keep: 3,
            concurrency: 16,
            rate: 2000,
            within: Duration::from_secs(30),
            attempts: 4,
            backoff: Duration::from_millis(250),
            give_up_after: 20,
            checks: Thresholds::default(),
        }
    }
}

impl Settings {
    /// The active plans; empty if nothing is built ahead.
    pub fn all_plans(&self, catalogue: &Catalogue) -> Vec<Plan> {
        if !self.enabled {
            return Vec::new();
        }
        let replaced = |name: &str| self.plans.iter().any(|plan| plan.name == name);
        let built_in = built_in::all(catalogue, &self.projects).into_iter();
        let active = |plan: &Plan| self.built_in.contains(&plan.name) && !replaced(&plan.name);
        built_in.filter(active).chain(self.plans.iter().cloned()).collect()
    }

    /// Checks that the plans can be built. Fails with a key of the configuration and the mistake.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), (&'static str, String)> {
        let known = built_in::NAMES;
        if let Some(name) = self.built_in.iter().find(|name| !known.contains(&name.as_str())) {
            let nearest = suggest(name, known);
            let hint = nearest.map(|nearest| format!("; the nearest is `{nearest}`"));
            let hint = hint.unwrap_or_default();
            return Err(("hot_set.built_in", format!("there is no plan `{name}`{hint}")));
        }
        let all = self.all_plans(catalogue);
        let failed = |key| move |error: PlanError| (key, error.to_string());
        Plan::check_all(&self.plans, catalogue).map_err(failed("hot_set.plans"))?;
        Plan::check_count(&all).map_err(failed("hot_set.plans"))?;
        Plan::check_all(&all, catalogue).map_err(failed("hot_set.projects"))
    }
}

fn plan_list(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": {
            "title": "plans, as {name: mine, every: 6h, items: [{endpoint: pageviews/top, values: \
                      {project: [de.wikipedia], access: all}, windows: [newest 7 days]}]}"
        }
    })
}
