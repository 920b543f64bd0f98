//! A real Prometheus scrapes an aqs server under a load whose counts are known, and evaluates every
//! expression of the dashboard and of the rules.
//!
//! Rates are exact here: the range starts just before one scrape and ends at another, so Prometheus
//! does not extrapolate, and every kind of request happens once before the range starts, so every
//! series exists.

mod expected;
mod load;
mod prometheus;
mod proxy;

use crate::expressions::{Expression, Rule, of_panels, of_rules, rules};
use aqs_dashboards::overview::{HOUR, RATE_INTERVAL, SELECTED};
use expected::Expected;
use load::Counts;
use prometheus::{Prometheus, Sample};
use proxy::Proxy;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The environment variable with the path of the program `prometheus`.
const PROGRAM: &str = "AQS_TEST_PROMETHEUS";

/// The relative error that values may have, since Prometheus computes in floating point.
const TOLERANCE: f64 = 1e-9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Prometheus; .ci/prometheus runs it"]
async fn expressions_have_the_values_that_the_load_implies() {
    let program = std::env::var_os(PROGRAM).map(PathBuf::from);
    let program = program.unwrap_or_else(|| panic!("{PROGRAM} must name the program"));
    let proxy = Proxy::start().await;
    let prometheus = Prometheus::start(&program, proxy.server.admin_addresses[0]).await;
    let build_reads = reads_of_the_hot_set_build(&prometheus).await;
    // Series of failed reads must exist before the first failure, or rates would miss it.
    let datasets = proxy.server.components.origin.catalogue().datasets().len();
    let failed = prometheus.one(r#"count(aqs_store_reads_total{outcome="error"} == 0)"#).await;
    assert_eq!(failed, datasets as f64, "series of failed reads");

    let first = load::round(&proxy, 0).await;
    let begin = scraped(&prometheus, &first, 1.0, build_reads).await;
    let second = load::round(&proxy, 1).await;
    let end = scraped(&prometheus, &second, 2.0, build_reads).await;
    assert_eq!(first.requests, second.requests, "both rounds have the same requests");

    let mut wrong = Vec::new();
    for rule in prometheus.rules().await {
        if rule["health"] != "ok" {
            wrong.push(format!("{}: {}", rule["name"], rule["lastError"]));
        }
    }
    let recordings = rules().recordings;
    for rule in &recordings {
        prometheus.until(&format!("count({})", rule.name), 1.0).await;
    }
    // Timestamps of Prometheus are whole milliseconds; rounding undoes the error of the division.
    let milliseconds = ((end - begin) * 1000.0).round();
    let range = format!("{}ms", milliseconds + 1.0);
    let expected = expected::all(&second, milliseconds / 1000.0, proxy.started, end);
    let mut expected: BTreeMap<&str, Expected> =
        expected.into_iter().map(|one| (one.place, one)).collect();
    let alerts: Vec<String> = rules().alerts.into_iter().map(|alert| alert.name).collect();

    let panels = of_panels().into_iter().map(|panel| panel_query(panel, &range));
    let rules = of_rules().into_iter().map(|rule| rule_query(rule, &recordings, &range));
    for Expression { place, expr } in panels.chain(rules) {
        // The test has no Cassandra, and alerts fire only on problems.
        let may_be_empty = expr.contains("aqs_cassandra_")
            || expr.contains("aqs_embedded_")
            || alerts.contains(&place);
        let expected = expected.remove(place.as_str());
        match prometheus.query(&expr, Some(end)).await {
            Err(error) => wrong.push(format!("{place}: {error}: {expr}")),
            Ok(samples) => {
                let finite = samples.iter().any(|sample| sample.value.is_finite());
                if !may_be_empty && !finite {
                    wrong.push(format!("{place}: no value: {samples:?}: {expr}"));
                }
                if let Some(expected) = expected {
                    let differences = differences(&expected, &samples).into_iter();
                    wrong.extend(differences.map(|what| format!("{place}: {what}: {expr}")));
                }
            }
        }
    }
    wrong.extend(expected.keys().map(|place| format!("there is no expression {place:?}")));
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    drop(prometheus);
    assert!(proxy.server.drain().await);
}

/// Waits for the first scrape and returns the store reads of the hot set build.
async fn reads_of_the_hot_set_build(prometheus: &Prometheus) -> f64 {
    prometheus.until("up", 1.0).await;
    prometheus.one("sum(aqs_store_reads_total)").await
}

/// Waits until Prometheus has scraped the counts of `rounds` rounds; returns the time of the scrape
/// in seconds since 1970.
async fn scraped(prometheus: &Prometheus, counts: &Counts, rounds: f64, build_reads: f64) -> f64 {
    let (requests, reads) = (counts.of(|_, _| true), counts.reads_of(|_, _| true));
    prometheus.until("sum(aqs_requests_total)", requests * rounds).await;
    prometheus.until("sum(aqs_store_reads_total)", build_reads + reads * rounds).await;
    prometheus.one("timestamp(aqs_build_info)").await
}

/// A panel's expression as Grafana sends it.
fn panel_query(panel: Expression, range: &str) -> Expression {
    let selected = r#"job=~"aqs",instance=~"127.0.0.1:[0-9]+""#;
    let expr = panel.expr.replace(SELECTED, selected).replace(RATE_INTERVAL, range);
    let expr = expr.replace(&format!("[{HOUR}]"), &format!("[{range}]"));
    Expression { expr, ..panel }
}

/// A rule's expression over the range of the load: recorded series are replaced with their
/// expressions, and an hour ago is now.
fn rule_query(rule: Expression, recordings: &[Rule], range: &str) -> Expression {
    let mut expr = rule.expr.replace(" offset 1h", "");
    for Rule { name, expr: recorded, .. } in recordings {
        expr = expr.replace(name, &format!("({recorded})"));
    }
    let range = format!("[{range}]");
    Expression { expr: expr.replace("[5m]", &range).replace("[1h]", &range), ..rule }
}

/// Describes how the samples differ from the expected values.
fn differences(expected: &Expected, samples: &[Sample]) -> Vec<String> {
    let mut missing = expected.values.clone();
    let mut wrong = Vec::new();
    for Sample { labels, value } in samples {
        let name = match expected.label {
            "" => "",
            label => labels.get(label).and_then(|name| name.as_str()).unwrap_or_default(),
        };
        let exact = missing.remove(name).unwrap_or(0.0);
        if (value - exact).abs() > TOLERANCE * exact.abs() {
            wrong.push(format!("{value} instead of {exact} {name}"));
        }
    }
    wrong.extend(missing.iter().map(|(name, exact)| format!("no value instead of {exact} {name}")));
    wrong
}
