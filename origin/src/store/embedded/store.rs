//! The embedded store for its readers.

use super::connect::Access;
use super::error::{OpenError, QueryError, is_busy};
use super::integrity::{self, Integrity, TableState};
use super::opened::{FileState, MAX_READERS, Opened};
use super::pool::{JobError, Pool};
use super::projects::ProjectTable;
use super::read;
use super::summary::{self, Summary};
use crate::metric_declarations::Declarations;
use crate::request_context::{Priority, RequestContext};
use crate::store::{Store, StoreError};
use aqs_api::table::Content;
use aqs_api::{Catalogue, Coverage, Dataset, Lookup, Read, Rows, Table};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

const STORE: &str = "embedded";
const DAMAGED: &str = "the file is damaged; load the data into a new path";
/// The limit of reads without a request: of summaries and the change counter.
const INTERNAL_TIMEOUT: Duration = Duration::from_secs(10);
/// The limit of a check of all pages.
const CHECK_TIMEOUT: Duration = Duration::from_secs(600);
/// Damage that a read meets is looked into after this time.
const RECHECK_DELAY: Duration = Duration::from_secs(1);
/// How often a read is repeated because the file has changed.
const ATTEMPTS: usize = 3;
/// The limit of open files with default options: the database, its log and the index of that, for
/// each reader, the watcher and the check.
pub const MAX_OPEN_FILES: usize = 3 * (MAX_READERS + 2);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The number of concurrent reads; by default one for each processor, but from 2 to 8.
    pub readers: Option<NonZeroUsize>,
    pub access: Access,
}

/// A store in one SQLite file, read by a few connections on blocking threads.
#[derive(Debug)]
pub struct EmbeddedStore {
    opened: ArcSwap<Opened>,
    /// Held while the file is opened anew.
    reopening: tokio::sync::Mutex<()>,
    /// Why the file could not be opened anew.
    unopened: Mutex<Option<String>>,
    integrity: Integrity,
    datasets: Vec<&'static Dataset>,
    tables: Vec<&'static Table>,
    project_tables: Vec<ProjectTable>,
    options: Options,
    path: PathBuf,
}

impl EmbeddedStore {
    /// Opens an existing store. This reads a few pages, so an async thread may call it during the
    /// start of the program, but not later.
    pub fn open(path: &Path, catalogue: &Catalogue, options: Options) -> Result<Self, OpenError> {
        let tables = catalogue.tables();
        Ok(Self {
            opened: ArcSwap::from_pointee(Opened::open(path, options, None)?),
            reopening: tokio::sync::Mutex::default(),
            unopened: Mutex::default(),
            integrity: Integrity::new(&tables),
            datasets: catalogue.datasets().to_vec(),
            tables,
            project_tables: ProjectTable::all(catalogue),
            options,
            path: path.to_owned(),
        })
    }

    /// The access that was possible: `Immutable` also if the file's folder can't be written.
    pub fn access(&self) -> Access {
        self.opened.load().access
    }

    async fn summaries(&self) -> Result<BTreeMap<String, Summary>, StoreError> {
        let found = self.run(&internal_context(), |opened| &opened.readers, summary::read).await;
        let (_, found) = found.map_err(|error| self.error("the summaries of datasets", error))?;
        Ok(found)
    }

    /// Runs a job with a connection of a pool. Returns the open file with what the job returned.
    /// What is read from a file that changes under an immutable connection is discarded: the file
    /// is opened anew, and the job repeated.
    async fn run<T: Send + 'static>(
        &self,
        ctx: &RequestContext,
        pool: impl Fn(&Opened) -> &Pool,
        job: impl Fn(&Connection) -> Result<T, QueryError> + Clone + Send + 'static,
    ) -> Result<(Arc<Opened>, T), RunError> {
        for _ in 0..ATTEMPTS {
            let opened = self.opened.load_full();
            let (file, path, job) = (Arc::clone(&opened), self.path.clone(), job.clone());
            let checked = move |conn: &Connection| {
                let unchanged = || file.is_unchanged(&path);
                let done = unchanged().then(|| job(conn));
                done.filter(|_| unchanged()).transpose()
            };
            match pool(&opened).run(ctx, checked).await {
                Ok(Some(done)) => return Ok((opened, done)),
                Ok(None) | Err(JobError::Closed) => {
                    let reopened = timeout_at(ctx.deadline.into(), self.reopen(&opened)).await;
                    reopened.map_err(|_| RunError::Job(JobError::Timeout))??;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(OpenError::Changing { path: self.path.clone() }.into())
    }

    /// Closes the file, and opens what is at the path now. Does nothing if another call has done so.
    async fn reopen(&self, old: &Arc<Opened>) -> Result<(), OpenError> {
        let _reopening = self.reopening.lock().await;
        if !Arc::ptr_eq(&self.opened.load(), old) {
            return Ok(());
        }
        // First: while a log is in use, SQLite does not notice that its file is another one.
        old.close().await;
        let (path, options, previous) = (self.path.clone(), self.options, Arc::clone(old));
        let opening = task::spawn_blocking(move || Opened::open(&path, options, Some(&previous)));
        let opened =
            opening.await.unwrap_or_else(|_| Err(OpenError::Changing { path: self.path.clone() }));
        let path = self.path.display();
        let mut unopened = self.unopened.lock().unwrap_or_else(PoisonError::into_inner);
        match opened {
            Ok(opened) => {
                *unopened = None;
                tracing::info!(%path, "the file of the store has changed and was opened anew");
                self.opened.store(Arc::new(opened));
                self.integrity.reset();
                Ok(())
            }
            Err(error) => {
                // Each read tries again. A load that runs is no failure.
                let is_load =
                    matches!(error, OpenError::Changing { .. } | OpenError::UnmergedLog { .. });
                if unopened.is_none() && is_load {
                    tracing::info!(%error, "the file of the store has changed");
                } else if unopened.is_none() {
                    tracing::error!(%error, "the file of the store has changed and can't be opened");
                }
                *unopened = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Looks for damage.
    async fn check(&self) {
        let opened = self.opened.load_full();
        let started = Instant::now();
        let ctx = RequestContext::new(started + CHECK_TIMEOUT, Priority::Warm, 0);
        let (file, path, tables) = (Arc::clone(&opened), self.path.clone(), self.tables.clone());
        let job = move |conn: &Connection| {
            let states = integrity::check(conn, &tables);
            file.is_unchanged(&path).then_some(states).transpose()
        };
        let checked = opened.checker.run(&ctx, job);
        match opened.closing.run_until_cancelled(checked).await {
            // Another file is checked from the beginning.
            None | Some(Ok(None) | Err(JobError::Closed | JobError::Stopped)) => return,
            Some(Ok(Some(states))) => {
                states.into_iter().for_each(|(table, state)| self.integrity.set(table, state));
            }
            Some(Err(JobError::Timeout)) => {
                let limit = CHECK_TIMEOUT.as_secs();
                tracing::warn!(limit, "the check of the store took too long and was ended");
            }
            Some(Err(JobError::Failed(error))) if is_damage(&error) => {
                let damaged = |table: &&Table| {
                    self.integrity.set(table.name, TableState::Damaged(error.to_string()));
                };
                self.tables.iter().for_each(damaged);
            }
            Some(Err(JobError::Failed(error))) => {
                tracing::warn!(%error, "failed to check the store");
            }
        }
        tracing::debug!(seconds = started.elapsed().as_secs_f64(), "checked the store");
    }

    fn error(&self, read: &str, error: RunError) -> StoreError {
        match error {
            RunError::Job(error) => store_error(read.to_owned(), error),
            RunError::Open(error) => {
                StoreError::Unavailable { store: STORE, reason: error.to_string() }
            }
        }
    }
}

#[derive(Debug)]
enum RunError {
    Job(JobError),
    Open(OpenError),
}

impl From<JobError> for RunError {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

impl From<OpenError> for RunError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn identity(&self) -> Vec<String> {
        let real = self.path.canonicalize();
        let path = real.as_deref().unwrap_or(&self.path);
        vec![format!("{STORE} {}", path.display())]
    }

    async fn read(&self, lookup: &Lookup, ctx: &RequestContext) -> Result<Rows, StoreError> {
        let read = match lookup {
            Lookup::Points(read) => read,
            Lookup::Events(read) => return Err(StoreError::no_events(STORE, read)),
        };
        if let Some(damage) = self.integrity.damage(read.table.name) {
            let reason = format!("{damage}: {DAMAGED}");
            return Err(StoreError::Failed { store: STORE, read: describe(read), reason });
        }
        let job = read.clone();
        let job = move |conn: &Connection| read::partition(conn, &job);
        match self.run(ctx, |opened| &opened.readers, job).await {
            Ok((_, rows)) => Ok(rows),
            Err(error) => {
                if let RunError::Job(JobError::Failed(error)) = &error
                    && is_damage(error)
                {
                    self.integrity.suspect(read.table.name, error.to_string());
                }
                Err(self.error(&describe(read), error))
            }
        }
    }

    async fn versions(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        let found = self.summaries().await?;
        // Another file may have as many loads.
        let file = self.opened.load().state.file_number();
        let version = |name| match found.get(name) {
            Some(summary) if summary.version > 0 => hash((file, summary.version)),
            Some(_) | None => 0,
        };
        Ok(self.datasets.iter().map(|dataset| (dataset.name, version(dataset.name))).collect())
    }

    async fn change_token(&self) -> Result<u64, StoreError> {
        let path = self.path.clone();
        let job = move |conn: &Connection| {
            let counter =
                conn.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0))?;
            Ok((counter, FileState::of(&path)))
        };
        for _ in 0..ATTEMPTS {
            let found = self.run(&internal_context(), |opened| &opened.watcher, job.clone()).await;
            let (opened, (counter, state)) =
                found.map_err(|error| self.error("its change counter", error))?;
            let removed = match state {
                Ok(state) if state == opened.state => return Ok(hash((opened.number, counter))),
                // Also after a load was merged into the file, which does no harm.
                Ok(_) => {
                    let reopened = self.reopen(&opened).await;
                    reopened.map_err(|error| self.error("", error.into()))?;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    "was removed while it was open; it is served until another file is put there"
                        .to_owned()
                }
                Err(error) => error.to_string(),
            };
            let reason = format!("{}: {removed}", self.path.display());
            return Err(StoreError::Unavailable { store: STORE, reason });
        }
        Err(self.error("", OpenError::Changing { path: self.path.clone() }.into()))
    }

    async fn coverage(&self) -> Result<Coverage, StoreError> {
        let found = self.summaries().await?;
        let mut coverage = Coverage::default();
        for dataset in &self.datasets {
            if let Some(extent) = found.get(dataset.name).and_then(Summary::extent) {
                coverage.insert(dataset, extent);
            }
        }
        for table in &self.project_tables {
            let reading = table.clone();
            let job = move |conn: &Connection| Ok(reading.read(conn)?);
            // Without them the table is served all the same; a damaged one is reported elsewhere.
            let found = self.run(&internal_context(), |opened| &opened.readers, job).await;
            let Ok((_, projects)) = found else { continue };
            for dataset in &self.datasets {
                if dataset.table().is_some_and(|other| other.name == table.table.name) {
                    coverage.insert_projects(dataset, Arc::clone(&projects));
                }
            }
        }
        Ok(coverage)
    }

    fn health_issues(&self) -> Vec<String> {
        let unopened = self.unopened.lock().unwrap_or_else(PoisonError::into_inner).clone();
        unopened.into_iter().chain(self.integrity.issues()).collect()
    }

    fn damaged(&self) -> Vec<&'static Dataset> {
        let damaged = |dataset: &&&'static Dataset| match dataset.content {
            Content::Table { table, .. } => self.integrity.damage(table.name).is_some(),
            Content::Events { .. } => false,
        };
        self.datasets.iter().filter(damaged).copied().collect()
    }

    fn declare(&self, declarations: &mut Declarations<'_>) -> Result<(), prometheus::Error> {
        self.integrity.declare(&self.path, declarations)
    }

    /// Looks for damage at the start, when another file was opened, and when a read meets damage.
    async fn run(&self, cancel: CancellationToken) {
        let checks = async {
            loop {
                self.check().await;
                self.integrity.recheck.notified().await;
                tokio::time::sleep(RECHECK_DELAY).await;
            }
        };
        cancel.run_until_cancelled::<_>(checks).await;
    }
}

fn hash(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

fn is_damage(error: &QueryError) -> bool {
    matches!(error.sqlite_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
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
        JobError::Stopped | JobError::Closed => {
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
        _ if is_damage(&error) => {
            let reason = format!("{error}: {DAMAGED}");
            StoreError::Failed { store: STORE, read, reason }
        }
        _ => StoreError::Failed { store: STORE, read, reason: error.to_string() },
    }
}
