//! The PromQL expressions of the dashboard and of the rules.

use aqs_dashboards::overview;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    groups: [Group; 2],
}

#[derive(Debug, Deserialize)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

/// A recording or alerting rule; `promtool check rules` checks its form.
#[derive(Debug, Deserialize)]
pub(crate) struct Rule {
    #[serde(alias = "record", alias = "alert")]
    pub(crate) name: String,
    pub(crate) expr: String,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

pub(crate) struct Rules {
    pub(crate) recordings: Vec<Rule>,
    pub(crate) alerts: Vec<Rule>,
}

pub(crate) fn file(name: &str) -> String {
    std::fs::read_to_string(aqs_dashboards::directory().join(name)).unwrap()
}

pub(crate) fn rules() -> Rules {
    let file: RuleFile = serde_saphyr::from_str(&file("rules.yml")).unwrap();
    let [recordings, alerts] = file.groups;
    assert_eq!(recordings.name, "aqs-recordings");
    assert_eq!(alerts.name, "aqs-alerts");
    Rules { recordings: recordings.rules, alerts: alerts.rules }
}

impl Rule {
    /// The part of an alert's expression before its first comparison. It has a value even while the
    /// alert does not fire.
    pub(crate) fn observed(&self) -> &str {
        let comparisons = [" == ", " < ", " > ", " >= "];
        let end = comparisons.iter().filter_map(|operator| self.expr.find(operator)).min();
        let end = end.unwrap_or_else(|| panic!("{} compares nothing", self.name));
        self.expr[..end].trim_start_matches('(')
    }
}

/// An expression and its place in the dashboard or the rules.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) place: String,
    pub(crate) expr: String,
}

/// The expressions of all panels, with placeholders for instances and range. The place is
/// `Panel title · legend`.
pub(crate) fn of_panels() -> Vec<Expression> {
    let panels = overview::rows().unwrap().into_iter().flat_map(|row| row.panels);
    let expressions = panels.flat_map(|panel| {
        panel.targets.into_iter().map(move |target| Expression {
            place: format!("{} · {}", panel.title, target.legend),
            expr: target.expr,
        })
    });
    expressions.collect()
}

/// The expressions of all rules. The place is the name of the rule, with ` observed` after it for
/// the observed part of an alert.
pub(crate) fn of_rules() -> Vec<Expression> {
    let Rules { recordings, alerts } = rules();
    let observed = alerts.iter().map(|alert| Expression {
        place: format!("{} observed", alert.name),
        expr: alert.observed().to_owned(),
    });
    let whole = recordings.iter().chain(&alerts);
    let whole = whole.map(|rule| Expression { place: rule.name.clone(), expr: rule.expr.clone() });
    whole.chain(observed).collect()
}
