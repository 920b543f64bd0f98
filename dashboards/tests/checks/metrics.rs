//! The dashboard and the rules use declared metrics, with the labels that those have. Prometheus
//! itself accepts any name.

use crate::expressions::{Expression, of_panels, of_rules, rules};
use aqs_api::Catalogue;
use aqs_api::calendar::Granularity;
use aqs_dashboards::overview;
use aqs_origin::metric_declarations::{Declarations, Declared};
use aqs_origin::metrics::CassandraMetrics;
use aqs_proxy::http::CacheResult;
use prometheus::Registry;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The labels that Prometheus adds to each scraped series.
const SCRAPE_LABELS: [&str; 2] = ["job", "instance"];

/// What an expression may select.
#[derive(Default)]
pub(crate) struct Series {
    counter: bool,
    labels: BTreeSet<String>,
}

/// All series by name: those of an instance with Cassandra, those of the recording rules, `up` and
/// `ALERTS`.
pub(crate) fn known_series() -> BTreeMap<String, Series> {
    let registry = Registry::new();
    let mut declarations = Declarations::of(&registry);
    let catalogue = Catalogue::standard().unwrap();
    aqs_proxy::metrics::Metrics::declare(&mut declarations, &catalogue, None).unwrap();
    aqs_origin::Metrics::declare(&mut declarations).unwrap();
    declarations.add(aqs_origin::metrics::embedded_tables("").unwrap()).unwrap();
    CassandraMetrics::new().unwrap().declare(&mut declarations).unwrap();
    aqs_warmers::metrics::Metrics::declare(&mut declarations).unwrap();

    let mut known = BTreeMap::new();
    let mut add = |name: String, counter: bool, labels: &[String], extra: &[&str]| {
        let own = labels.iter().map(String::as_str);
        let labels = own.chain(SCRAPE_LABELS).chain(extra.iter().copied()).map(str::to_owned);
        known.insert(name, Series { counter, labels: labels.collect() });
    };
    for Declared { name, kind, labels, .. } in declarations.declared {
        match kind {
            "histogram" => {
                add(format!("{name}_bucket"), true, &labels, &["le"]);
                add(format!("{name}_sum"), true, &labels, &[]);
                add(format!("{name}_count"), true, &labels, &[]);
            }
            kind => add(name, kind == "counter", &labels, &[]),
        }
    }
    let recorded = rules().recordings.into_iter().map(|rule| rule.name);
    for name in recorded.chain(["up".to_owned()]) {
        add(name, false, &[], &[]);
    }
    add("ALERTS".to_owned(), false, &[], &["alertname", "alertstate"]);
    known
}

/// A metric is a name with matchers or a range, or a bare name with one of our prefixes.
static SELECTOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b([A-Za-z_][\w:]*)(?:\{([^}]*)\}|\[)|\b((?:instance:|aqs_|process_)[\w:]+|up\b)")
        .unwrap()
});
static MATCHER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(\w+)(?:=|!=|=~|!~)"([^"]*)""#).unwrap());
static GROUPING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(?:by|on|ignoring|group_left) \(([^)]*)\)").unwrap());

/// The metrics in an expression, each with its label matchers.
fn selectors(expr: &str) -> Vec<(String, Vec<(String, String)>)> {
    let selectors = SELECTOR.captures_iter(expr).map(|found| {
        let name = found.get(1).or(found.get(3)).unwrap().as_str().to_owned();
        let list = found.get(2).map_or("", |list| list.as_str());
        let matchers = MATCHER.captures_iter(list);
        (name, matchers.map(|found| (found[1].to_owned(), found[2].to_owned())).collect())
    });
    selectors.collect()
}

/// The labels that an expression groups or joins by.
fn grouping_labels(expr: &str) -> BTreeSet<String> {
    let labels = GROUPING.captures_iter(expr).flat_map(|found| {
        found[1].split(',').map(|label| label.trim().to_owned()).collect::<Vec<_>>()
    });
    labels.filter(|label| !label.is_empty()).collect()
}

/// The labels of all series that an expression selects.
fn labels_of(expr: &str, known: &BTreeMap<String, Series>) -> BTreeSet<String> {
    let selected = selectors(expr).into_iter().filter_map(|(metric, _)| known.get(&metric));
    selected.flat_map(|series| series.labels.iter().cloned()).collect()
}

fn all_expressions() -> impl Iterator<Item = Expression> {
    of_panels().into_iter().chain(of_rules())
}

#[test]
fn expressions_use_declared_metrics_and_labels() {
    let known = known_series();
    let rate = Regex::new(r"\b(?:rate|increase)\(([\w:]+)").unwrap();
    for Expression { place, expr } in all_expressions() {
        let selectors = selectors(&expr);
        assert!(!selectors.is_empty(), "{place} selects nothing: {expr}");
        for (metric, matchers) in selectors {
            let series = known.get(&metric);
            let series = series.unwrap_or_else(|| panic!("{place}: no metric {metric}: {expr}"));
            for (label, _) in &matchers {
                assert!(series.labels.contains(label), "{place}: {metric} has no {label}: {expr}");
            }
        }
        for found in rate.captures_iter(&expr) {
            let counter = known.get(&found[1]).is_some_and(|series| series.counter);
            assert!(counter, "{place}: {} is not a counter: {expr}", &found[1]);
        }
        let labels = labels_of(&expr, &known);
        for label in grouping_labels(&expr) {
            assert!(labels.contains(&label), "{place}: no series has the label {label}: {expr}");
        }
    }
}

#[test]
fn expressions_use_existing_cache_results() {
    let results = CacheResult::ALL.map(CacheResult::label);
    let mut checked = 0;
    for Expression { place, expr } in all_expressions() {
        let matchers = selectors(&expr).into_iter().flat_map(|(_, matchers)| matchers);
        for (_, values) in matchers.filter(|(label, _)| label == "cache") {
            for value in values.split('|') {
                assert!(results.contains(&value), "{place}: no cache result {value:?}: {expr}");
                checked += 1;
            }
        }
    }
    assert!(checked > 0);
}

#[test]
fn alerts_for_late_data_watch_every_dataset() {
    let matcher = Regex::new(r#"\bdataset(=~|!~)"([^"]*)""#).unwrap();
    let watches = |expr: &str, name: &str| {
        expr.contains("aqs_data_through_timestamp_seconds")
            && matcher.captures_iter(expr).all(|found| {
                // Prometheus anchors both ends.
                let regex = Regex::new(&format!("^(?:{})$", &found[2])).unwrap();
                regex.is_match(name) == (&found[1] == "=~")
            })
    };
    let alerts = rules().alerts;
    for dataset in Catalogue::standard().unwrap().datasets() {
        let watching = alerts.iter().filter(|alert| watches(&alert.expr, dataset.name));
        let watching: Vec<&str> = watching.map(|alert| alert.name.as_str()).collect();
        let expected: &[&str] = match dataset.granularity {
            _ if dataset.ended => &[],
            Granularity::Hourly | Granularity::Daily => &["AqsDailyDataLate"],
            Granularity::Monthly => &["AqsMonthlyDataLate"],
        };
        assert_eq!(watching, expected, "{}", dataset.name);
    }
}

#[test]
fn legends_use_labels_of_their_series() {
    let known = known_series();
    let label = Regex::new(r"\{\{(\w+)\}\}").unwrap();
    for target in overview::rows()
        .unwrap()
        .iter()
        .flat_map(|row| &row.panels)
        .flat_map(|panel| &panel.targets)
    {
        let mut labels = grouping_labels(&target.expr);
        // Without grouping, a series keeps all its labels.
        if labels.is_empty() {
            labels = labels_of(&target.expr, &known);
        }
        for found in label.captures_iter(&target.legend) {
            assert!(labels.contains(&found[1]), "{target:?}");
        }
    }
}

#[test]
fn names_are_found_in_expressions() {
    let expr = r#"sum by (job, le) (rate(a_total{$selected,x=~"p|q",y!="z"}[5m])) / ignoring (cache) group_left () (instance:b:rate5m and on (instance) up offset 1h - c[5m]) > 0.5e3"#;
    let own = |texts: &[(&str, &str)]| {
        let texts = texts.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned()));
        texts.collect::<Vec<_>>()
    };
    let expected = [
        ("a_total".to_owned(), own(&[("x", "p|q"), ("y", "z")])),
        ("instance:b:rate5m".to_owned(), own(&[])),
        ("up".to_owned(), own(&[])),
        ("c".to_owned(), own(&[])),
    ];
    assert_eq!(selectors(expr), expected);
    let labels = ["cache", "instance", "job", "le"].map(str::to_owned);
    assert_eq!(grouping_labels(expr), BTreeSet::from(labels));
}
