//! What is shown of a house, and when somebody is called: declared here once, as data.
//!
//! `cargo run -p aqs-dashboards` writes the files beside this crate: `overview.json` for Grafana,
//! `rules.yml` for Prometheus. A test keeps them fresh; another one asks a real Prometheus every
//! expression (`tests/prometheus`).

pub mod alerts;
pub mod asked;
pub mod expression;
mod grafana;
pub mod overview;
pub mod panel;
pub mod recordings;
pub mod rule;
mod rules_file;
#[cfg(test)]
mod runbook;

use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file can't be made.
#[derive(Debug, Error)]
pub enum FileError {
    /// The dashboard can't be put into words.
    #[error("overview.json can't be made: {0}")]
    Dashboard(#[from] serde_json::Error),
    /// The rules can't be put into words.
    #[error("rules.yml can't be made: {0}")]
    Rules(#[from] serde_saphyr::SerializeError),
    /// A file can't be written.
    #[error("{} can't be written: {error}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// The files that are made, and what is in them.
///
/// # Errors
///
/// What they are made of can't be put into words, which no house meets: it is fixed.
pub fn files() -> Result<[(&'static str, String); 2], FileError> {
    let mut dashboard = serde_json::to_string_pretty(&grafana::dashboard())?;
    dashboard.push('\n');
    Ok([("overview.json", dashboard), ("rules.yml", rules_file::text()?)])
}

/// Where the files are.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes the files, and gives their paths.
///
/// # Errors
///
/// One can't be made or written; those before it are.
pub fn write() -> Result<Vec<PathBuf>, FileError> {
    let mut written = Vec::new();
    for (name, text) in files()? {
        let path = folder().join(name);
        std::fs::write(&path, text)
            .map_err(|error| FileError::Write { path: path.clone(), error })?;
        written.push(path);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_what_is_declared() {
        for (name, text) in files().unwrap() {
            let held = std::fs::read_to_string(folder().join(name)).unwrap_or_default();
            assert_eq!(held, text, "{name} is stale: cargo run -p aqs-dashboards");
        }
    }

    #[test]
    fn promtool_has_something_to_hold_every_rule_to() {
        let tests = std::fs::read_to_string(folder().join("rules_test.yml")).unwrap();
        for rule in recordings::RECORDINGS {
            assert!(tests.contains(&format!("expr: '{}'", rule.record)), "{}", rule.record);
        }
        for alert in alerts::ALERTS {
            let name = alert.name;
            let firing = format!("alertname=\"{name}\",alertstate=\"firing\"");
            assert!(tests.contains(&firing), "{name} is never called for");
        }
    }
}
