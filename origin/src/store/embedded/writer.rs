//! Writes a store: one transaction for a whole load.

use super::connect::{self, Identity};
use super::error::{FileError, QueryError, WriteError, is_busy};
use super::schema::{self, APPLICATION_ID, ActualColumns, VERSION};
use super::staging::StagingFile;
use super::summary;
use super::table_writer::{RowError, TableWriter};
use crate::row::{Cell, Sink, SinkError};
use aqs_api::{Catalogue, Table};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

// The file has no readers yet, and is never published after a crash.
const BUILD: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; \
                     PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; \
                     BEGIN EXCLUSIVE";
const PUBLISH: &str = "PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL";
const UPDATE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                      PRAGMA cache_size = -32768; BEGIN IMMEDIATE";
const MERGE_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    pub wait: Duration,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { wait: Duration::from_secs(10) }
    }
}

/// Writes rows into a store. They become visible with [`commit`](Self::commit); if the writer is
/// dropped or the process is killed before, the store stays as it was.
#[derive(Debug)]
pub struct StoreWriter {
    // Dropped before the staging file is removed.
    conn: Connection,
    staging: Option<StagingFile>,
    path: PathBuf,
    tables: Vec<TableWriter>,
    rows: u64,
    broken: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    pub rows: u64,
    /// The datasets in which at least one cell differs from before.
    pub changed: Vec<&'static str>,
}

impl StoreWriter {
    /// Opens the store at a path, or creates it (and its folder) if nothing is there.
    pub fn create_or_open(
        path: &Path,
        catalogue: &Catalogue,
        options: WriterOptions,
    ) -> Result<Self, WriteError> {
        if path.symlink_metadata().is_err() {
            match Self::create(path, catalogue, options) {
                // Another load has created it during the wait.
                Err(WriteError::Exists { .. }) => {}
                created => return created,
            }
        }
        Self::open(path, catalogue, options)
    }

    /// Creates a store in a staging file, without a journal since it has no readers. `commit`
    /// renames it to the path after it is safely on disk.
    pub fn create(
        path: &Path,
        catalogue: &Catalogue,
        options: WriterOptions,
    ) -> Result<Self, WriteError> {
        let path = std::path::absolute(path).map_err(|error| FileError::io(path, error))?;
        let staging = StagingFile::create(&path, options.wait)?;
        let begin = || {
            let conn = connect::writer(staging.path(), options.wait)?;
            conn.execute_batch(BUILD)?;
            Ok(conn)
        };
        let conn = begin().map_err(|error| FileError::sqlite(&path, "creating it", error))?;
        Self::start(path, conn, Some(staging), catalogue)
    }

    /// Opens an existing store.
    pub fn open(
        path: &Path,
        catalogue: &Catalogue,
        options: WriterOptions,
    ) -> Result<Self, WriteError> {
        let real = path.canonicalize().map_err(|error| FileError::io(path, error))?;
        let failed = |error: rusqlite::Error| match is_busy(error.sqlite_error_code()) {
            true => WriteError::Busy { path: path.to_owned(), waited: options.wait },
            false => FileError::sqlite(path, "beginning to write", error).into(),
        };
        let conn = connect::writer(&real, options.wait).map_err(failed)?;
        // A foreign file must not change, and neither must its journal mode.
        connect::identify(&conn, path)?;
        conn.execute_batch(UPDATE).map_err(failed)?;
        Self::start(path.to_owned(), conn, None, catalogue)
    }

    /// Updates the schema of the file, within the transaction.
    fn start(
        path: PathBuf,
        conn: Connection,
        staging: Option<StagingFile>,
        catalogue: &Catalogue,
    ) -> Result<Self, WriteError> {
        let failed = |error| FileError::sqlite(&path, "creating its tables", error);
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
            if !update_schema(&conn, table).map_err(failed)? {
                return Err(wrong(table, "has a key that this program does not know".to_owned()));
            }
        }
        let summaries = summary::read(&conn).map_err(|error| match error {
            QueryError::Sqlite(error) => failed(error).into(),
            error @ (QueryError::Cell { .. }
            | QueryError::NoKey(_)
            | QueryError::Key { .. }
            | QueryError::PartitionValue(_)
            | QueryError::NoTimestamps
            | QueryError::Dates { .. }
            | QueryError::Rows(_)) => {
                WriteError::Summary { path: path.clone(), reason: error.to_string() }
            }
        })?;
        let start = |table: &'static Table| {
            TableWriter::start(&conn, table, catalogue.datasets(), &summaries)
                .map_err(|error| wrong(table, error.to_string()))
        };
        let tables = tables.into_iter().map(start).collect::<Result<_, _>>()?;
        Ok(Self { conn, staging, path, tables, rows: 0, broken: false })
    }

    pub(super) fn parts(&mut self) -> (&Connection, &Path, &mut [TableWriter]) {
        (&self.conn, &self.path, &mut self.tables)
    }

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
        finish().map_err(|error| FileError::sqlite(&self.path, "committing", error))?;
        match self.staging {
            Some(staging) => {
                let close = || {
                    self.conn.execute_batch(PUBLISH)?;
                    self.conn.close().map_err(|(_, error)| error)
                };
                close().map_err(|error| FileError::sqlite(&self.path, "finishing it", error))?;
                staging.publish()?;
            }
            // If readers prevent it, the log is merged later, and nothing is lost.
            None => drop(
                (self.conn.busy_timeout(MERGE_TIMEOUT))
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
            return Err(refused("an earlier row could not be written".to_owned()));
        }
        let mut tables = self.tables.iter_mut();
        let Some(writer) = tables.find(|writer| writer.table.name == table.name) else {
            return Err(refused("the catalogue of this store does not have it".to_owned()));
        };
        match writer.row(&self.conn, cells) {
            Ok(()) => {
                self.rows += 1;
                Ok(())
            }
            Err(error) => {
                // SQLite may have rolled back the whole transaction.
                self.broken |= matches!(error, RowError::Sqlite(_));
                Err(refused(error.to_string()))
            }
        }
    }
}

/// Creates what is missing of a table. Returns false if the existing table has another key.
fn update_schema(conn: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let columns = ActualColumns::read(conn, table)?;
    if columns.is_empty() {
        conn.execute_batch(&schema::create(table))?;
        return Ok(true);
    }
    if !columns.has_key_of(table) {
        return Ok(false);
    }
    for column in table.values.iter().filter(|column| !columns.contains(column)) {
        conn.execute_batch(&schema::add(table, column))?;
    }
    Ok(true)
}
