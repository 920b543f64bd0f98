//! Writing rows to a cluster, many at a time.

mod acks;
mod error;
mod group;
mod prepare;
mod retry;
mod row;
mod task;

pub use error::WriterError;

use super::options::Options;
use super::session;
use crate::load::Journal;
use crate::load::row::{Cell, Sink, SinkError};
use acks::Acks;
use aqs_api::Table;
use group::Group;
use prepare::Prepared;
use row::Row;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use task::Shared;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How a cluster is written.
#[derive(Clone, Debug)]
pub struct Writing {
    /// How many rows are under way at once.
    pub concurrency: u16,
    /// Where it is kept how far a load is, if anywhere.
    pub state: Option<PathBuf>,
    /// Whether to begin anew although an earlier load was interrupted.
    pub restart: bool,
    /// Ends the load in order.
    pub stop: CancellationToken,
}

/// Writes rows to a cluster from a thread that may block. Those of one file are under way side
/// by side; [`Sink::end`] waits for all of them.
///
/// Each row carries the time at which it was given as its timestamp, so that of two rows with
/// one key the later counts, and a late retry does not undo a newer load.
#[derive(Debug)]
pub struct CassandraWriter {
    runtime: Handle,
    shared: Arc<Shared>,
    tables: HashMap<&'static str, Prepared>,
    journal: Journal,
    tags: Arc<Semaphore>,
    concurrency: u32,
    tasks: TaskTracker,
    file: Option<File>,
    line: u64,
    last_micros: i64,
    /// What is not yet under way, because more may go with it.
    held: Option<Group>,
    /// How many rows an earlier load had written.
    before: u64,
}

#[derive(Clone, Copy, Debug)]
struct File {
    table: &'static str,
    /// The lines that an earlier load has written.
    before: u64,
}

impl CassandraWriter {
    /// Connects, and prepares the statements of these tables. It must not be called from within
    /// the runtime.
    ///
    /// It fails if there is no session, or a table or a column is not there.
    pub fn open(
        runtime: Handle,
        options: &Options,
        directory: &Path,
        tables: &[&'static Table],
        writing: &Writing,
    ) -> Result<Self, WriterError> {
        let opening = async {
            let session = session::connect(options).await?;
            let prepared = prepare::all(&session, tables, options.read_consistency()).await?;
            let cluster = prepare::cluster_name(&session).await?;
            Ok::<_, WriterError>((session, prepared, cluster))
        };
        let stopped = writing.stop.run_until_cancelled(opening);
        let (session, prepared, cluster) =
            runtime.block_on(stopped).ok_or(WriterError::Interrupted)??;
        let journal = Journal::open(writing.state.as_deref(), directory, &cluster, writing.restart);
        let concurrency = u32::from(writing.concurrency.max(1));
        Ok(Self {
            runtime,
            shared: Arc::new(Shared::new(session, writing.stop.clone())),
            tables: prepared,
            journal,
            tags: Arc::new(Semaphore::new(concurrency as usize)),
            concurrency,
            tasks: TaskTracker::new(),
            file: None,
            line: 0,
            last_micros: 0,
            held: None,
            before: 0,
        })
    }

    /// Whether it goes on with an earlier load that was interrupted.
    pub fn goes_on(&self) -> bool {
        self.journal.has_earlier()
    }

    /// Ends: waits for what is under way, and keeps how far it came, or forgets it if the load is
    /// `complete`. How many rows needed no writing, since an earlier load had written them.
    pub fn close(mut self, complete: bool) -> u64 {
        self.settle();
        if complete {
            self.journal.remove();
        } else {
            self.journal.save();
        }
        self.before
    }

    /// Has rows written as soon as there is room for them.
    fn send(&mut self, group: Option<Group>) -> Result<(), SinkError> {
        let Some(group) = group else { return Ok(()) };
        let name = group.table.name;
        let prepared = self.tables.get(name).ok_or_else(|| unprepared(name))?.clone();
        let wanted = self.concurrency.min(group.tags());
        let tags = match Arc::clone(&self.tags).try_acquire_many_owned(wanted) {
            Ok(tags) => tags,
            Err(_) => {
                let tags = Arc::clone(&self.tags).acquire_many_owned(wanted);
                match self.runtime.block_on(self.shared.stop.run_until_cancelled(tags)) {
                    Some(Ok(tags)) => tags,
                    Some(Err(_)) | None => return Err(SinkError::Interrupted),
                }
            }
        };
        let written = Arc::clone(&self.shared).write(prepared, group, tags);
        self.tasks.spawn_on(written, &self.runtime);
        Ok(())
    }

    /// Waits for what is under way.
    fn settle(&mut self) {
        self.tasks.close();
        self.runtime.block_on(self.tasks.wait());
        self.tasks.reopen();
        if let Some(file) = self.file {
            self.journal.reached(file.table, self.shared.acks().wholly());
        }
    }

    /// What is wrong with an earlier row, if anything is.
    fn check(&self, table: &'static str) -> Result<(), SinkError> {
        match self.shared.acks().failure() {
            Some(failure) => {
                Err(SinkError::Late { table, line: failure.line, reason: failure.reason.clone() })
            }
            None if self.shared.stop.is_cancelled() => Err(SinkError::Interrupted),
            None => Ok(()),
        }
    }

    /// The time, and always later than before.
    fn micros(&mut self) -> i64 {
        // Cassandra's clock, and not one that a test could set: rows contend with those of others.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.last_micros = now.max(self.last_micros.saturating_add(1));
        self.last_micros
    }
}

impl Sink for CassandraWriter {
    fn begin(&mut self, table: &'static Table, path: &Path) -> Result<(), SinkError> {
        let name = table.name;
        let prepared = self.tables.get(name).ok_or_else(|| unprepared(name))?;
        let failed = |source| SinkError::File { path: path.display().to_string(), source };
        let before = self.journal.begin(name, &prepared.id, path).map_err(failed)?;
        *self.shared.acks() = Acks::after(before);
        self.file = Some(File { table: name, before });
        self.line = 0;
        Ok(())
    }

    fn line(&mut self, number: u64) {
        self.line = number;
    }

    fn row(&mut self, table: &'static Table, cells: &[Cell<'_>]) -> Result<(), SinkError> {
        let name = table.name;
        self.check(name)?;
        if self.file.is_some_and(|file| self.line <= file.before) {
            self.before += 1;
            return Ok(());
        }
        let cells = cells.iter().cloned().map(Cell::into_owned).collect();
        let row = Row { line: self.line, cells, micros: self.micros() };
        // From here on it counts as not written, however the load goes on.
        self.shared.acks().given(self.line);
        let left = match &mut self.held {
            Some(held) => held.take(table, row, self.concurrency).err(),
            None => Some(row),
        };
        if let Some(row) = left {
            let full = self.held.replace(Group::of(table, row));
            self.send(full)?;
        }
        if self.line.is_multiple_of(LINES_A_LOOK) {
            self.journal.reached(name, self.shared.acks().wholly());
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), SinkError> {
        let last = self.held.take();
        self.send(last)?;
        self.settle();
        match self.file.take() {
            Some(file) => self.check(file.table),
            None => Ok(()),
        }
    }
}

/// How often it is looked how far the writing is.
const LINES_A_LOOK: u64 = 64;

fn unprepared(table: &'static str) -> SinkError {
    SinkError::Store { table, reason: "no statement was prepared for it".to_owned() }
}
