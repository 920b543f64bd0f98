//! Loads files into Cassandra.

use super::files::Options;
use super::report::{Progress, Report};
use super::source::{Input, Source};
use super::{LoadError, source};
use crate::row::{Cell, Sink, SinkError};
use crate::store::cassandra::{self, CassandraWriter, WriteOptions};
use aqs_api::{Catalogue, Table};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Loads files into Cassandra. Must not be called within the runtime.
///
/// It is not a transaction: after an error, all earlier rows are written. A row that is written
/// again replaces itself, so that a repeated load completes an interrupted one. A strict load reads
/// all files beforehand, so that it writes nothing if a row is bad.
pub fn into_cluster(
    input: &Input,
    cluster: &cassandra::Options,
    catalogue: &Catalogue,
    options: Options,
    writing: &WriteOptions,
    runtime: &Handle,
    progress: &mut dyn Progress,
) -> Result<Report, LoadError> {
    let tables = catalogue.tables();
    let sources = source::find(input, &tables)?;
    if options.strict {
        if sources.iter().any(Source::is_standard_input) {
            return Err(LoadError::InputTwice);
        }
        let mut check = CheckOnly { stop: &writing.stop };
        super::files(input, catalogue, &mut check, options, &mut ())?;
    }
    let loaded: Vec<_> = sources.iter().map(|source| source.table).collect();
    let mut writer = CassandraWriter::open(runtime.clone(), cluster, &loaded, writing)?;
    let report = super::files(input, catalogue, &mut writer, options, progress);
    writer.flush();
    report
}

struct CheckOnly<'a> {
    stop: &'a CancellationToken,
}

impl Sink for CheckOnly<'_> {
    fn row(&mut self, _: &'static Table, _: &[Cell<'_>]) -> Result<(), SinkError> {
        if self.stop.is_cancelled() { Err(SinkError::Interrupted) } else { Ok(()) }
    }
}
