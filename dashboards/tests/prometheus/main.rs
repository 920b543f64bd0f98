//! A real Prometheus reads a house under a load whose counts are known, and is asked everything
//! that the dashboard and the rules ask.
//!
//! `.ci/prometheus` runs it. Rates are exact here: they are asked of a window that begins a hair
//! before one read of the house and ends at another, so that Prometheus has nothing to guess, and
//! everything has happened once before the window begins, so that every series is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

mod expected;
mod house;
mod script;
mod server;

use aqs_dashboards::asked::{self, Asked};
use aqs_dashboards::expression::WINDOW;
use aqs_dashboards::recordings::RECORDINGS;
use aqs_dashboards::rule::Recording;
use expected::Expected;
use house::Stage;
use script::Counts;
use server::{Prometheus, Sample};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Set to the program by whoever has one.
const PROGRAM: &str = "AQS_TEST_PROMETHEUS";

/// How far a value may be off, by its size: Prometheus reckons in floating point.
const HAIR: f64 = 1e-9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Prometheus; .ci/prometheus has it"]
async fn every_expression_says_what_the_load_implies() {
    let program = std::env::var_os(PROGRAM).map(PathBuf::from);
    let program = program.unwrap_or_else(|| panic!("{PROGRAM} must name the program"));
    let stage = Stage::set().await;
    let prometheus = Prometheus::start(&program, stage.house.admin_addresses[0]).await;
    let built = reads_so_far(&prometheus).await;
    // Before any has failed: else the first failures would be seen in no rate.
    let datasets = stage.house.service.catalogue.datasets().len();
    let failed = prometheus.one(r#"count(aqs_store_reads_total{outcome="error"} == 0)"#).await;
    assert_eq!(failed, datasets as f64, "series of failed reads");

    let first = script::round(&stage, 0).await;
    let begin = seen(&prometheus, &first, 1.0, built).await;
    let second = script::round(&stage, 1).await;
    let end = seen(&prometheus, &second, 2.0, built).await;
    assert_eq!(first.requests, second.requests, "rounds are alike");

    let rules = prometheus.rules().await;
    for rule in RECORDINGS {
        prometheus.until(&format!("count({})", rule.record), 1.0).await;
    }
    // Moments of Prometheus are whole milliseconds, of which floating point makes a little less.
    let milliseconds = ((end - begin) * 1000.0).round();
    let window = format!("{}ms", milliseconds + 1.0);
    let known = expected::all(&second, milliseconds / 1000.0, stage.started, end);
    let mut known: BTreeMap<&str, Expected> =
        known.into_iter().map(|one| (one.place, one)).collect();

    let mut wrong = Vec::new();
    for rule in &rules {
        if rule["health"] != "ok" {
            wrong.push(format!("{}: {}", rule["name"], rule["lastError"]));
        }
    }
    let panels = asked::of_panels().into_iter().map(|asked| of_panel(asked, &window));
    let rules = asked::of_rules().into_iter().map(|asked| of_rule(asked, &window));
    for Asked { place, expr, always } in panels.chain(rules) {
        let known = known.remove(place.as_str());
        match prometheus.query(&expr, Some(end)).await {
            Err(error) => wrong.push(format!("{place}: {error}: {expr}")),
            Ok(samples) => {
                let finite = samples.iter().any(|sample| sample.value.is_finite());
                if always && !finite {
                    wrong.push(format!("{place}: nothing comes: {samples:?}: {expr}"));
                }
                if let Some(known) = known {
                    let differences = differences(&known, &samples).into_iter();
                    wrong.extend(differences.map(|what| format!("{place}: {what}: {expr}")));
                }
            }
        }
    }
    wrong.extend(known.keys().map(|place| format!("nothing is asked at {place:?}")));
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    drop(prometheus);
    assert!(stage.house.drain().await);
}

/// The reads that the hot set has cost, once Prometheus knows of the house.
async fn reads_so_far(prometheus: &Prometheus) -> f64 {
    prometheus.until("up", 1.0).await;
    prometheus.one("sum(aqs_store_reads_total)").await
}

/// Waits until Prometheus has read what so many rounds must have counted; gives the moment of that
/// read.
async fn seen(prometheus: &Prometheus, counts: &Counts, rounds: f64, built: f64) -> f64 {
    let (requests, reads) = (counts.of(|_, _| true), counts.reads_of(|_, _| true));
    prometheus.until("sum(aqs_requests_total)", requests * rounds).await;
    prometheus.until("sum(aqs_store_reads_total)", built + reads * rounds).await;
    prometheus.one("timestamp(aqs_build_info)").await
}

/// A panel's expression as Grafana would send it.
fn of_panel(asked: Asked, window: &str) -> Asked {
    let here = r#"job=~"aqs",instance=~"127.0.0.1:[0-9]+""#;
    let expr = asked.expr.replace(aqs_dashboards::expression::HERE, here);
    Asked { expr: expr.replace(WINDOW, window), ..asked }
}

/// A rule's expression, which looks back no further than the load: what is recorded is asked
/// anew, and an hour ago is now.
fn of_rule(asked: Asked, window: &str) -> Asked {
    let mut expr = asked.expr.replace(" offset 1h", "");
    for Recording { record, expr: recorded } in RECORDINGS {
        expr = expr.replace(record, &format!("({recorded})"));
    }
    let window = format!("[{window}]");
    Asked { expr: expr.replace("[5m]", &window).replace("[1h]", &window), ..asked }
}

/// What is not as it must be.
fn differences(known: &Expected, samples: &[Sample]) -> Vec<String> {
    let mut missing = known.values.clone();
    let mut wrong = Vec::new();
    for Sample { labels, value } in samples {
        let name = match known.label {
            "" => "",
            label => labels.get(label).and_then(|name| name.as_str()).unwrap_or_default(),
        };
        let must = missing.remove(name).unwrap_or(0.0);
        if (value - must).abs() > HAIR * must.abs() {
            wrong.push(format!("{value} instead of {must} {name}"));
        }
    }
    wrong.extend(missing.iter().map(|(name, must)| format!("nothing instead of {must} {name}")));
    wrong
}
