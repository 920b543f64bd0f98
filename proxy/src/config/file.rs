//! Reading the file, and saying what is wrong where.

use super::error::ConfigError;
use super::tree::Config;
use crate::nearest::nearest;
use serde_saphyr::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes that are read.
const LONGEST: u64 = 1 << 20;
/// How a value is refused where keys are expected.
const NO_SECTION: &str = "expected keys with values";

/// What is wrong in a text.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Where: `:LINE:COLUMN`, or nothing.
    pub(super) place: String,
    /// What, with the key.
    pub(super) message: String,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Config, ConfigError> {
    let bytes =
        bytes(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    from_bytes(path, &bytes)
}

/// A pipe or standard input will do, but none that never ends.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        let message = "it is longer than 1 MiB, which no configuration is";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Reads the content of a file that errors call `path`; how its keys go together is not looked at.
pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Config, ConfigError> {
    parse(bytes).map_err(|Wrong { place, message }| ConfigError::File {
        path: path.to_owned(),
        place,
        message,
    })
}

/// The keys of a text.
pub(super) fn parse(bytes: &[u8]) -> Result<Config, Wrong> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Wrong { place: String::new(), message: "not UTF-8".to_owned() })?;
    let mut key = String::new();
    // A file without a key is one with every default.
    let parsed = serde_saphyr::with_deserializer_from_str(text, |input| {
        serde_path_to_error::deserialize::<_, Option<Config>>(input).map_err(|error| {
            key = error.path().to_string();
            error.into_inner()
        })
    });
    parsed.map(Option::unwrap_or_default).map_err(|error| wrong(&key, &error))
}

fn wrong(key: &str, error: &Error) -> Wrong {
    let error = error.without_snippet();
    let place = match error.location() {
        Some(at) if at.line() > 0 => format!(":{}:{}", at.line(), at.column()),
        _ => String::new(),
    };
    let message = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            return Wrong { place, message: unknown(key, field, expected) };
        }
        other => plain(other),
    };
    // The root's path is a dot, and a read_plan mark what is not known.
    let key = key.trim_matches(['.', '?']);
    // It was a filter once, as the variable still is.
    let hint = if key == "log" && message.ends_with(NO_SECTION) {
        ", as `log: {filter: info}`"
    } else {
        ""
    };
    let message = if key.is_empty() { message } else { format!("{key}: {message}{hint}") };
    Wrong { place, message }
}

/// The parser's words in ours, where its own are about its interface.
fn plain(error: &Error) -> String {
    let text = match error {
        Error::Message { msg, .. } => msg.clone(),
        Error::MultipleDocuments { .. } => "a second document begins; one is read".to_owned(),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("`{key}` is given twice"),
        Error::DuplicateMappingKey { .. } => "a key is given twice".to_owned(),
        other => {
            // Its text ends with the place, which we tell in the way compilers do.
            let place = |at: serde_saphyr::Location| {
                format!(" at line {}, column {}", at.line(), at.column())
            };
            let place = other.location().map(place).unwrap_or_default();
            let text = other.to_string();
            text.strip_suffix(&place).map(str::to_owned).unwrap_or(text)
        }
    };
    match text.as_str() {
        "expected string scalar" => "expected a single value".to_owned(),
        "expected mapping start" => "expected keys with values".to_owned(),
        "expected sequence start" => "expected a list, as [a, b]".to_owned(),
        "invalid socket address syntax" => "no address such as 127.0.0.1:8080".to_owned(),
        _ => text,
    }
}

/// How a key is refused that is not there.
fn unknown(key: &str, field: &str, known: &[&'static str]) -> String {
    // The path ends with the key itself or with its section.
    let section = key.strip_suffix(field).unwrap_or(key).trim_matches('.');
    let place = match section {
        "" => String::new(),
        section => format!(" in {section}"),
    };
    match nearest(field, known.iter().copied()) {
        Some(nearest) => {
            format!("there is no key `{field}`{place}; the nearest is `{nearest}`")
        }
        None => format!("there is no key `{field}`{place}"),
    }
}
