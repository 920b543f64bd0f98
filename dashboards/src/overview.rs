//! The panels of the dashboard, as `overview.yml` declares them.

use serde::Deserialize;

/// A placeholder in expressions for the matchers of the selected jobs and instances.
pub const SELECTED: &str = "$selected";

/// A placeholder of Grafana for a range that contains enough samples for a rate.
pub const RATE_INTERVAL: &str = "$__rate_interval";

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

/// A PromQL expression of a panel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Contains [`SELECTED`] in each selector and [`RATE_INTERVAL`] as the range.
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
