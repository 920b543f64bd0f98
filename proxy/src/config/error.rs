//! What is wrong with a configuration.

use serde_path_to_error::Path as KeyPath;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The configuration is not usable.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("the configuration {} can't be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// All mistakes, each with its place and its key.
    #[error("{}", .0.join("\n"))]
    Invalid(Vec<String>),
}

impl ConfigError {
    pub(super) fn at_key(key: &str, message: &dyn Display) -> Self {
        Self::Invalid(vec![format!("{key}: {message}")])
    }

    pub(super) fn of(mut mistakes: Vec<Mistake>, file: Option<&Path>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.origin);
        Self::Invalid(mistakes.iter().map(|mistake| mistake.text(file)).collect())
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Default,
    File {
        line: usize,
        column: usize,
    },
    /// A variable or a flag.
    Named(&'static str),
}

/// One mistake.
#[derive(Debug)]
pub(super) struct Mistake {
    origin: Option<Origin>,
    /// The key with those of its sections; empty for the document as a whole.
    key: String,
    message: String,
}

impl Mistake {
    pub(super) fn new(origin: Option<Origin>, message: impl Into<String>) -> Self {
        Self { origin, key: String::new(), message: message.into() }
    }

    /// A mistake in the value or the key at a path.
    pub(super) fn at(origin: Origin, path: &KeyPath, message: String) -> Self {
        let key = if path.iter().len() == 0 { String::new() } else { path.to_string() };
        Self { origin: Some(origin), key, message }
    }

    fn text(&self, file: Option<&Path>) -> String {
        let Self { origin, key, message } = self;
        let place = match (origin, file) {
            (Some(Origin::Named(name)), _) => return format!("{name}: {message}"),
            (Some(Origin::File { line, column }), Some(file)) => {
                format!("{}:{line}:{column}: ", file.display())
            }
            (_, Some(file)) if key.is_empty() => format!("{}: ", file.display()),
            _ => String::new(),
        };
        let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
        format!("{place}{key}{message}")
    }
}
