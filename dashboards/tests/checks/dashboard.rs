//! The generated dashboard is up to date, and Grafana can import it.

use crate::expressions::{file, of_panels};
use aqs_dashboards::grafana::{COLUMNS, dashboard};
use aqs_dashboards::overview::{HOUR, Kind, RATE_INTERVAL, SELECTED, rows};
use aqs_dashboards::{DASHBOARD_FILE, dashboard_json};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The units that panels may have.
const UNITS: [&str; 7] = ["short", "percentunit", "s", "bytes", "reqps", "rps", "cps"];

fn generated() -> Value {
    dashboard(&rows().unwrap())
}

/// All panels, with or without the titles of rows.
fn panels(with_rows: bool) -> Vec<Value> {
    let mut panels = generated()["panels"].as_array().unwrap().clone();
    panels.retain(|panel| with_rows || panel["type"] != "row");
    assert!(!panels.is_empty());
    panels
}

/// The values of a field, which must be nonempty and different.
fn distinct<'a>(values: &'a [Value], field: &str) -> BTreeSet<&'a str> {
    let texts: Vec<&str> = values.iter().map(|value| value[field].as_str().unwrap()).collect();
    let distinct: BTreeSet<&str> = texts.iter().copied().collect();
    assert_eq!(distinct.len(), texts.len(), "{field} must be unique: {texts:?}");
    assert!(!distinct.contains(""), "{field} must not be empty");
    distinct
}

#[test]
fn the_generated_file_is_up_to_date() {
    let expected = dashboard_json().unwrap();
    assert_eq!(file(DASHBOARD_FILE), expected, "stale: run cargo run -p aqs-dashboards");
}

#[test]
fn panels_have_unique_ids_and_do_not_overlap() {
    let panels = panels(true);
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in &panels {
        let edge = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        let (x, y, width, height) = (edge("x"), edge("y"), edge("w"), edge("h"));
        assert!(x + width <= u64::from(COLUMNS), "{panel}");
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "two panels contain {cell:?}: {panel}");
        }
    }
}

#[test]
fn every_panel_has_title_description_unit_and_targets() {
    let panels = panels(false);
    distinct(&panels, "title");
    distinct(&panels, "description");
    let declared = rows().unwrap().iter().map(|row| row.panels.len()).sum::<usize>();
    assert_eq!(panels.len(), declared);
    for panel in &panels {
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
        assert!(UNITS.contains(&unit), "{unit}: {panel}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for field in ["refId", "expr", "legendFormat"] {
            distinct(targets, field);
        }
    }
    assert!(
        rows().unwrap().iter().flat_map(|row| &row.panels).all(|panel| panel.targets.len() <= 26)
    );
}

#[test]
fn the_first_row_has_a_number_with_thresholds_for_each_sign_of_health() {
    let rows = rows().unwrap();
    let (first, others) = rows.split_first().unwrap();
    assert_eq!(first.title, "Health");
    for panel in &first.panels {
        assert_eq!(panel.kind, Kind::Stat, "{}", panel.title);
        let (base, steps) = panel.thresholds.split_first().unwrap();
        assert!(base.value.is_none() && !steps.is_empty(), "{}", panel.title);
        assert!(steps.is_sorted_by_key(|step| step.value), "{}", panel.title);
        assert!(steps.iter().all(|step| step.value.is_some()), "{}", panel.title);
    }
    // Grafana colors a number without thresholds red above 80.
    let mut others = others.iter().flat_map(|row| &row.panels);
    assert!(others.all(|panel| panel.kind != Kind::Stat && panel.thresholds.is_empty()));
}

/// The dashboard variables in a text, without Grafana's built-in ones.
fn variables(text: &str) -> BTreeSet<String> {
    static VARIABLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{?([A-Za-z]\w*)").unwrap());
    VARIABLE.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn the_dashboard_defines_exactly_the_variables_that_it_uses() {
    let dashboard = generated();
    let defined = dashboard["templating"]["list"].as_array().unwrap();
    let defined: BTreeSet<String> =
        defined.iter().map(|variable| variable["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(variables(&dashboard.to_string()), defined);
}

#[test]
fn every_selector_is_restricted_to_the_selected_instances() {
    let unrestricted = Regex::new(r"\b(?:aqs_\w+|process_\w+|up|ALERTS)(?:[^\w{]|$)").unwrap();
    for expression in of_panels() {
        assert!(!unrestricted.is_match(&expression.expr), "{expression:?}");
        for matchers in expression.expr.split('{').skip(1) {
            assert!(matchers.starts_with(SELECTED), "{}: {matchers}", expression.place);
        }
        for range in expression.expr.split('[').skip(1) {
            let known = [RATE_INTERVAL, HOUR].iter().any(|known| range.starts_with(known));
            assert!(known, "{}: {range}", expression.place);
        }
    }
    for panel in panels(false) {
        for target in panel["targets"].as_array().unwrap() {
            let expr = target["expr"].as_str().unwrap();
            let expected = ["instance", "job"].map(str::to_owned);
            assert_eq!(variables(expr), BTreeSet::from(expected), "{expr}");
        }
    }
}

#[test]
fn panels_use_the_selected_data_source() {
    for panel in panels(false) {
        for user in panel["targets"].as_array().unwrap().iter().chain([&panel]) {
            assert_eq!(user["datasource"]["uid"], "${datasource}", "{user}");
        }
    }
}
