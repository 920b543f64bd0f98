//! The values of expressions after a round of the load.

use super::load::Counts;
use super::proxy::{DAYS_END, MONTHS_END, PLAN};
use std::collections::BTreeMap;

/// The values of one expression.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// See [`crate::expressions::Expression`].
    pub(crate) place: &'static str,
    /// The label that distinguishes its series; empty if there is one series.
    pub(crate) label: &'static str,
    /// The value by label. Other series must be 0.
    pub(crate) values: BTreeMap<String, f64>,
}

fn is_hit(cache: &str) -> bool {
    ["hotset", "hotset-stale", "fresh", "stale", "stale-if-error"].contains(&cache)
}

fn is_data(cache: &str) -> bool {
    cache != "generated"
}

/// The expressions with exactly known values after a round with these counts and this duration in
/// seconds, for a server that started at `started` and is queried at `at`.
pub(crate) fn all(counts: &Counts, seconds: f64, started: f64, at: f64) -> Vec<Expected> {
    let mut all = ratios(counts);
    all.extend(rates(counts, seconds));
    all.extend(states(started, at));
    all
}

fn ratios(counts: &Counts) -> Vec<Expected> {
    let (total, data) = (counts.of(|_, _| true), counts.of(|cache, _| is_data(cache)));
    let hits = counts.of(|cache, _| is_hit(cache)) / data;
    let errors = counts.of(|_, status| status >= 500) / total;
    let caches = counts.requests.keys().map(|(cache, _)| *cache).filter(|cache| is_data(cache));
    let tiers = caches.map(|cache| (cache, counts.of(|other, _| other == cache) / data));
    vec![
        one("Hit ratio · hit ratio", hits),
        one("Hit ratio by instance · {{instance}}", hits),
        one("instance:aqs_hit_ratio:rate5m", hits),
        one(
            "Hot set hit ratio · hot set",
            counts.of(|cache, _| cache.starts_with("hotset")) / data,
        ),
        one("Store reads per request · reads", counts.reads_of(|_, _| true) / data),
        one("Error ratio · error ratio", errors),
        one("Availability (1 h) · availability", 1.0 - errors),
        one("Error ratio by instance · {{instance}}", errors),
        one("instance:aqs_error_ratio:rate5m", errors),
        one(
            "AqsStoreErrors observed",
            counts.reads_of(|_, outcome| outcome == "error") / counts.reads_of(|_, _| true),
        ),
        one("AqsServerErrors observed", errors),
        // The offset of an hour is removed.
        one("AqsHitRatioDropped observed", 1.0),
        many("Responses by cache result · {{cache}}", "cache", tiers),
    ]
}

fn rates(counts: &Counts, seconds: f64) -> Vec<Expected> {
    let requests = |holds: &dyn Fn(&str) -> bool| counts.of(|cache, _| holds(cache)) / seconds;
    let total = requests(&|_| true);
    let data = requests(&is_data);
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
        one("Requests and store reads · data requests", data),
        one("Requests and store reads · store reads", reads),
        one("Store reads saved · hot set", requests(&|cache| cache.starts_with("hotset"))),
        one("Store reads saved · cache", requests(&|cache| cache == "fresh" || cache == "stale")),
        one("Store reads saved · collapsed request", requests(&|cache| cache == "collapsed")),
        one("Store reads saved · shared read", counts.shared as f64 / seconds),
        one("Refreshes · started", counts.refreshes as f64 / seconds),
        one("Refreshes · failed", 0.0),
        many("Requests by status · {{status}}", "status", statuses),
        many("Store reads by dataset · {{dataset}}", "dataset", datasets),
        many("Store reads by outcome · {{store}} {{outcome}}", "outcome", outcomes),
        many("Responses without data · {{reason}}", "reason", [("no-data", nothing)]),
        // The hot set is built before the round only.
        many("Finished jobs · {{plan}} {{outcome}}", "outcome", []),
        many("Store reads of builds · {{plan}}", "plan", []),
        many("Store reads shed · {{store}} {{reason}}", "reason", []),
    ]
}

fn states(started: f64, at: f64) -> Vec<Expected> {
    let through = [
        ("pageviews-aggregate-daily", at - DAYS_END),
        ("pageviews-aggregate-monthly", at - MONTHS_END),
    ];
    vec![
        many("Age of the newest data · {{dataset}}", "dataset", through),
        many("AqsDailyDataLate observed", "dataset", through[..1].iter().copied()),
        many("AqsMonthlyDataLate observed", "dataset", through[1..].iter().copied()),
        one("Firing alerts · firing", 0.0),
        one("Instances up · up", 1.0),
        one("Instances down · down", 0.0),
        one("Age of the newest daily data · age", at - DAYS_END),
        one("Hot set generation · {{instance}}", 1.0),
        one("Hot set age · {{instance}}", at - started),
        many("Hot set age · {{plan}} on {{instance}}", "plan", [(PLAN, at - started)]),
        many("AqsHotSetTooOld observed", "plan", [(PLAN, at - started)]),
        many("Hot set completeness · {{plan}} on {{instance}}", "plan", [(PLAN, 1.0)]),
        one("Hot set entries · {{instance}}", 1.0),
        many("Hot set entries · {{plan}} on {{instance}}", "plan", [(PLAN, 1.0)]),
        many("Running jobs · {{plan}}", "plan", [(PLAN, 0.0)]),
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
