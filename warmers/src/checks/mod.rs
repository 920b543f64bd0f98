//! Checks before publication: a new generation must not be worse than the live one.

use crate::generation::PlanFacts;
use aqs_api::units::{Count, Percent};
use aqs_api::{Query, Representation};
use aqs_origin::epochs::Validity;
use aqs_origin::{Entry, Origin, Priority, RequestContext};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};
use thiserror::Error;

/// The bounds of the checks. Parts are 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Percentage of a plan's answers that must be present.
    #[serde(rename = "complete", with = "Percent")]
    pub completeness: f64,
    /// Percentage of a plan's answers whose read may have failed.
    #[serde(with = "Percent")]
    pub errors: f64,
    /// By how many percent the number of a plan's answers may shrink.
    #[serde(rename = "fewer_answers", with = "Percent")]
    pub fewer_keys: f64,
    /// By how many percent the size of a plan's answers may shrink.
    #[serde(with = "Percent")]
    pub fewer_bytes: f64,
    /// How many answers are compared byte by byte with directly read ones.
    #[serde(with = "Count::<0, 10_000>")]
    pub sample: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { completeness: 0.99, errors: 0.01, fewer_keys: 0.1, fewer_bytes: 0.3, sample: 20 }
    }
}

pub(crate) const NAMES: [&str; 7] =
    ["empty", "completeness", "errors", "keys", "bytes", "data-through", "sample"];

#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
#[error("{reason}")]
pub struct Refusal {
    pub check: String,
    pub reason: String,
}

/// Runs all checks except the sample. `before` is the live plan; `None` if there is none, or only
/// a part of the plan was built.
pub(crate) fn check(
    facts: &PlanFacts,
    before: Option<&PlanFacts>,
    last_error: &str,
    thresholds: &Thresholds,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut refuse =
        |check: &str, reason| refusals.push(Refusal { check: check.to_owned(), reason });
    let PlanFacts { keys, wanted, errors, unloaded, .. } = facts;
    if *wanted == 0 {
        let unloaded = match unloaded.as_slice() {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        };
        let reason = format!("the plan wants no answer: none of its datasets is loaded{unloaded}");
        refuse("empty", reason);
    }
    let least = least_of(*wanted, thresholds.completeness);
    if *keys < least {
        let reason = format!("{keys} of {wanted} answers are there, and {least} must be");
        refuse("completeness", reason);
    }
    let most = part(*wanted, thresholds.errors).floor() as u64;
    if *errors > most {
        let reason = format!(
            "{errors} of {wanted} answers could not be read, and {most} at most may fail: \
             {last_error}"
        );
        refuse("errors", reason);
    }
    let Some(before) = before else { return refusals };
    // A plan that was changed may well want less.
    if let (Some(old), Some(new)) = (before.full_build, facts.full_build)
        && before.definition == facts.definition
    {
        for (check, what, old, new, loss) in [
            ("keys", "answers", old.keys, new.keys, thresholds.fewer_keys),
            ("bytes", "bytes", old.bytes, new.bytes, thresholds.fewer_bytes),
        ] {
            let least = least_of(old, 1.0 - loss);
            if new < least {
                let reason = format!("the plan has {new} {what}, {old} before; {least} must stay");
                refuse(check, reason);
            }
        }
    }
    for (dataset, old) in &before.data_through {
        let new = facts.data_through.get(dataset);
        // The answers of a dataset that the plan no longer wants are counted above.
        let is_lost = new.is_none() && unloaded.contains(dataset);
        if is_lost || new.is_some_and(|new| new < old) {
            let new = new.map_or("nothing", String::as_str);
            let reason = format!("{dataset} is loaded through {new}, and was through {old} before");
            refuse("data-through", reason);
        }
    }
    refusals
}

fn least_of(of: u64, share: f64) -> u64 {
    part(of, share).ceil() as u64
}

/// Rounded, so that 0.9 of 10 is exactly 9. Counts stay far below 2^53.
fn part(of: u64, share: f64) -> f64 {
    (of as f64 * share.clamp(0.0, 1.0) * 1e6).round() / 1e6
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) sampled: usize,
    pub(crate) compared: usize,
    pub(crate) differences: Vec<String>,
    /// Why some could not be compared.
    pub(crate) last_error: Option<String>,
}

/// Reads answers from the store again and compares them byte by byte.
///
/// A purge excuses a difference. The purge of a load may come after its first rows are visible,
/// so the coverage is refreshed before a difference counts.
pub(crate) async fn compare(
    origin: &Arc<Origin>,
    sample: Vec<(Query, Arc<Entry>)>,
    within: Duration,
) -> Comparison {
    let mut comparison = Comparison { sampled: sample.len(), ..Comparison::default() };
    for (query, entry) in sample {
        let ctx = RequestContext::new(Instant::now() + within, Priority::Warm, "hot-set-sample");
        let direct = match origin.answer(&query, &ctx).await {
            Ok(direct) => direct,
            Err(failure) => {
                comparison.last_error = Some(failure.error.to_string());
                continue;
            }
        };
        if !is_same(&direct.representation, &entry.representation) {
            // If the store fails here, the epochs are what they were.
            let _ = origin.refresh_coverage().await;
            if origin.epochs.validity(entry.epoch, &entry.tags) == Validity::Valid {
                let path = query.key().path();
                comparison.differences.push(format!("{path} differs from what the store answers"));
            }
        }
        comparison.compared += 1;
    }
    comparison
}

impl Comparison {
    pub(crate) fn refusals(self) -> Vec<Refusal> {
        let Self { sampled, compared, differences: mut reasons, last_error } = self;
        if let (Some(error), 0) = (last_error, compared) {
            reasons.push(format!("none of {sampled} answers could be compared: {error}"));
        }
        let refusal = |reason| Refusal { check: "sample".to_owned(), reason };
        reasons.into_iter().map(refusal).collect()
    }
}

fn is_same(one: &Representation, other: &Representation) -> bool {
    match (one, other) {
        (Representation::Body(one), Representation::Body(other)) => one.identity == other.identity,
        (Representation::NoData(one), Representation::NoData(other)) => one.reason == other.reason,
        (Representation::Body(_), Representation::NoData(_))
        | (Representation::NoData(_), Representation::Body(_)) => false,
    }
}

#[cfg(test)]
mod tests;
