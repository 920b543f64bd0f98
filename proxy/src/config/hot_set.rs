//! What is built ahead: plans, how old they may be, how builds treat the store.

use super::error::ConfigError;
use super::key::{Described, Kind, keys};
use super::tree::Memory;
use super::units::{Count, Span};
use crate::nearest::nearest;
use crate::server::HotSetSettings;
use aqs_api::Catalogue;
use aqs_warmers::build::Settings;
use aqs_warmers::checks::Thresholds;
use aqs_warmers::plan::{Plan, PlanError, built_in};

impl Described for Plan {
    fn kind() -> Kind {
        Kind::Value(
            "plans, as {name: mine, every: 6h, items: [{endpoint: pageviews/top, values: \
             {project: [de.wikipedia], access: all}, windows: [newest 7 days]}]}"
                .to_owned(),
        )
    }
}

keys! {
    /// Which answers are built before anybody asks, and how.
    pub struct HotSet {
        /// Whether any are.
        enabled: bool = true,
        /// Which of the plans that every server has are built.
        built_in: Vec<String> = names(),
        /// The projects that these are about.
        projects: Vec<String> =
            built_in::PROJECTS.iter().map(|project| (*project).to_owned()).collect(),
        /// Further plans; OPERATING.md tells how they are written. One of the same name takes the
        /// place of one that every server has.
        plans: Vec<Plan> = Vec::new(),
        /// How long ago an answer may have been read or found unchanged before it is stale: it is
        /// served on while it is read again.
        max_age: Span = Span(HotSetSettings::default().max_age),
        /// Whether a hot set from the disk makes aqs ready while the store can't tell what it
        /// holds. Whatever is not in it answers 503 meanwhile.
        ready_alone: bool = HotSetSettings::default().ready_alone,
        /// How much memory it may take, of that which answers may take.
        #[unset("a quarter of memory")]
        memory: Option<Memory> = None,
        /// How many older generations stay on the disk, to go back to.
        keep: Count<0, 1_000> = Count::known(HotSetSettings::default().keep),
        /// How many reads of all builds are under way at once. Reads for clients go first.
        concurrency: Count<1, 4_096> = Count::known(Settings::default().concurrency),
        /// How many reads of all builds begin in a second.
        rate: Count<1, 1_000_000> = Count::known(Settings::default().rate as usize),
        /// How long a read may take, waiting for its turn included.
        within: Span = Span(Settings::default().within),
        /// How often a read is tried.
        attempts: Count<1, 100> = Count::known(Settings::default().attempts as usize),
        /// What is asked of a build before it is published.
        checks: Checks = Checks::default(),
    }
}

keys! {
    /// What is asked of a build before it is published.
    pub struct Checks {
        /// How many percent of the answers that a plan wants must be there.
        complete: Count<0, 100> = percent(Thresholds::default().completeness),
        /// How many percent of them may have failed to be read.
        errors: Count<0, 100> = percent(Thresholds::default().errors),
        /// By how many percent a plan may have fewer answers than before.
        fewer_answers: Count<0, 100> = percent(Thresholds::default().fewer_keys),
        /// By how many percent its answers may take fewer bytes than before.
        fewer_bytes: Count<0, 100> = percent(Thresholds::default().fewer_bytes),
        /// How many of the answers are compared with direct ones, byte by byte.
        sample: Count<0, 10_000> = Count::known(Thresholds::default().sample),
    }
}

/// The names of the plans that every server has.
fn names() -> Vec<String> {
    built_in::all(&[]).into_iter().map(|plan| plan.name).collect()
}

const fn percent<const LEAST: u64, const MOST: u64>(part: f64) -> Count<LEAST, MOST> {
    Count::known((part * 100.0 + 0.5) as usize)
}

fn part<const LEAST: u64, const MOST: u64>(percent: Count<LEAST, MOST>) -> f64 {
    percent.get() as f64 / 100.0
}

impl HotSet {
    /// What the server is built to.
    pub(super) fn settings(&self) -> HotSetSettings {
        HotSetSettings {
            plans: self.all_plans(),
            max_age: self.max_age.0,
            ready_alone: self.ready_alone,
            keep: self.keep.length(),
            builds: Settings {
                concurrency: self.concurrency.length(),
                rate: u32::try_from(self.rate.get()).unwrap_or(u32::MAX),
                within: self.within.0,
                attempts: u32::try_from(self.attempts.get()).unwrap_or(u32::MAX),
                memory: self.memory.map_or(0, Memory::bytes),
                thresholds: Thresholds {
                    completeness: part(self.checks.complete),
                    errors: part(self.checks.errors),
                    fewer_keys: part(self.checks.fewer_answers),
                    fewer_bytes: part(self.checks.fewer_bytes),
                    sample: self.checks.sample.length(),
                },
                ..Settings::default()
            },
        }
    }

    /// The plans that are built, the operator's in place of ours of the same name.
    fn all_plans(&self) -> Vec<Plan> {
        if !self.enabled {
            return Vec::new();
        }
        let own = |name: &str| self.plans.iter().any(|plan| plan.name == name);
        let ours = built_in::all(&self.projects).into_iter();
        let ours = ours.filter(|plan| self.built_in.contains(&plan.name) && !own(&plan.name));
        ours.chain(self.plans.iter().cloned()).collect()
    }
}

/// Whether the plans can be built.
pub(super) fn check(hot_set: &HotSet) -> Result<(), ConfigError> {
    let wrong = |key, message| Err(ConfigError::Contradiction { key, message });
    let known = names();
    for name in &hot_set.built_in {
        if !known.contains(name) {
            let hint = nearest(name, known.iter().map(String::as_str))
                .map(|nearest| format!("; the nearest is `{nearest}`"))
                .unwrap_or_default();
            return wrong("hot_set.built_in", format!("there is no plan `{name}`{hint}"));
        }
    }
    // A catalogue that contradicts itself ends the program elsewhere, and says so better.
    let Ok(catalogue) = Catalogue::standard() else { return Ok(()) };
    if let Err(error) = Plan::check_all(&hot_set.plans, &catalogue) {
        return wrong("hot_set.plans", error.to_string());
    }
    match Plan::check_all(&hot_set.all_plans(), &catalogue) {
        Ok(()) => Ok(()),
        Err(error @ PlanError::TooMany(_)) => wrong("hot_set.plans", error.to_string()),
        Err(error) => wrong("hot_set.projects", error.to_string()),
    }
}
