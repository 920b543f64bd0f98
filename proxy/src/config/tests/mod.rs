//! Tests of reading, refusing and printing the configuration.

mod hot_set;
mod logging;
mod pages;
mod precedence;
mod refusals;
mod routes;
mod upstream;
mod warnings;

use super::{Config, ConfigError, Loaded, from_bytes, load, reference_page};
use crate::cli::{Cli, arguments};
use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};

/// The configuration of a file's content, or its mistakes after the name of the file.
fn read(text: &str) -> Result<Config, String> {
    from_bytes(Path::new("f"), text.as_bytes()).map_err(|error| error.to_string())
}

/// Loads a file, variables and flags.
fn loaded(file: &str, variables: &[(&str, &str)], flags: &str) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aqs.yaml");
    fs::write(&path, file).unwrap();
    let words =
        ["aqs", "-config", path.to_str().unwrap()].into_iter().chain(flags.split_whitespace());
    let cli = Cli::parse_from(arguments(words.map(Into::into)));
    load(&cli.serve, &|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
    })
}

/// A file of the repository's `config` folder.
fn committed(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../config").join(name)
}
