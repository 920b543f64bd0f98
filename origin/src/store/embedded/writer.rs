//! Filling a store: one transaction for a whole load.

use super::building::Building;
use super::connect::{self, Identity};
use super::error::{FileError, WriteError, is_busy};
use super::schema::{self, APPLICATION_ID, Present, VERSION};
use super::summary::{self, SummaryError};
use super::table_writer::{RowError, TableWriter};
use crate::load::row::{Cell, Sink, SinkError};
use aqs_api::{Catalogue, Table};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

// Nobody reads the file yet, and one that a crash spoils is never published.
const BUILD: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; \
                     PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; \
                     BEGIN EXCLUSIVE";
const PUBLISH: &str = "PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL";
const UPDATE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                      PRAGMA cache_size = -32768; BEGIN IMMEDIATE";
const MERGE_PATIENCE: Duration = Duration::from_secs(1);

/// How a store is written.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// How long the end of another load is awaited.
    pub wait: Duration,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { wait: Duration::from_secs(10) }
    }
}

/// Writes rows into a store. Until [`commit`](Self::commit) nobody sees any of them, and
/// dropped or killed before, it leaves the store as it was.
#[derive(Debug)]
pub struct StoreWriter {
    // Closed before the file that is being built is removed.
    conn: Connection,
    building: Option<Building>,
    path: PathBuf,
    tables: Vec<TableWriter>,
    rows: u64,
    broken: bool,
}

/// What a load has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// How many rows were given.
    pub rows: u64,
    /// The datasets in which at least one cell is another now.
    pub changed: Vec<&'static str>,
}

impl StoreWriter {
    /// Writes into the store at a path, or makes a new one (and its folder) if nothing is there.
    pub fn create_or_open(
        path: &Path,
        catalogue: &Catalogue,
        options: WriterOptions,
    ) -> Result<Self, WriteError> {
        if path.symlink_metadata().is_err() {
            match Self::create(path, catalogue, options) {
                // Another load was awaited, and has made it meanwhile.
                Err(WriteError::Exists { .. }) => {}
                created => return created,
            }
        }
        Self::open(path, catalogue, options)
    }

    /// Makes a new store where nothing is, by the fast way that only a file without readers
    /// allows: beside the path, without a journal. `commit` puts it in place, safely on disk.
    pub fn create(
        path: &Path,
        catalogue: &Catalogue,
        options: WriterOptions,
    ) -> Result<Self, WriteError> {
        let path = std::path::absolute(path).map_err(|error| FileError::io(path, error))?;
        let exists = || path.symlink_metadata().is_ok();
        if exists() {
            return Err(WriteError::Exists { path });
        }
        let building = Building::begin(&path, options.wait)?;
        if exists() {
            return Err(WriteError::Exists { path });
        }
        let begin = || {
            let conn = connect::writer(building.path(), options.wait)?;
            conn.execute_batch(BUILD)?;
            Ok(conn)
        };
        let conn = begin().map_err(|error| FileError::of(&path, "creating it", error))?;
        Self::start(path, conn, Some(building), catalogue)
    }

    fn open(
        path: &Path,
        catalogue: &Catalogue,
        options: WriterOptions,
    ) -> Result<Self, WriteError> {
        let real = path.canonicalize().map_err(|error| FileError::io(path, error))?;
        let failed = |error: rusqlite::Error| match is_busy(&error) {
            true => WriteError::Busy { path: path.to_owned(), waited: options.wait },
            false => FileError::of(path, "beginning to write", error).into(),
        };
        let conn = connect::writer(&real, options.wait).map_err(failed)?;
        // A foreign file must not be touched, not even by the choice of its journal.
        connect::identify(&conn, path)?;
        conn.execute_batch(UPDATE).map_err(failed)?;
        Self::start(path.to_owned(), conn, None, catalogue)
    }

    /// Brings the file up to date, within the transaction.
    fn start(
        path: PathBuf,
        conn: Connection,
        building: Option<Building>,
        catalogue: &Catalogue,
    ) -> Result<Self, WriteError> {
        let failed = |error| FileError::of(&path, "creating its tables", error);
        if connect::identify(&conn, &path)? == Identity::Blank {
            conn.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
            conn.pragma_update(None, "user_version", VERSION).map_err(failed)?;
        }
        conn.execute_batch(schema::SUMMARY_DDL).map_err(failed)?;
        let wrong = |table: &'static Table, reason| WriteError::Table {
            path: path.clone(),
            table: table.name,
            reason,
        };
        let tables = catalogue.tables();
        for table in &tables {
            if !bring_up_to_date(&conn, table).map_err(failed)? {
                return Err(wrong(table, "has another key than this program knows".to_owned()));
            }
        }
        let summaries = summary::read(&conn).map_err(|error| match error {
            SummaryError::Sqlite(error) => failed(error).into(),
            dates => WriteError::Summary { path: path.clone(), reason: dates.to_string() },
        })?;
        let start = |table: &'static Table| {
            TableWriter::start(&conn, table, catalogue.datasets(), &summaries)
                .map_err(|error| wrong(table, error.to_string()))
        };
        let tables = tables.into_iter().map(start).collect::<Result<_, _>>()?;
        Ok(Self { conn, building, path, tables, rows: 0, broken: false })
    }

    /// Lets everybody see the rows.
    pub fn commit(mut self) -> Result<Committed, WriteError> {
        if self.broken {
            return Err(WriteError::Broken { path: self.path });
        }
        let mut changed = Vec::new();
        let mut finish = || {
            for table in &mut self.tables {
                changed.extend(table.finish(&self.conn)?);
            }
            self.conn.execute_batch("COMMIT")
        };
        finish().map_err(|error| FileError::of(&self.path, "committing", error))?;
        match self.building {
            Some(building) => {
                let close = || {
                    self.conn.execute_batch(PUBLISH)?;
                    self.conn.close().map_err(|(_, error)| error)
                };
                close().map_err(|error| FileError::of(&self.path, "finishing it", error))?;
                building.publish()?;
            }
            // Readers may be in the way of it. Then the log is merged later, and nothing is lost.
            None => drop(
                (self.conn.busy_timeout(MERGE_PATIENCE))
                    .and_then(|()| self.conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")),
            ),
        }
        Ok(Committed { rows: self.rows, changed })
    }
}

impl Sink for StoreWriter {
    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        let refused = |reason| SinkError::Store { table: table.name, reason };
        if self.broken {
            return Err(refused("a row before could not be written".to_owned()));
        }
        let known = |held: &&mut TableWriter| held.table.name == table.name;
        let Some(writer) = self.tables.iter_mut().find(known) else {
            return Err(refused("this store was opened without it".to_owned()));
        };
        match writer.row(&self.conn, cells) {
            Ok(()) => {
                self.rows += 1;
                Ok(())
            }
            Err(error) => {
                // SQLite may have given up the whole transaction with the row.
                self.broken |= matches!(error, RowError::Sqlite(_));
                Err(refused(error.to_string()))
            }
        }
    }
}

/// Creates what is missing of a table; false if what is there has another key.
fn bring_up_to_date(conn: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let present = Present::read(conn, table)?;
    if present.is_missing() {
        conn.execute_batch(&schema::create(table))?;
        return Ok(true);
    }
    if !present.has_key_of(table) {
        return Ok(false);
    }
    for column in table.values.iter().filter(|column| !present.has(column)) {
        conn.execute_batch(&schema::add(table, column))?;
    }
    Ok(true)
}
