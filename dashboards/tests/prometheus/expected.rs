//! What the dashboard and the rules must show of a round of the script.

use crate::house::{DAYS_END, MONTHS_END, PLAN};
use crate::script::Counts;
use std::collections::BTreeMap;

/// What an expression must give.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// Where it stands, as [`aqs_dashboards::asked::Asked`] says it.
    pub(crate) place: &'static str,
    /// The label by which its series are told apart; empty if there is one.
    pub(crate) label: &'static str,
    /// The value of each. A series that is not among them must be 0.
    pub(crate) values: BTreeMap<String, f64>,
}

/// Statuses and cache results that count as what they are named for.
fn hit(cache: &str) -> bool {
    ["hotset", "hotset-stale", "fresh", "stale", "stale-if-error"].contains(&cache)
}

fn of_store(cache: &str) -> bool {
    cache != "generated"
}

/// Everything that is known exactly, for counts of one round that took so many seconds, when a
/// house started at one moment is looked at another.
pub(crate) fn all(counts: &Counts, seconds: f64, started: f64, at: f64) -> Vec<Expected> {
    let mut all = ratios(counts);
    all.extend(rates(counts, seconds));
    all.extend(states(started, at));
    all
}

fn ratios(counts: &Counts) -> Vec<Expected> {
    let (total, data) = (counts.of(|_, _| true), counts.of(|cache, _| of_store(cache)));
    let hits = counts.of(|cache, _| hit(cache)) / data;
    let errors = counts.of(|_, status| status >= 500) / total;
    let caches = counts.requests.keys().map(|(cache, _)| *cache).filter(|cache| of_store(cache));
    let tiers = caches.map(|cache| (cache, counts.of(|other, _| other == cache) / data));
    vec![
        one("Hit rate · hits", hits),
        one("Hit rate by instance · {{instance}}", hits),
        one("instance:aqs_hit_ratio:rate5m", hits),
        one("Hot set's part · hot set", counts.of(|cache, _| cache.starts_with("hotset")) / data),
        one("Store reads per request · reads", counts.reads_of(|_, _| true) / data),
        one("Errors · errors", errors),
        one("Errors by instance · {{instance}}", errors),
        one("instance:aqs_error_ratio:rate5m", errors),
        one(
            "AqsStoreErrors watches",
            counts.reads_of(|_, outcome| outcome == "error") / counts.reads_of(|_, _| true),
        ),
        one("AqsServerErrors watches", errors),
        // An hour ago is now.
        one("AqsHitRatioFell watches", 1.0),
        many("Answers by tier · {{cache}}", "cache", tiers),
    ]
}

fn rates(counts: &Counts, seconds: f64) -> Vec<Expected> {
    let requests = |holds: &dyn Fn(&str) -> bool| counts.of(|cache, _| holds(cache)) / seconds;
    let total = requests(&|_| true);
    let data = requests(&of_store);
    let reads = counts.reads_of(|_, _| true) / seconds;
    let statuses = counts.requests.keys().map(|(_, status)| *status);
    let statuses: Vec<(String, f64)> = statuses
        .map(|status| (status.to_string(), counts.of(|_, other| other == status) / seconds))
        .collect();
    let statuses = statuses.iter().map(|(status, rate)| (status.as_str(), *rate));
    let datasets = counts.reads.keys().map(|(dataset, _)| *dataset);
    let datasets =
        datasets.map(|dataset| (dataset, counts.reads_of(|other, _| other == dataset) / seconds));
    let outcomes = ["rows", "empty", "error"];
    let outcomes =
        outcomes.map(|outcome| (outcome, counts.reads_of(|_, other| other == outcome) / seconds));
    let nothing = counts.reads_of(|_, outcome| outcome == "empty") / seconds;
    vec![
        one("Requests · requests", total),
        one("instance:aqs_requests:rate5m", total),
        one("instance:aqs_data_requests:rate5m", data),
        one("instance:aqs_store_reads:rate5m", reads),
        one("Reads beside requests · requests for data", data),
        one("Reads beside requests · store reads", reads),
        one("Reads saved · hot set", requests(&|cache| cache.starts_with("hotset"))),
        one("Reads saved · cache", requests(&|cache| cache == "fresh" || cache == "stale")),
        one("Reads saved · same answer awaited", requests(&|cache| cache == "collapsed")),
        one("Reads saved · same rows awaited", counts.shared as f64 / seconds),
        one("Refreshes · begun", counts.refreshes as f64 / seconds),
        one("Refreshes · in vain", 0.0),
        many("Requests by status · {{status}}", "status", statuses),
        many("Store reads by dataset · {{dataset}}", "dataset", datasets),
        many("Store reads by outcome · {{outcome}}", "outcome", outcomes),
        many("Answers without data · {{reason}}", "reason", [("no-data", nothing)]),
        // Built before the round, and not again.
        many("Jobs that ended · {{plan}} {{outcome}}", "outcome", []),
        many("Reads of builds · {{plan}}", "plan", []),
        many("Reads shed · {{reason}}", "reason", []),
    ]
}

fn states(started: f64, at: f64) -> Vec<Expected> {
    let through = [
        ("pageviews-aggregate-daily", at - DAYS_END),
        ("pageviews-aggregate-monthly", at - MONTHS_END),
    ];
    vec![
        many("Age of the newest data · {{dataset}}", "dataset", through),
        many("AqsDailyDataLate watches", "dataset", through[..1].iter().copied()),
        many("AqsMonthlyDataLate watches", "dataset", through[1..].iter().copied()),
        one("Instances · up", 1.0),
        one("Generation · {{instance}}", 1.0),
        one("Age of the hot set · {{instance}}", at - started),
        many("Age of the hot set · {{plan}} on {{instance}}", "plan", [(PLAN, at - started)]),
        many("AqsHotSetTooOld watches", "plan", [(PLAN, at - started)]),
        many("Completeness · {{plan}} on {{instance}}", "plan", [(PLAN, 1.0)]),
        one("Answers in the hot set · {{instance}}", 1.0),
        many("Answers in the hot set · {{plan}} on {{instance}}", "plan", [(PLAN, 1.0)]),
        many("Jobs under way · {{plan}}", "plan", [(PLAN, 0.0)]),
    ]
}

fn one(place: &'static str, value: f64) -> Expected {
    many(place, "", [("", value)])
}

fn many<'a>(
    place: &'static str,
    label: &'static str,
    values: impl IntoIterator<Item = (&'a str, f64)>,
) -> Expected {
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value));
    Expected { place, label, values: values.collect() }
}
