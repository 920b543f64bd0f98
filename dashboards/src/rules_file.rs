//! The rules as Prometheus reads them.

use crate::alerts::ALERTS;
use crate::recordings::RECORDINGS;
use crate::rule::Alert;
use serde::Serialize;

const HEAD: &str = "# Recording and alerting rules of aqs. Written by `cargo run -p aqs-dashboards`; RUNBOOK.md tells\n\
                    # what each alert means and what to do.\n";

#[derive(Serialize)]
struct File {
    groups: [Group; 2],
}

#[derive(Serialize)]
struct Group {
    name: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Rule {
    Recording {
        record: &'static str,
        expr: &'static str,
    },
    Alert {
        alert: &'static str,
        expr: String,
        #[serde(rename = "for")]
        held: &'static str,
        labels: Labels,
        annotations: Annotations,
    },
}

#[derive(Serialize)]
struct Labels {
    severity: &'static str,
}

#[derive(Serialize)]
struct Annotations {
    summary: &'static str,
    description: &'static str,
    runbook: String,
}

pub(crate) fn text() -> Result<String, serde_saphyr::SerializeError> {
    let recordings = RECORDINGS.iter();
    let recordings =
        recordings.map(|rule| Rule::Recording { record: rule.record, expr: rule.expr });
    let groups = [
        Group { name: "aqs-recordings", rules: recordings.collect() },
        Group { name: "aqs-alerts", rules: ALERTS.iter().map(alert).collect() },
    ];
    Ok(format!("{HEAD}{}", serde_saphyr::to_string(&File { groups })?))
}

fn alert(alert: &Alert) -> Rule {
    Rule::Alert {
        alert: alert.name,
        expr: alert.expr(),
        held: alert.held,
        labels: Labels { severity: alert.severity.name() },
        annotations: Annotations {
            summary: alert.summary,
            description: alert.description,
            runbook: alert.runbook(),
        },
    }
}
