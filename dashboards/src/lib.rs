//! The dashboard and the rules of aqs, as data.
//!
//! `overview.yml` declares the panels of the dashboard; `cargo run -p aqs-dashboards` writes
//! `overview.json` for Grafana from it. Prometheus reads `rules.yml` as it is. The tests check the
//! names in both against the declared metrics (`tests/checks`), and evaluate every expression in a
//! real Prometheus (`tests/prometheus`).

pub mod grafana;
pub mod overview;

use std::path::{Path, PathBuf};
use thiserror::Error;

/// The name of the generated dashboard.
pub const DASHBOARD_FILE: &str = "overview.json";

#[derive(Debug, Error)]
pub enum Error {
    #[error("failed to read {file}: {source}")]
    Parse { file: &'static str, source: Box<serde_saphyr::Error> },
    #[error("failed to serialize the dashboard: {0}")]
    Serialize(#[from] serde_json::Error),
    #[error("failed to write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

/// Parses YAML that is compiled into the crate from `file`.
fn parse<T: serde::de::DeserializeOwned>(file: &'static str, yaml: &str) -> Result<T, Error> {
    serde_saphyr::from_str(yaml).map_err(|source| Error::Parse { file, source: Box::new(source) })
}

/// The directory of this crate, which holds the dashboard and the rules.
pub fn directory() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The content of `overview.json`.
///
/// # Errors
///
/// `overview.yml` is invalid.
pub fn dashboard_json() -> Result<String, Error> {
    let dashboard = grafana::dashboard(&overview::rows()?);
    Ok(serde_json::to_string_pretty(&dashboard)? + "\n")
}

/// Writes `overview.json` and returns its path.
///
/// # Errors
///
/// `overview.yml` is invalid, or the file can't be written.
pub fn write_dashboard() -> Result<PathBuf, Error> {
    let (text, path) = (dashboard_json()?, directory().join(DASHBOARD_FILE));
    match std::fs::write(&path, text) {
        Ok(()) => Ok(path),
        Err(source) => Err(Error::Write { path, source }),
    }
}
