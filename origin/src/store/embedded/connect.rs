//! Connections to a store's file.

use super::error::{FileError, OpenError};
use super::schema::{APPLICATION_ID, VERSION};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Sees what other processes commit. If the file's folder can't be written, this becomes
    /// `Immutable`.
    #[default]
    Live,
    /// Reads without locks. What is read while the file changes is discarded.
    Immutable,
}

// A reader of a WAL waits only while a log is recovered or the last writer closes.
const READER_TIMEOUT: Duration = Duration::from_millis(500);
// More than two for each table.
const CACHED_STATEMENTS: usize = 128;
const ESCAPED_IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_');

/// Opens a store's file for reading. Returns the access that was possible.
pub(super) fn first_reader(path: &Path, access: Access) -> Result<(Connection, Access), OpenError> {
    if access == Access::Live {
        match try_reader(path, Access::Live) {
            Ok(conn) => return Ok((conn, Access::Live)),
            Err(error) if needs_writable_folder(&error) && !can_write_folder_of(path) => {}
            Err(error) => return Err(FileError::sqlite(path, "opening it", error).into()),
        }
    }
    let log = sibling(path, "-wal");
    let bytes = log.metadata().map_or(0, |found| found.len());
    if bytes > 0 {
        return Err(OpenError::UnmergedLog { path: path.to_owned(), log, bytes });
    }
    match try_reader(path, Access::Immutable) {
        Ok(conn) => Ok((conn, Access::Immutable)),
        Err(error) => Err(FileError::sqlite(path, "opening it as immutable", error).into()),
    }
}

pub(super) fn reader(path: &Path, access: Access) -> Result<Connection, FileError> {
    try_reader(path, access).map_err(|error| FileError::sqlite(path, "opening it", error))
}

fn try_reader(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match access {
        Access::Live => Connection::open_with_flags(path, flags)?,
        Access::Immutable => {
            Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?
        }
    };
    configure(&conn, READER_TIMEOUT)?;
    // The first read opens the log and its index, or fails to.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(conn)
}

/// Opens a file for writing, and creates it if there is none.
pub(super) fn writer(path: &Path, timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    configure(&conn, timeout)?;
    Ok(conn)
}

fn configure(conn: &Connection, timeout: Duration) -> rusqlite::Result<()> {
    conn.busy_timeout(timeout)?;
    // Otherwise rows of a damaged page may be missing without an error.
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Otherwise the quoted name of a missing column would be a text instead of an error.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// A store that this program knows.
    Store,
    /// A database in which nothing was ever created.
    Blank,
}

/// Reads what the file is. Fails if it is neither.
pub(super) fn identify(conn: &Connection, path: &Path) -> Result<Identity, FileError> {
    let sql = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) \
               FROM pragma_application_id, pragma_user_version";
    let read = conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)));
    match read.map_err(|error| FileError::sqlite(path, "reading its header", error))? {
        (0, 0, 0) => Ok(Identity::Blank),
        (APPLICATION_ID, VERSION, _) => Ok(Identity::Store),
        (APPLICATION_ID, found, _) => Err(FileError::Version { path: path.to_owned(), found }),
        (found, _, _) => Err(FileError::Foreign { path: path.to_owned(), found }),
    }
}

/// Identifies a file whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }

    /// The number of the file in its file system.
    pub(super) fn number(self) -> u64 {
        self.1
    }
}

pub(super) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The URI that opens a file as immutable.
fn immutable(path: &Path) -> String {
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), ESCAPED_IN_PATH);
    format!("file:{path}?immutable=1")
}

fn needs_writable_folder(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | PermissionDenied | ReadOnly))
}

/// Whether files can be created in the folder of a store. If in doubt, yes: opened as immutable, a
/// store would hide loads.
fn can_write_folder_of(path: &Path) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let Some(folder) = path.parent() else { return true };
    match tempfile::tempfile_in(folder) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_escaped_in_its_uri() {
        assert_eq!(
            immutable(Path::new("/srv/a b?c#d%25/é&mode=rwc")),
            "file:/srv/a%20b%3Fc%23d%2525/%C3%A9%26mode%3Drwc?immutable=1"
        );
    }

    #[test]
    fn a_quoted_name_is_never_a_text() -> rusqlite::Result<()> {
        let conn = Connection::open_in_memory()?;
        conn.execute_batch("CREATE TABLE t (a TEXT)")?;
        assert!(conn.prepare("SELECT \"b\" FROM t").is_ok(), "SQLite's own default has changed");
        configure(&conn, READER_TIMEOUT)?;
        assert!(conn.prepare("SELECT \"b\" FROM t").is_err());
        Ok(())
    }
}
