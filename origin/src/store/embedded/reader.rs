//! The embedded store as its askers see it.

use super::connect::{self, Access, Identity};
use super::error::{FileError, OpenError};
use super::pool::{JobError, Pool};
use super::read::{self, ReadError, Selects};
use super::summary::{self, Summary, SummaryError};
use crate::request_context::{Priority, RequestContext};
use crate::store::{Store, StoreError};
use aqs_api::{Catalogue, Coverage, Dataset, Lookup, Read, Rows};
use async_trait::async_trait;
use rusqlite::ErrorCode;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const STORE: &str = "embedded";
// What is asked on the house's own account is small.
const OWN_QUESTIONS: Duration = Duration::from_secs(10);

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How many reads run at once; by default one for each processor, but 2 at least and 8 at
    /// most.
    pub readers: Option<NonZeroUsize>,
    /// Whether a load by another process can be seen.
    pub access: Access,
}

/// A store in one file of SQLite, read by a few connections on threads that may block.
#[derive(Debug)]
pub struct EmbeddedStore {
    readers: Pool,
    /// One connection that stays the same, because SQLite counts changes by connection.
    watcher: Pool,
    selects: Arc<Selects>,
    datasets: Vec<&'static Dataset>,
    access: Access,
    /// The file that is open, and where it was found.
    path: PathBuf,
    file: FileId,
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    fn at(path: &Path) -> std::io::Result<Self> {
        let found = path.metadata()?;
        Ok(Self(found.dev(), found.ino()))
    }
}

impl EmbeddedStore {
    /// Opens a store that is there. This reads a few pages, so a runtime's thread may do it
    /// while a program starts, but not later.
    pub fn open(path: &Path, catalogue: &Catalogue, options: Options) -> Result<Self, OpenError> {
        let found = path.metadata().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => OpenError::Missing { path: path.to_owned() },
            _ => FileError::io(path, error).into(),
        })?;
        if !found.is_file() {
            return Err(OpenError::NotAFile { path: path.to_owned() });
        }
        if found.len() == 0 {
            return Err(FileError::Empty { path: path.to_owned() }.into());
        }
        // The log lies beside the file itself, not beside a link to it.
        let real = path.canonicalize().map_err(|error| FileError::io(path, error))?;
        let file = FileId::at(&real).map_err(|error| FileError::io(path, error))?;
        let (first, access) = connect::first_reader(&real, options.access)?;
        if connect::identify(&first, path)? == Identity::Blank {
            return Err(FileError::Empty { path: path.to_owned() }.into());
        }
        let count = options.readers.map_or_else(default_readers, NonZeroUsize::get);
        let more = (0..count).map(|_| connect::reader(&real, access));
        Ok(Self {
            readers: Pool::new(more.collect::<Result<_, _>>()?),
            watcher: Pool::new(vec![first]),
            selects: Arc::new(Selects::of(catalogue)),
            datasets: catalogue.datasets().to_vec(),
            access,
            path: real,
            file,
        })
    }

    /// How the file is treated in the end: `Immutable` also if its folder can't be written, and
    /// then whoever runs the program should know that loads are not seen.
    pub fn access(&self) -> Access {
        self.access
    }

    async fn summaries(&self, asked: &str) -> Result<BTreeMap<String, Summary>, StoreError> {
        let code = |error: &SummaryError| match error {
            SummaryError::Sqlite(error) => error.sqlite_error_code(),
            SummaryError::Dates { .. } => None,
        };
        let found = self.readers.run(&own_question(), summary::read).await;
        found.map_err(|error| explain(|| asked.to_owned(), error, code))
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn identity(&self) -> Vec<String> {
        // Wherever the program was started.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        vec![format!("{STORE} {}", path.display())]
    }

    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        let Lookup::Points(read) = lookup;
        let code = |error: &ReadError| match error {
            ReadError::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        };
        let (selects, job) = (Arc::clone(&self.selects), read.clone());
        let rows = self.readers.run(ctx, move |conn| read::partition(conn, &selects, &job)).await;
        rows.map_err(|error| explain(|| describe(read), error, code))
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        let found = self.summaries("the versions of datasets").await?;
        let version = |dataset: &&'static Dataset| {
            (dataset.name, found.get(dataset.name).map_or(0, |summary| summary.version))
        };
        Ok(self.datasets.iter().map(version).collect())
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        let (path, file) = (self.path.clone(), self.file);
        let mark = move |conn: &rusqlite::Connection| {
            let mut statement = conn.prepare_cached("PRAGMA data_version")?;
            let mark = statement.query_row([], |row| row.get::<_, i64>(0))?;
            Ok((mark, FileId::at(&path).is_ok_and(|found| found == file)))
        };
        let found = self.watcher.run(&own_question(), mark).await.map_err(|error| {
            explain(|| "its change counter".to_owned(), error, rusqlite::Error::sqlite_error_code)
        });
        match found? {
            (mark, true) => Ok(mark as u64),
            // Loads would go into the new file, and its log is beside the old one's name.
            (_, false) => Err(StoreError::Unavailable {
                store: STORE,
                reason: format!(
                    "{} was replaced or removed while it was open; what is served is the old \
                     file, until a restart (load into a store instead of replacing it)",
                    self.path.display()
                ),
            }),
        }
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        let found = self.summaries("what it covers").await?;
        let mut coverage = Coverage::default();
        for dataset in &self.datasets {
            if let Some(extent) = found.get(dataset.name).and_then(Summary::extent) {
                coverage.insert(dataset, extent);
            }
        }
        Ok(coverage)
    }
}

/// How many reads run at once at most, unless somebody says otherwise.
const MOST_READERS: usize = 8;
/// How many files a store of default options has open at most: the database, its journal and their
/// index, for each connection and the one that watches.
pub const MOST_FILES: usize = 3 * (MOST_READERS + 1);

fn default_readers() -> usize {
    thread::available_parallelism().map_or(2, NonZeroUsize::get).clamp(2, MOST_READERS)
}

fn own_question() -> RequestContext {
    RequestContext::new(Instant::now() + OWN_QUESTIONS, Priority::Live, 0)
}

/// What was asked, in words: table, key, range.
fn describe(read: &Read) -> String {
    let key: Vec<&str> = read.partition.iter().collect();
    let mut words = format!("{} {key:?}", read.dataset.table.name);
    if let Some((first, last)) = &read.range {
        let _ = write!(words, " from {} to {}", first.as_str(), last.as_str());
    }
    words
}

fn explain<E: Display>(
    asked: impl FnOnce() -> String,
    error: JobError<E>,
    code: impl FnOnce(&E) -> Option<ErrorCode>,
) -> StoreError {
    let asked = asked();
    let error = match error {
        JobError::Timeout => return StoreError::Timeout { store: STORE, asked },
        JobError::Stopped => {
            let reason = format!("the program is stopping (asked for {asked})");
            return StoreError::Unavailable { store: STORE, reason };
        }
        JobError::Failed(error) => error,
    };
    let reason = error.to_string();
    match code(&error) {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let reason = format!("{reason} (asked for {asked})");
            StoreError::Unavailable { store: STORE, reason }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            let reason =
                format!("{reason}: the file is damaged; load the data anew, into a new path");
            StoreError::Failed { store: STORE, asked, reason }
        }
        _ => StoreError::Failed { store: STORE, asked, reason },
    }
}
