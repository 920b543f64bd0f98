//! Whether RUNBOOK.md tells of every alert.

use crate::alerts::ALERTS;
use crate::folder;

/// What each section answers.
const PARTS: [&str; 3] = ["**What it means.**", "**What to look at.**", "**What to do.**"];

fn runbook() -> String {
    std::fs::read_to_string(folder().join("RUNBOOK.md")).unwrap()
}

#[test]
fn every_alert_has_its_section_and_no_other_has_one() {
    let runbook = runbook();
    let (_, alerts) = runbook.split_once("\n# When you are called\n").unwrap();
    let sections: Vec<(&str, &str)> =
        alerts.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap()).collect();
    let titles: Vec<&str> = sections.iter().map(|(title, _)| *title).collect();
    let names: Vec<&str> = ALERTS.iter().map(|alert| alert.name).collect();
    assert_eq!(titles, names, "sections and alerts, in their order");
    for (title, text) in sections {
        for part in PARTS {
            assert!(text.contains(part), "{title} has no {part}");
        }
    }
}

#[test]
fn the_contents_lead_to_every_section() {
    let runbook = runbook();
    for alert in ALERTS {
        let (name, anchor) = (alert.name, alert.anchor());
        let line = format!("\n| [{name}](#{anchor}) | {} |", alert.severity.name());
        assert!(runbook.contains(&line), "the contents lack{line}");
        assert_eq!(alert.runbook(), format!("dashboards/RUNBOOK.md#{anchor}"));
    }
}

#[test]
fn alerts_have_their_own_names_and_say_whom_they_are_about() {
    for (index, alert) in ALERTS.iter().enumerate() {
        assert!(ALERTS[..index].iter().all(|other| other.name != alert.name), "{}", alert.name);
        assert!(alert.name.starts_with("Aqs"), "{}", alert.name);
        // Else only a part of it would be compared.
        for loose in [" and ", " or ", " unless "] {
            assert!(!alert.watched.contains(loose), "{}", alert.name);
        }
        for words in [alert.summary, alert.description] {
            assert!(words.contains("{{ $labels.instance }}"), "{}: {words}", alert.name);
        }
    }
}
