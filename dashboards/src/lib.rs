//! The dashboard and the rules of aqs, as data.
//!
//! `overview.yml` declares the panels of the dashboard; `cargo run -p aqs-dashboards` writes
//! `overview.json` for Grafana from it. Prometheus reads `rules.yml` as it is. The tests check the
//! names in both against the declared metrics, and evaluate every expression in a real Prometheus
//! (`tests/checks`).

pub mod grafana;
pub mod overview;

use std::error::Error;
use std::path::Path;

/// The name of the generated dashboard.
pub const DASHBOARD_FILE: &str = "overview.json";

/// The directory of this crate, which holds the dashboard and the rules.
pub fn directory() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The content of `overview.json`.
///
/// # Errors
///
/// `overview.yml` is invalid.
pub fn dashboard_json() -> Result<String, Box<dyn Error>> {
    let dashboard = grafana::dashboard(&overview::rows()?);
    Ok(serde_json::to_string_pretty(&dashboard)? + "\n")
}
