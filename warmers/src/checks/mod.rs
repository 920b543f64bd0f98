//! Checks before publication: a new generation must be no worse than the one that is served.

mod sample;

pub(crate) use sample::compare;

use crate::generation::{PlanFacts, Whole};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What is asked of a build before its answers are served.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Which part of what the plan wants must be held.
    pub completeness: f64,
    /// Which part of what the plan wants may have failed to be read.
    pub errors: f64,
    /// By which part the plan may have fewer answers than before.
    pub fewer_keys: f64,
    /// By which part they may take fewer bytes than before.
    pub fewer_bytes: f64,
    /// How many answers are compared with direct ones.
    pub sample: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { completeness: 0.99, errors: 0.01, fewer_keys: 0.1, fewer_bytes: 0.3, sample: 20 }
    }
}

/// Why a generation is not published.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing at all.
    #[error("the plan wants no answer, since nothing is loaded of what it is about{}", of(.0))]
    Empty(Vec<String>),
    /// Too much is missing.
    #[error("{held} of {wanted} answers are there, and {least} must be")]
    Incomplete {
        /// How many there are.
        held: u64,
        /// How many are wanted.
        wanted: u64,
        /// How many there must be.
        least: u64,
    },
    /// Too many reads failed.
    #[error("{errors} of {wanted} answers could not be read, and {most} at most may fail: {last}")]
    Errors {
        /// How many failed.
        errors: u64,
        /// How many are wanted.
        wanted: u64,
        /// How many may fail.
        most: u64,
        /// What one of them said.
        last: String,
    },
    /// Fewer answers than before.
    #[error("the plan has {now} answers, {before} before, and {least} must stay")]
    FewerKeys {
        /// How many there are.
        now: u64,
        /// How many there were.
        before: u64,
        /// How many there must be.
        least: u64,
    },
    /// Fewer bytes than before.
    #[error("the plan's answers take {now} bytes, {before} before, and {least} must stay")]
    FewerBytes {
        /// How many there are.
        now: u64,
        /// How many there were.
        before: u64,
        /// How many there must be.
        least: u64,
    },
    /// The store has lost data.
    #[error("the store has data of {dataset} through {now}, and had them through {before} before")]
    OlderData {
        /// Of which dataset.
        dataset: String,
        /// Through which period.
        now: String,
        /// Through which period before; `nothing` if it is gone.
        before: String,
    },
    /// An answer is not what a direct read_plan brings.
    #[error("{path} is answered otherwise when the store is asked directly")]
    Differs {
        /// Which.
        path: String,
    },
    /// No direct read_plan was answered.
    #[error("none of {asked} answers could be compared with a direct one: {reason}")]
    Unverified {
        /// How many were asked.
        asked: usize,
        /// What the last one said.
        reason: String,
    },
}

/// The names of the checks.
pub(crate) const NAMES: [&str; 7] =
    ["empty", "completeness", "errors", "keys", "bytes", "data-through", "sample"];

impl Refusal {
    /// The name of the check, in metrics.
    pub fn check(&self) -> &'static str {
        match self {
            Self::Empty(_) => "empty",
            Self::Incomplete { .. } => "completeness",
            Self::Errors { .. } => "errors",
            Self::FewerKeys { .. } => "keys",
            Self::FewerBytes { .. } => "bytes",
            Self::OlderData { .. } => "data-through",
            Self::Differs { .. } | Self::Unverified { .. } => "sample",
        }
    }
}

fn of(datasets: &[String]) -> String {
    if datasets.is_empty() { String::new() } else { format!(" ({})", datasets.join(", ")) }
}

/// What is checked.
pub(crate) struct Candidate<'a> {
    /// What is known of the plan's build.
    pub(crate) facts: &'a PlanFacts,
    /// How many bytes its answers take.
    pub(crate) bytes: u64,
    /// The datasets that it is about and of which nothing is loaded.
    pub(crate) unloaded: Vec<String>,
    /// What a failed read said.
    pub(crate) last_error: Option<String>,
    /// The same plan in the generation that is served; `None` if only a part was built, too.
    pub(crate) before: Option<Before<'a>>,
}

/// A plan as it is served.
pub(crate) struct Before<'a> {
    /// What is known of it.
    pub(crate) facts: &'a PlanFacts,
    /// What it held when it was last built as a whole.
    pub(crate) whole: Whole,
}

/// Everything that speaks against a candidate, but for the sample.
pub(crate) fn check(candidate: &Candidate<'_>, thresholds: &Thresholds) -> Vec<Refusal> {
    let Candidate { facts, bytes, unloaded, last_error, before } = candidate;
    let (held, wanted, errors) = (facts.keys, facts.wanted, facts.errors);
    let mut refusals = Vec::new();
    if wanted == 0 {
        refusals.push(Refusal::Empty(unloaded.clone()));
    }
    let least = part(wanted, thresholds.completeness).ceil() as u64;
    if held < least {
        refusals.push(Refusal::Incomplete { held, wanted, least });
    }
    let most = part(wanted, thresholds.errors).floor() as u64;
    if errors > most {
        let last = last_error.clone().unwrap_or_default();
        refusals.push(Refusal::Errors { errors, wanted, most, last });
    }
    let Some(Before { facts: old, whole }) = before else { return refusals };
    // A plan that is written otherwise now may well want less.
    let same_plan = old.definition == facts.definition;
    let least = part(whole.keys, 1.0 - thresholds.fewer_keys).ceil() as u64;
    if same_plan && held < least {
        refusals.push(Refusal::FewerKeys { now: held, before: whole.keys, least });
    }
    let least = part(whole.bytes, 1.0 - thresholds.fewer_bytes).ceil() as u64;
    if same_plan && *bytes < least {
        refusals.push(Refusal::FewerBytes { now: *bytes, before: whole.bytes, least });
    }
    for (dataset, before) in &old.data_through {
        let now = facts.data_through.get(dataset);
        // A dataset that the plan does not ask of any more is missed by its answers, above.
        let gone = now.is_none() && unloaded.contains(dataset);
        if gone || now.is_some_and(|now| now < before) {
            let now = now.map_or("nothing", String::as_str).to_owned();
            let (dataset, before) = (dataset.clone(), before.clone());
            refusals.push(Refusal::OlderData { dataset, now, before });
        }
    }
    refusals
}

/// Exact for whole numbers below 2^53, which no count here reaches.
fn part(of: u64, share: f64) -> f64 {
    let part = of as f64 * share.clamp(0.0, 1.0);
    // So that 0.9 of 10 is 9, and not a hair more.
    (part * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests;
