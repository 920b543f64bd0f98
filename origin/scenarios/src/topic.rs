//! Folders of scenarios over the same rows.

use crate::scenario::Scenario;
use aqs_api::Catalogue;
use aqs_api::table::Column;
use aqs_origin::load;
use aqs_origin::row::{Cell, Sink};
use aqs_origin::store::embedded::{EmbeddedStore, Options, StoreWriter, WriterOptions};
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of scenarios over the same rows.
#[derive(Debug)]
pub struct Topic {
    folder: PathBuf,
    pub scenarios: Vec<Scenario>,
}

/// Every topic of this crate.
pub fn topics() -> Vec<Topic> {
    topics_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("topics"))
}

/// Every topic in a folder.
pub fn topics_in(root: &Path) -> Vec<Topic> {
    entries(root).into_iter().map(Topic::read).collect()
}

/// The rows of a topic of this crate.
pub fn rows(topic: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("topics").join(topic).join("rows")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

impl Topic {
    fn read(folder: PathBuf) -> Self {
        let mut files = entries(&folder);
        files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
        let scenarios = files.iter().flat_map(|file| Scenario::read(file)).collect();
        Self { folder, scenarios }
    }

    /// The directory of its rows.
    pub fn rows(&self) -> PathBuf {
        self.folder.join("rows")
    }

    /// The directory of the rows that the loader refuses.
    pub fn broken_rows(&self) -> PathBuf {
        self.folder.join("broken_rows")
    }

    /// Makes an embedded store of its rows, with a file in a folder.
    pub fn store(&self, folder: &Path, catalogue: &Catalogue) -> EmbeddedStore {
        let path = folder.join("store.sqlite");
        load_rows(&self.rows(), &path, catalogue);
        if self.broken_rows().exists() {
            write_unchecked(&self.broken_rows(), &path, catalogue);
        }
        EmbeddedStore::open(&path, catalogue, Options::default()).unwrap()
    }
}

/// Loads a directory of rows into an embedded store, as `aqs load --strict` does.
pub fn load_rows(directory: &Path, store: &Path, catalogue: &Catalogue) {
    let options = load::Options { strict: true, ..load::Options::default() };
    let loaded = load::into_store(&directory.into(), store, catalogue, options, &mut ());
    loaded.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
}

/// Writes a directory of rows into an embedded store without the checks of the loader.
fn write_unchecked(directory: &Path, store: &Path, catalogue: &Catalogue) {
    let options = WriterOptions::default();
    let mut writer = StoreWriter::create_or_open(store, catalogue, options).unwrap();
    for table in catalogue.tables() {
        let file = directory.join(format!("{}.ndjson", table.name));
        let Ok(text) = fs::read_to_string(file) else { continue };
        for line in text.lines() {
            let row: Map<String, Value> = serde_json::from_str(line).unwrap();
            let cell = |column: &Column| match row.get(column.name) {
                None => Cell::Absent,
                Some(Value::Null) => Cell::Null,
                Some(Value::Number(number)) => Cell::Int(number.as_i64().unwrap()),
                Some(Value::String(text)) => Cell::Text(text.into()),
                Some(other) => panic!("{other} is no cell"),
            };
            let cells: Vec<Cell<'_>> = table.columns().map(cell).collect();
            assert!(row.keys().all(|name| table.columns().any(|column| column.name == name)));
            writer.row(table, &cells).unwrap();
        }
    }
    writer.commit().unwrap();
}
