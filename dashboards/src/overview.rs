//! The panels of the dashboard, as `overview.yml` declares them.

use serde::{Deserialize, Serialize};

/// A placeholder in expressions for the matchers of the selected jobs and instances.
pub const SELECTED: &str = "$selected";

/// A placeholder of Grafana for a range that contains enough samples for a rate.
pub const RATE_INTERVAL: &str = "$__rate_interval";

/// The range of panels that show a longer period than the others.
pub const HOUR: &str = "1h";

/// A titled group of panels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub title: String,
    pub panels: Vec<Panel>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// Unique in the dashboard.
    pub title: String,
    pub description: String,
    pub kind: Kind,
    /// Grafana's name of the unit.
    pub unit: String,
    /// The colors of a [`Kind::Stat`], in ascending order of their values.
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
    pub targets: Vec<Target>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The newest value as a number.
    Stat,
    /// A line for each series.
    Lines,
    /// Stacked areas.
    Area,
}

/// A color, and the value from which it applies; the first color has none.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    pub color: String,
    #[serde(default)]
    pub value: Option<f64>,
}

/// A PromQL expression of a panel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Contains [`SELECTED`] in each selector, and [`RATE_INTERVAL`] or [`HOUR`] as the range.
    pub expr: String,
    /// The legend of its series, in which `{{label}}` stands for the value of a label.
    pub legend: String,
}

/// The rows of `overview.yml`, from top to bottom.
///
/// # Errors
///
/// The file is invalid.
pub fn rows() -> Result<Vec<Row>, Box<serde_saphyr::Error>> {
    serde_saphyr::from_str(include_str!("../overview.yml")).map_err(Box::new)
}
