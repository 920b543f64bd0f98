//! Loading a directory into a cluster.

use super::directory::{self, Options};
use super::error::LoadError;
use super::source;

use super::report::{Progress, Report};
use super::row::{Cell, Sink, SinkError};
use crate::store::cassandra::{self, CassandraWriter, WriteOptions};
use aqs_api::{Catalogue, Table};
use std::path::Path;
use tokio::runtime::Handle;

/// What a load into a cluster has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterReport {
    /// What was read, and what of it was bad.
    pub report: Report,
    /// How many of the rows an earlier load had written, which was interrupted.
    pub before: u64,
}

/// Loads a directory into a cluster, on this thread and the runtime, of which this thread must be
/// no part. A load that didn't come to its end goes on where it was when it is asked for again.
///
/// It is no transaction: after an error, all rows before it are written. A strict load reads all
/// of the directory beforehand, and so writes nothing if a row is bad.
pub fn into_cluster(
    directory: &Path,
    cluster: &cassandra::Options,
    catalogue: &Catalogue,
    options: Options,
    writing: &WriteOptions,
    runtime: &Handle,
    progress: &mut dyn Progress,
) -> Result<ClusterReport, LoadError> {
    let tables = catalogue.tables();
    let sources = source::find(directory, &tables)?;
    if options.strict {
        let mut trial = Trial { writing };
        directory::directory(directory, &tables, &mut trial, options, &mut ())?;
    }
    let whole = directory
        .canonicalize()
        .map_err(|source| LoadError::Directory { path: directory.to_owned(), source })?;
    let filled: Vec<_> = sources.iter().map(|source| source.table).collect();
    let mut writer = CassandraWriter::open(runtime.clone(), cluster, &whole, &filled, writing)?;
    if writer.is_resumed() {
        progress.goes_on();
    }
    let loaded = directory::directory(directory, &tables, &mut writer, options, progress);
    let before = writer.close(loaded.is_ok());
    Ok(ClusterReport { report: loaded?, before })
}

/// Takes rows and does nothing with them.
struct Trial<'a> {
    writing: &'a WriteOptions,
}

impl Sink for Trial<'_> {
    fn row(&mut self, _: &'static Table, _: &[Cell<'_>]) -> Result<(), SinkError> {
        if self.writing.stop.is_cancelled() { Err(SinkError::Interrupted) } else { Ok(()) }
    }
}
