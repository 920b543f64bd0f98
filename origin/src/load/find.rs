//! The files of a directory that are tables.

use super::error::LoadError;
use crate::suggest;
use aqs_api::Table;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A table's file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) table: &'static Table,
    pub(super) gzip: bool,
    pub(super) bytes: u64,
}

const PLAIN: &str = ".ndjson";
const GZIP: &str = ".gz";

/// The files of a directory that are tables, in the order of their names.
pub(super) fn sources(
    directory: &Path,
    tables: &[&'static Table],
) -> Result<Vec<Source>, LoadError> {
    let unreadable = |source| LoadError::Directory { path: directory.to_owned(), source };
    if directory.metadata().map_err(unreadable)?.is_file() {
        return Err(LoadError::NotADirectory { path: directory.to_owned() });
    }
    let mut paths = fs::read_dir(directory)
        .map_err(unreadable)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>, _>>()
        .map_err(unreadable)?;
    paths.sort();
    let mut found: BTreeMap<&'static str, Source> = BTreeMap::new();
    for path in paths {
        let Some(source) = source(path, tables)? else { continue };
        if let Some(first) = found.get(source.table.name) {
            return Err(LoadError::Twice {
                table: source.table.name,
                first: first.path.clone(),
                second: source.path,
            });
        }
        found.insert(source.table.name, source);
    }
    if found.is_empty() {
        let example = tables.first().map_or("unique_devices", |table| table.name);
        return Err(LoadError::Nothing { path: directory.to_owned(), example });
    }
    Ok(found.into_values().collect())
}

/// What a file of the directory is; `None` if it isn't meant for a load.
fn source(path: PathBuf, tables: &[&'static Table]) -> Result<Option<Source>, LoadError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (stem, gzip) = match name.strip_suffix(GZIP) {
        Some(stem) => (stem, true),
        None => (name.as_str(), false),
    };
    // What file managers leave about begins with a dot.
    if name.starts_with('.') || !(gzip || stem.ends_with(PLAIN)) {
        return Ok(None);
    }
    let known = |stem: &str| tables.iter().find(|table| table.name == stem);
    let Some(table) = stem.strip_suffix(PLAIN).and_then(known) else {
        let bare = stem.strip_suffix(PLAIN).unwrap_or(stem);
        let ending = if gzip { ".ndjson.gz" } else { PLAIN };
        let nearest = suggest(bare, tables.iter().map(|table| table.name));
        let nearest = nearest.map(|name| format!("{name}{ending}"));
        return Err(LoadError::UnknownTable { path, nearest });
    };
    match path.metadata() {
        Ok(found) if found.is_file() => Ok(Some(Source { path, table, gzip, bytes: found.len() })),
        Ok(_) => Err(LoadError::NotAFile { path }),
        Err(source) => Err(LoadError::File { path, line: 0, source }),
    }
}
