//! What the configuration takes, refuses and prints.

mod doubts;
mod hot_set;
mod logging;
mod pages;
mod precedence;
mod refusals;
mod upstream;

use super::file::{Wrong, parse};
use super::load::{Loaded, load};
use super::tree::Config;
use super::{ConfigError, docs};
use crate::cli::{Cli, arguments};
use clap::Parser;
use std::fs;
use std::path::PathBuf;

/// A file's content, read.
fn read(text: &str) -> Result<Config, String> {
    parse(text.as_bytes()).map_err(|Wrong { place, message }| format!("{place}: {message}"))
}

/// What comes of a file, variables and flags.
fn loaded(file: &str, variables: &[(&str, &str)], flags: &str) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aqs.yaml");
    fs::write(&path, file).unwrap();
    let words =
        ["aqs", "-config", path.to_str().unwrap()].into_iter().chain(flags.split_whitespace());
    let cli = Cli::parse_from(arguments(words.map(Into::into)));
    load(&cli.serve.config, &|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
    })
}

/// A file of the repository's `config` folder.
fn committed(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../config").join(name)
}
