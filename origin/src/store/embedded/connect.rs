//! Connections to a store's file.

use super::error::{FileError, OpenError};
use super::schema::{APPLICATION_ID, VERSION};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::ffi::OsString;
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a reader treats the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// As one that a load may change: what another process commits is seen. Where its folder
    /// can't be written, as `Immutable`.
    #[default]
    Live,
    /// As one that nobody changes, as long as it is open: it is read without locks and a load
    /// is not seen.
    Immutable,
}

// A reader of a WAL waits only while a log is recovered or the last writer leaves.
const READER_PATIENCE: Duration = Duration::from_millis(500);
// Two statements for each table that there will ever be, and a few of the house.
const STATEMENTS: usize = 128;

/// Opens a store's file for reading; tells which access it was in the end.
pub(super) fn first_reader(path: &Path, access: Access) -> Result<(Connection, Access), OpenError> {
    if access == Access::Live {
        match try_reader(path, Access::Live) {
            Ok(conn) => return Ok((conn, Access::Live)),
            Err(error) if needs_writable_folder(&error) && !can_write_beside(path) => {}
            Err(error) => return Err(FileError::of(path, "opening it", error).into()),
        }
    }
    let log = beside(path, "-wal");
    let bytes = log.metadata().map_or(0, |found| found.len());
    if bytes > 0 {
        return Err(OpenError::UnmergedLog { path: path.to_owned(), log, bytes });
    }
    match try_reader(path, Access::Immutable) {
        Ok(conn) => Ok((conn, Access::Immutable)),
        Err(error) => Err(FileError::of(path, "opening it as immutable", error).into()),
    }
}

/// Opens one more connection of the same kind.
pub(super) fn reader(path: &Path, access: Access) -> Result<Connection, FileError> {
    try_reader(path, access).map_err(|error| FileError::of(path, "opening it", error))
}

fn try_reader(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match access {
        Access::Live => Connection::open_with_flags(path, flags)?,
        Access::Immutable => {
            Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?
        }
    };
    prepare(&conn, READER_PATIENCE)?;
    // The first read is what opens log and index, so it shows whether that can be done.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(conn)
}

/// Opens a file for writing, and creates it if there is none.
pub(super) fn writer(path: &Path, patience: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    prepare(&conn, patience)?;
    Ok(conn)
}

fn prepare(conn: &Connection, patience: Duration) -> rusqlite::Result<()> {
    conn.busy_timeout(patience)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise a quoted name that no column has would be read as a text, not refused.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(())
}

/// What a file says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// A store that this program knows.
    Store,
    /// A database in which nothing was ever created.
    Blank,
}

/// Reads what a file says that it is; an error if it is something else.
pub(super) fn identify(conn: &Connection, path: &Path) -> Result<Identity, FileError> {
    let ask = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let read = || {
        let application = ask("PRAGMA application_id")?;
        let version = ask("PRAGMA user_version")?;
        let tables = ask("SELECT count(*) FROM sqlite_schema")?;
        Ok((application as i32, version as i32, tables))
    };
    let found = read().map_err(|error| FileError::of(path, "reading its header", error))?;
    match found {
        (0, 0, 0) => Ok(Identity::Blank),
        (APPLICATION_ID, VERSION, _) => Ok(Identity::Store),
        (APPLICATION_ID, found, _) => Err(FileError::Version { path: path.to_owned(), found }),
        (found, _, _) => Err(FileError::Foreign { path: path.to_owned(), found }),
    }
}

/// A file beside a store's: its name with something appended.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The URI that opens a file as immutable. Everything that could mean something in a URI is
/// escaped, and so is every byte that is no ASCII.
fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri.push_str("?immutable=1");
    uri
}

fn needs_writable_folder(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | PermissionDenied | ReadOnly))
}

/// Whether files can be made beside a store. If in doubt, yes: a store that is only taken for
/// immutable would hide loads.
fn can_write_beside(path: &Path) -> bool {
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
    fn a_path_is_escaped_for_its_uri() {
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
        prepare(&conn, READER_PATIENCE)?;
        assert!(conn.prepare("SELECT \"b\" FROM t").is_err());
        Ok(())
    }
}
