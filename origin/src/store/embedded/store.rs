//! The embedded store for its readers.

use super::connect::{self, Access, FileId, Identity};
use super::error::{FileError, OpenError, is_busy};
use super::pool::{JobError, Pool};
use super::read;
use super::summary::{self, Summary};
use crate::request_context::{Priority, RequestContext};
use crate::store::{Store, StoreError};
use aqs_api::{Catalogue, Coverage, Dataset, Lookup, Read, Rows};
use async_trait::async_trait;
use rusqlite::ErrorCode;
use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const STORE: &str = "embedded";
/// The limit of reads without a request: of summaries and the change counter.
const INTERNAL_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_READERS: usize = 8;
/// The limit of open files with default options: the database, its log and the index of that, for
/// each reader and the watcher.
pub const MAX_OPEN_FILES: usize = 3 * (MAX_READERS + 1);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The number of concurrent reads; by default one for each processor, but from 2 to 8.
    pub readers: Option<NonZeroUsize>,
    pub access: Access,
}

/// A store in one SQLite file, read by a few connections on blocking threads.
#[derive(Debug)]
pub struct EmbeddedStore {
    readers: Pool,
    /// Always the same connection, because SQLite counts changes by connection.
    watcher: Pool,
    datasets: Vec<&'static Dataset>,
    access: Access,
    path: PathBuf,
    /// The file that was at the path when it was opened.
    file: FileId,
}

impl EmbeddedStore {
    /// Opens an existing store. This reads a few pages, so an async thread may call it during the
    /// start of the program, but not later.
    pub fn open(path: &Path, catalogue: &Catalogue, options: Options) -> Result<Self, OpenError> {
        let found = path.metadata().map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                return OpenError::Missing { path: path.to_owned() };
            }
            FileError::io(path, error).into()
        })?;
        if !found.is_file() {
            return Err(OpenError::NotAFile { path: path.to_owned() });
        }
        if found.len() == 0 {
            return Err(FileError::Empty { path: path.to_owned() }.into());
        }
        // The log is next to the file itself, not next to a link to it.
        let real = path.canonicalize().map_err(|error| FileError::io(path, error))?;
        let (watcher, access) = connect::first_reader(&real, options.access)?;
        if connect::identify(&watcher, path)? == Identity::Blank {
            return Err(FileError::Empty { path: path.to_owned() }.into());
        }
        let default = || thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let readers = options.readers.map_or_else(|| default().clamp(2, MAX_READERS), Into::into);
        let readers = (0..readers).map(|_| connect::reader(&real, access));
        Ok(Self {
            readers: Pool::new(readers.collect::<Result<_, _>>()?),
            watcher: Pool::new(vec![watcher]),
            datasets: catalogue.datasets().to_vec(),
            access,
            path: real,
            file: FileId::of(&found),
        })
    }

    /// The access that was possible: `Immutable` also if the file's folder can't be written, so
    /// that later loads are not noticed.
    pub fn access(&self) -> Access {
        self.access
    }

    async fn summaries(&self) -> Result<BTreeMap<String, Summary>, StoreError> {
        let found = self.readers.run(&internal_context(), summary::read).await;
        found.map_err(|error| store_error("the summaries of datasets".to_owned(), error))
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn identity(&self) -> Vec<String> {
        vec![format!("{STORE} {}", self.path.display())]
    }

    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        let read = match lookup {
            Lookup::Points(read) => read,
            Lookup::Events(read) => return Err(StoreError::no_events(STORE, read)),
        };
        let job = read.clone();
        let rows = self.readers.run(ctx, move |conn| read::partition(conn, &job)).await;
        rows.map_err(|error| store_error(describe(read), error))
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        let found = self.summaries().await?;
        let version = |name| found.get(name).map_or(0, |summary| summary.version);
        Ok(self.datasets.iter().map(|dataset| (dataset.name, version(dataset.name))).collect())
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        let (path, file) = (self.path.clone(), self.file);
        let job = move |conn: &rusqlite::Connection| {
            let token =
                conn.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0))?;
            Ok((token, path.metadata().is_ok_and(|found| FileId::of(&found) == file)))
        };
        let found = self.watcher.run(&internal_context(), job).await;
        match found.map_err(|error| store_error("its change counter".to_owned(), error))? {
            (token, true) => Ok(token as u64),
            // Loads would go into the new file, or their log would be next to it.
            (_, false) => Err(StoreError::Unavailable {
                store: STORE,
                reason: format!(
                    "{} was replaced or removed while it was open; the old file is served until \
                     a restart (load into a store instead of replacing it)",
                    self.path.display()
                ),
            }),
        }
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        let found = self.summaries().await?;
        let mut coverage = Coverage::default();
        for dataset in &self.datasets {
            if let Some(extent) = found.get(dataset.name).and_then(Summary::extent) {
                coverage.insert(dataset, extent);
            }
        }
        Ok(coverage)
    }
}

fn internal_context() -> RequestContext {
    RequestContext::new(Instant::now() + INTERNAL_TIMEOUT, Priority::Live, 0)
}

fn describe(read: &Read) -> String {
    let key: Vec<&str> = read.partition.iter().collect();
    let text = format!("{} {key:?}", read.table.name);
    match &read.range {
        Some((first, last)) => format!("{text} from {} to {}", first.as_str(), last.as_str()),
        None => text,
    }
}

fn store_error(read: String, error: JobError) -> StoreError {
    let error = match error {
        JobError::Timeout => return StoreError::Timeout { store: STORE, read },
        JobError::Stopped => {
            let reason = format!("the program is stopping (reading {read})");
            return StoreError::Unavailable { store: STORE, reason };
        }
        JobError::Failed(error) => error,
    };
    match error.sqlite_code() {
        code if is_busy(code) => {
            let reason = format!("{error} (reading {read})");
            StoreError::Unavailable { store: STORE, reason }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            let reason = format!("{error}: the file is damaged; load the data into a new path");
            StoreError::Failed { store: STORE, read, reason }
        }
        _ => StoreError::Failed { store: STORE, read, reason: error.to_string() },
    }
}
