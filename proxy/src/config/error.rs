//! What is wrong with a configuration.

use aqs_origin::suggest;
use std::fmt::{self, Display};
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
    pub(super) origin: Option<Origin>,
    /// The keys that lead to the value, and indexes as `[0]`.
    pub(super) path: Vec<String>,
    message: Message,
}

#[derive(Debug)]
enum Message {
    Text(String),
    UnknownKey { key: String, nearest: Option<String> },
}

impl Mistake {
    pub(super) fn new(origin: Option<Origin>, message: impl Into<String>) -> Self {
        Self { origin, path: Vec::new(), message: Message::Text(message.into()) }
    }

    /// Notes that the value is part of another, at a key or index of it.
    pub(super) fn within(mut self, key: String, origin: Origin) -> Self {
        self.path.insert(0, key);
        self.origin.get_or_insert(origin);
        self
    }

    fn text(&self, file: Option<&Path>) -> String {
        let mut key = String::new();
        for part in &self.path {
            if !key.is_empty() && !part.starts_with('[') {
                key.push('.');
            }
            key.push_str(part);
        }
        let message = match &self.message {
            Message::UnknownKey { key: unknown, nearest } => {
                let section = key.strip_suffix(unknown.as_str()).unwrap_or(&key);
                let section = match section.trim_end_matches('.') {
                    "" => String::new(),
                    section => format!(" in {section}"),
                };
                let hint = nearest.as_ref().map(|name| format!("; the nearest is `{name}`"));
                format!("there is no key `{unknown}`{section}{}", hint.unwrap_or_default())
            }
            Message::Text(message) if key.is_empty() => message.clone(),
            Message::Text(message) if matches!(self.origin, Some(Origin::Named(_))) => {
                message.clone()
            }
            Message::Text(message) => format!("{key}: {message}"),
        };
        match (self.origin, file) {
            (Some(Origin::Named(name)), _) => format!("{name}: {message}"),
            (Some(Origin::File { line, column }), Some(file)) => {
                format!("{}:{line}:{column}: {message}", file.display())
            }
            (_, Some(file)) if self.path.is_empty() => format!("{}: {message}", file.display()),
            _ => message,
        }
    }
}

impl Display for Mistake {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(&self.text(None))
    }
}

impl std::error::Error for Mistake {}

impl serde::de::Error for Mistake {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(None, message.to_string())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let nearest = suggest(field, expected.iter().copied()).map(str::to_owned);
        let message = Message::UnknownKey { key: field.to_owned(), nearest };
        Self { origin: None, path: Vec::new(), message }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(None, format!("the key `{field}` is missing"))
    }
}
