//! The runbook and the promtool tests cover every rule.

use crate::expressions::{Rule, Rules, file, rules};
use crate::links::{broken, repository};
use aqs_dashboards::overview;
use regex::Regex;
use std::collections::BTreeSet;

/// The parts of each section of the runbook.
const PARTS: [&str; 3] = ["**Meaning.**", "**Diagnosis.**", "**Action.**"];

fn anchor(alert: &Rule) -> String {
    alert.name.to_ascii_lowercase()
}

#[test]
fn the_runbook_has_one_section_for_each_alert() {
    let runbook = file("RUNBOOK.md");
    let (_, alerts) = runbook.split_once("\n# Alert sections\n").unwrap();
    let sections: Vec<(&str, &str)> =
        alerts.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect();
    let titles: Vec<&str> = sections.iter().map(|(title, _)| *title).collect();
    let alerts = rules().alerts;
    let names: Vec<&str> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    assert_eq!(titles, names, "sections and alerts, in their order");
    for (title, text) in sections {
        for part in PARTS {
            assert!(text.contains(part), "{title} has no {part}");
        }
    }
}

#[test]
fn the_runbook_lists_each_alert_with_its_severity() {
    let runbook = file("RUNBOOK.md");
    for alert in rules().alerts {
        let (name, anchor) = (&alert.name, anchor(&alert));
        let line = format!("\n| [{name}](#{anchor}) | {} |", alert.labels["severity"]);
        assert!(runbook.contains(&line), "the runbook lacks{line}");
    }
}

#[test]
fn the_runbook_quotes_existing_panels() {
    let rows = overview::rows().unwrap();
    let titles: BTreeSet<&str> =
        rows.iter().flat_map(|row| &row.panels).map(|panel| panel.title.as_str()).collect();
    let code = Regex::new("`[^`]*`").unwrap();
    let runbook = file("RUNBOOK.md");
    for quoted in Regex::new("\"([^\"]+)\"").unwrap().captures_iter(&code.replace_all(&runbook, ""))
    {
        // A line break in the page is a space.
        let title = quoted[1].replace('\n', " ");
        assert!(title.starts_with("aqs-1.") || titles.contains(title.as_str()), "{title:?}");
    }
}

#[test]
fn alerts_name_the_instance_and_link_to_their_section() {
    let mut names = BTreeSet::new();
    for alert in rules().alerts {
        assert!(names.insert(alert.name.clone()), "two alerts are named {}", alert.name);
        assert!(alert.name.starts_with("Aqs"), "{}", alert.name);
        for key in ["summary", "description"] {
            let text = &alert.annotations[key];
            assert!(text.contains("{{ $labels.instance }}"), "{}: {text}", alert.name);
        }
        let keys: Vec<&str> = alert.annotations.keys().map(String::as_str).collect();
        assert_eq!(keys, ["description", "runbook_url", "summary"], "{}", alert.name);
        let url = &alert.annotations["runbook_url"];
        assert_eq!(*url, format!("dashboards/RUNBOOK.md#{}", anchor(&alert)));
        assert_eq!(broken(&repository(), url), None);
    }
}

#[test]
fn the_observed_part_of_an_alert_is_one_operand() {
    for alert in rules().alerts {
        for operator in [" and ", " or ", " unless "] {
            assert!(!alert.observed().contains(operator), "{}", alert.name);
        }
    }
}

#[test]
fn promtool_tests_cover_every_rule() {
    let tests = file("rules_test.yml");
    let Rules { recordings, alerts } = rules();
    for Rule { name, .. } in recordings {
        assert!(tests.contains(&format!("expr: '{name}'")), "{name}");
    }
    for Rule { name, .. } in alerts {
        let firing = format!("alertname=\"{name}\",alertstate=\"firing\"");
        assert!(tests.contains(&firing), "no test lets {name} fire");
    }
}
