//! What can be wrong with a store's file, in words for who runs it.

use super::schema::VERSION;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// A file that is no store of this program.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// It holds nothing.
    #[error("{path} is empty: no load into it was ever finished; fill it with `aqs load`")]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// It isn't an SQLite database.
    #[error(
        "{path} is not an embedded store: it is no SQLite database, or its beginning is damaged"
    )]
    NotSqlite {
        /// Which file.
        path: PathBuf,
    },
    /// It is another program's.
    #[error(
        "{path} is an SQLite database, but not a store of aqs (application id {found:#x}); \
         name another path"
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// What its header says.
        found: i32,
    },
    /// Another version of this program made it.
    #[error(
        "{path} is a store of schema version {found}, and this program knows version {VERSION}; \
         load the data with this program into a new path (`aqs load`), or run the program that \
         made it"
    )]
    Version {
        /// Which file.
        path: PathBuf,
        /// What its header says.
        found: i32,
    },
    /// SQLite can't work with it.
    #[error("{path}: {doing} failed: {source}")]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// What was attempted.
        doing: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The system can't.
    #[error("{path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl FileError {
    /// Whether the file itself is at fault, and not the moment.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt)
            }
            Self::Io { .. } => false,
            _ => true,
        }
    }
}

/// A store could not be opened for reading.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is nothing at the path.
    #[error("there is no store at {path}; make one with `aqs load`, or correct the path")]
    Missing {
        /// Which path.
        path: PathBuf,
    },
    /// Something else than a file is at the path.
    #[error("{path} is not a file; name the store's file, not its folder")]
    NotAFile {
        /// Which path.
        path: PathBuf,
    },
    /// The store must be opened as immutable, and a load of it was not merged.
    #[error(
        "{path} can only be read as it is, and {log} beside it holds {bytes} bytes of a load that \
         would not be seen; open the store once where its folder can be written, or remove the \
         log if that load may be lost"
    )]
    UnmergedLog {
        /// Which store.
        path: PathBuf,
        /// Its log.
        log: PathBuf,
        /// How long that is.
        bytes: u64,
    },
    /// The file is no store.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A store could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Another writer is at work.
    #[error(
        "another load into {path} is running (waited {} s for it); try again when it has ended",
        waited.as_secs()
    )]
    Busy {
        /// Which store.
        path: PathBuf,
        /// For how long its end was awaited.
        waited: Duration,
    },
    /// A new store was to be made where something is already.
    #[error("{path} exists already; name a new path, or load into the store that is there")]
    Exists {
        /// Which path.
        path: PathBuf,
    },
    /// A table in the file isn't what its description says.
    #[error("{path}: table {table:?} {reason}; load the data into a new path")]
    Table {
        /// Which store.
        path: PathBuf,
        /// Which table.
        table: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// What the file says about its datasets makes no sense.
    #[error("{path}: {reason}: the file is damaged; load the data into a new path")]
    Summary {
        /// Which store.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A row failed before, so there is nothing whole to commit.
    #[error("{path}: nothing was committed, because a row before could not be written")]
    Broken {
        /// Which store.
        path: PathBuf,
    },
    /// The file is no store.
    #[error(transparent)]
    File(#[from] FileError),
}

impl FileError {
    /// Tells what SQLite means.
    pub(super) fn of(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => Self::NotSqlite { path },
            _ => Self::Sqlite { path, doing, source },
        }
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

/// Whether SQLite gave up waiting for another connection.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// Whether a statement names what the file doesn't have.
pub(super) fn names_what_is_missing(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::Unknown;
    matches!(error, rusqlite::Error::SqlInputError { .. })
        || error.sqlite_error_code() == Some(Unknown)
}
