//! The runbook leads from symptoms to alerts, and names existing metrics and commands.

use crate::expressions::{file, rules};
use crate::links::repository;
use crate::metrics::known_series;
use aqs_proxy::cli::Cli;
use clap::Parser;
use clap::error::ErrorKind;
use regex::Regex;

#[test]
fn each_symptom_leads_to_an_alert_and_each_alert_has_a_symptom() {
    let runbook = file("RUNBOOK.md");
    let (incidents, _) = runbook.split_once("\n# Dashboards and alerts\n").unwrap();
    let (overview, symptoms) = incidents.split_once("\n## ").unwrap();
    for symptom in symptoms.split("\n## ") {
        assert!(symptom.contains("Look at") && symptom.contains("](#aqs"), "{symptom}");
        let title = symptom.lines().next().unwrap();
        assert!(overview.contains(&format!("- [{title}](#")), "the list lacks {title}");
    }
    for alert in rules().alerts {
        let link = format!("[{}](#", alert.name);
        assert!(symptoms.contains(&link), "no symptom leads to {}", alert.name);
    }
}

#[test]
fn the_runbook_names_declared_metrics() {
    let known = known_series();
    let name = Regex::new(r"\b(?:aqs|process)_\w+").unwrap();
    let runbook = file("RUNBOOK.md");
    let names: Vec<&str> = name.find_iter(&runbook).map(|found| found.as_str()).collect();
    assert!(!names.is_empty());
    for name in names {
        assert!(known.contains_key(name), "there is no metric {name}");
    }
}

#[test]
fn the_pages_for_operators_name_existing_commands() {
    // In a code span, or as a line of code that may end with a comment.
    let command = Regex::new(r"`(aqs [^`]+)`|(?m:^    (aqs [^#\n]+))").unwrap();
    let mut checked = 0;
    for page in ["dashboards/RUNBOOK.md", "config/OPERATING.md"] {
        let text = std::fs::read_to_string(repository().join(page)).unwrap();
        for found in command.captures_iter(&text) {
            let line = found.get(1).or(found.get(2)).unwrap().as_str();
            // Arguments may be left out in prose.
            if let Err(error) = Cli::try_parse_from(line.split_whitespace())
                && error.kind() != ErrorKind::MissingRequiredArgument
            {
                panic!("{page}: {line}: {error}");
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}
