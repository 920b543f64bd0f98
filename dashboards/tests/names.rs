//! Whatever the dashboard and the rules name is counted somewhere, with those labels.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

use aqs_api::Catalogue;
use aqs_dashboards::asked::{self, Asked};
use aqs_dashboards::expression::{Selector, names};
use aqs_dashboards::overview;
use aqs_dashboards::recordings::RECORDINGS;
use aqs_origin::declare::{Declarations, Declared};
use aqs_origin::metrics::CassandraMetrics;
use aqs_proxy::serve::CacheResult;
use prometheus::Registry;
use std::collections::BTreeSet;

/// The labels that Prometheus gives whatever it reads.
const GIVEN: [&str; 2] = ["job", "instance"];

/// Everything that a house counts, over Cassandra.
fn declared() -> Vec<Declared> {
    let registry = Registry::new();
    let mut declarations = Declarations::of(&registry);
    let catalogue = Catalogue::standard().unwrap();
    aqs_proxy::metrics::Metrics::declare(&mut declarations, &catalogue, None).unwrap();
    aqs_origin::Metrics::declare(&mut declarations).unwrap();
    CassandraMetrics::new().unwrap().declare(&mut declarations).unwrap();
    aqs_warmers::metrics::Metrics::declare(&mut declarations).unwrap();
    declarations.declared
}

/// A series that may be asked for.
struct Known {
    counter: bool,
    labels: BTreeSet<String>,
}

/// What is known of a series by its name: one of a house's, one that a rule makes, or `up`.
fn known(name: &str, declared: &[Declared]) -> Option<Known> {
    let mut labels: BTreeSet<String> = GIVEN.iter().map(|label| (*label).to_owned()).collect();
    if name == "up" || RECORDINGS.iter().any(|rule| rule.record == name) {
        return Some(Known { counter: false, labels });
    }
    for Declared { name: held, kind, labels: own, .. } in declared {
        labels.extend(own.iter().cloned());
        let part = name.strip_prefix(held.as_str());
        match (*kind, part) {
            ("histogram", Some("_bucket" | "_sum" | "_count")) => {
                labels.insert("le".to_owned());
                return Some(Known { counter: true, labels });
            }
            ("counter" | "gauge", Some("")) => {
                return Some(Known { counter: *kind == "counter", labels });
            }
            _ => labels = GIVEN.iter().map(|label| (*label).to_owned()).collect(),
        }
    }
    None
}

fn everything_asked() -> Vec<Asked> {
    asked::of_panels().into_iter().chain(asked::of_rules()).collect()
}

#[test]
fn every_metric_and_label_that_is_named_is_counted_by_the_house() {
    let declared = declared();
    for Asked { place, expr, .. } in everything_asked() {
        let named = names(&expr);
        assert!(!named.selectors.is_empty(), "{place} asks for nothing: {expr}");
        let mut labels = BTreeSet::new();
        for Selector { metric, matchers, function } in named.selectors {
            let known = known(&metric, &declared);
            let known = known.unwrap_or_else(|| panic!("{place}: nobody counts {metric}: {expr}"));
            for (label, _) in &matchers {
                assert!(known.labels.contains(label), "{place}: {metric} has no {label}: {expr}");
            }
            let rises = matches!(function.as_deref(), Some("rate" | "increase"));
            assert!(known.counter || !rises, "{place}: {metric} is no counter: {expr}");
            labels.extend(known.labels);
        }
        for label in &named.grouped {
            assert!(labels.contains(label), "{place}: nothing has a label {label}: {expr}");
        }
    }
}

#[test]
fn every_cache_result_that_is_named_is_one() {
    let results = CacheResult::ALL.map(CacheResult::label);
    let mut checked = 0;
    for Asked { place, expr, .. } in everything_asked() {
        let matchers = names(&expr).selectors.into_iter().flat_map(|selector| selector.matchers);
        for (_, values) in matchers.filter(|(label, _)| label == "cache") {
            for value in values.split('|') {
                assert!(results.contains(&value), "{place}: no answer is {value:?}: {expr}");
                checked += 1;
            }
        }
    }
    assert!(checked > 0);
}

#[test]
fn legends_name_labels_that_the_series_have() {
    let declared = declared();
    for panel in overview::panels() {
        for target in panel.targets {
            let named = names(target.expr);
            let mut labels: BTreeSet<String> = named.grouped.iter().cloned().collect();
            // What is not grouped keeps all that it has.
            if labels.is_empty() {
                let selectors = named.selectors.iter();
                labels.extend(
                    selectors
                        .filter_map(|one| known(&one.metric, &declared))
                        .flat_map(|one| one.labels),
                );
            }
            let legend = target.legend.split("{{").skip(1);
            for label in legend.map(|after| after.split("}}").next().unwrap()) {
                assert!(labels.contains(label), "{}: {}", panel.title, target.legend);
            }
        }
    }
}
