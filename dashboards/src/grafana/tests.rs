//! Whether Grafana could import it.

use super::*;
use crate::panel::Panel as Declared;
use std::collections::BTreeSet;

fn drawn_panels() -> Vec<Value> {
    dashboard()["panels"].as_array().unwrap().clone()
}

#[test]
fn panels_have_their_own_number_and_place() {
    let panels = drawn_panels();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in &panels {
        let edge = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        let (x, y, width, height) = (edge("x"), edge("y"), edge("w"), edge("h"));
        assert!(x + width <= u64::from(grid::COLUMNS), "{panel}");
        for place in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(place), "something else is at {place:?}: {panel}");
        }
    }
}

#[test]
fn every_panel_says_what_it_is_and_asks_something() {
    let declared: Vec<&Declared> = crate::overview::panels().collect();
    let titles: BTreeSet<&str> = declared.iter().map(|panel| panel.title).collect();
    assert_eq!(titles.len(), declared.len(), "two panels have one title");
    for panel in drawn_panels().iter().filter(|panel| panel["type"] != "row") {
        for said in ["title", "description"] {
            assert!(!panel[said].as_str().unwrap().is_empty(), "{panel}");
        }
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        let letters: BTreeSet<&str> =
            targets.iter().map(|target| target["refId"].as_str().unwrap()).collect();
        assert_eq!(letters.len(), targets.len(), "{panel}");
        for target in targets {
            assert!(!target["expr"].as_str().unwrap().is_empty(), "{target}");
            assert!(!target["legendFormat"].as_str().unwrap().is_empty(), "{target}");
        }
    }
    let drawn = drawn_panels().iter().filter(|panel| panel["type"] != "row").count();
    assert_eq!(drawn, declared.len());
    // So many letters there are.
    assert!(declared.iter().all(|panel| panel.targets.len() <= 26));
}

/// The variables that a text uses, but for those that Grafana itself fills in.
fn used(text: &str) -> BTreeSet<&str> {
    let name = |after: &&str| {
        let after = after.trim_start_matches('{');
        let end = after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        end.unwrap_or(after.len())
    };
    let after = text.split('$').skip(1);
    after
        .map(|after| after.trim_start_matches('{').split_at(name(&after)).0)
        .filter(|name| !name.starts_with("__"))
        .collect()
}

#[test]
fn every_variable_that_is_used_can_be_chosen_and_the_other_way_round() {
    let whole = dashboard();
    let variables = whole["templating"]["list"].as_array().unwrap();
    let can_be_chosen: BTreeSet<&str> =
        variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    let text = serde_json::to_string(&whole).unwrap();
    assert_eq!(used(&text), can_be_chosen);
    for panel in crate::overview::panels() {
        for target in panel.targets {
            let drawn = of_dashboard(target.expr);
            let expected = BTreeSet::from(["instance", "job"]);
            assert_eq!(used(&drawn), expected, "{}: {drawn}", panel.title);
        }
    }
}

#[test]
fn whatever_is_asked_is_about_the_instances_that_were_chosen() {
    for panel in crate::overview::panels() {
        for target in panel.targets {
            let names = crate::expression::names(target.expr);
            assert!(!names.selectors.is_empty(), "{}", target.expr);
            let chosen = target.expr.matches("$here").count();
            assert_eq!(chosen, names.selectors.len(), "{}: {}", panel.title, target.expr);
        }
    }
}

#[test]
fn data_come_from_the_chosen_source() {
    let panels = drawn_panels();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().unwrap();
        for asked in targets.iter().chain([panel]) {
            assert_eq!(asked["datasource"]["uid"], "${datasource}", "{asked}");
        }
    }
}
