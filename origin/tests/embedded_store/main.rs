//! The embedded store, from its file to its answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

mod access;
mod changes;
mod coverage;
mod crash;
mod damage;
mod files;
mod reads;
mod typed_catalogue;
mod typed_tables;
mod upserts;

use aqs_api::calendar::Digits;
use aqs_api::tables::UNIQUE_DEVICES;
use aqs_api::{Catalogue, Dataset, Lookup, Read, Rows, Table};
use aqs_origin::request_context::{Priority, RequestContext};
use aqs_origin::row::{Cell, Sink};
use aqs_origin::store::embedded::{EmbeddedStore, Options, StoreWriter, WriterOptions};
use aqs_origin::store::{Store, StoreError};
use rusqlite::Connection;
use std::path::Path;
use std::time::{Duration, Instant};

// A load may run on another thread.
const fn can_be_sent<T: Send>() {}
const _: () = can_be_sent::<StoreWriter>();

fn catalogue() -> Catalogue {
    Catalogue::standard().unwrap()
}

fn dataset(name: &str) -> &'static Dataset {
    catalogue().datasets().iter().find(|dataset| dataset.name == name).unwrap()
}

fn lookup(dataset_name: &str, key: &[&str], range: Option<(&str, &str)>) -> Lookup {
    lookup_in(dataset(dataset_name), key, range)
}

fn lookup_in(dataset: &'static Dataset, key: &[&str], range: Option<(&str, &str)>) -> Lookup {
    let digits = |text| Digits::from_text(text).unwrap();
    Lookup::Points(Read {
        dataset,
        table: dataset.table().unwrap(),
        partition: key.iter().copied().collect(),
        range: range.map(|(first, last)| (digits(first), digits(last))),
    })
}

fn ctx() -> RequestContext {
    let deadline = Instant::now() + Duration::from_secs(60);
    RequestContext::new(deadline, Priority::Live, 1)
}

fn text(text: &str) -> Cell<'_> {
    Cell::Text(text.into())
}

/// A row of unique devices of a project.
fn devices<'a>(project: &'a str, timestamp: &'a str, values: [Cell<'a>; 3]) -> Vec<Cell<'a>> {
    let key = [text(project), text("all-sites"), text("daily"), text(timestamp)];
    key.into_iter().chain(values).collect()
}

fn ints(values: [i64; 3]) -> [Cell<'static>; 3] {
    values.map(Cell::Int)
}

fn writer(path: &Path) -> StoreWriter {
    StoreWriter::create_or_open(path, &catalogue(), WriterOptions::default()).unwrap()
}

/// Loads rows, and returns the datasets that changed.
fn load(path: &Path, rows: &[(&'static Table, Vec<Cell<'_>>)]) -> Vec<&'static str> {
    let mut writer = writer(path);
    for (table, cells) in rows {
        writer.row(table, cells).unwrap();
    }
    writer.commit().unwrap().changed
}

/// Loads rows of unique devices.
fn load_devices(path: &Path, rows: &[Vec<Cell<'_>>]) -> Vec<&'static str> {
    load(path, &rows.iter().map(|cells| (&UNIQUE_DEVICES, cells.clone())).collect::<Vec<_>>())
}

fn open(path: &Path) -> EmbeddedStore {
    open_as(path, &catalogue())
}

fn open_as(path: &Path, catalogue: &Catalogue) -> EmbeddedStore {
    EmbeddedStore::open(path, catalogue, Options::default()).unwrap()
}

async fn read_devices(store: &EmbeddedStore, project: &str) -> Result<Rows, StoreError> {
    let lookup = lookup("unique-devices-daily", &[project, "all-sites", "daily"], None);
    store.read(&lookup, &ctx()).await
}

/// The column `devices` of a project.
async fn devices_of(store: &EmbeddedStore, project: &str) -> Vec<Option<i64>> {
    let rows = read_devices(store, project).await.unwrap();
    rows.ints("devices").unwrap().iter().collect()
}

/// Everything that a file holds: tables, columns and rows, line by line.
fn dump(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut lines = Vec::new();
    let mut tables = conn
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap();
    let mut found = tables.query([]).unwrap();
    while let Some(table) = found.next().unwrap() {
        let name: String = table.get(0).unwrap();
        lines.push(format!("{:?}", table.get_ref(1).unwrap()));
        let mut rows = conn.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let width = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells = (0..width).map(|cell| format!("{:?}", row.get_ref(cell).unwrap()));
            lines.push(format!("{name}: {}", cells.collect::<Vec<_>>().join(" ")));
        }
    }
    lines
}
