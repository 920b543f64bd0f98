//! `aqs load`: loads files of NDJSON or CSV into an embedded store or Cassandra.

use super::exit::Exit;
use super::progress::ProgressReporter;
use super::{CommandResult, output};
use crate::config::{self, Config, ConfigArgs};
use crate::signals::Signals;
use aqs_api::calendar::Digits;
use aqs_api::{Catalogue, Dataset};
use aqs_origin::load::{self, Advance, BadRow, Input, LoadError, Options, Progress, Report};
use aqs_origin::store::cassandra::{
    self, Consistency, WriteOptions, WriterError, parse_consistency,
};
use aqs_origin::stores::StoreName;
use clap::{Args, ValueEnum};
use jiff::{Timestamp, ToSpan};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Files, a directory of files, or - for standard input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// The table of a file that is not named after one, or of standard input
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,
    /// The kind of store [default: embedded]
    #[arg(long, value_name = "KIND")]
    pub to: Option<Target>,
    /// The embedded store; created if it doesn't exist
    #[arg(long, value_name = "PATH", required_unless_present = "to")]
    pub store: Option<PathBuf>,
    /// Load nothing if a row is bad, instead of skipping bad rows
    #[arg(long)]
    pub strict: bool,
    /// Load also rows of periods after tomorrow
    #[arg(long)]
    pub allow_future: bool,
    #[command(flatten, next_help_heading = "With --to cassandra")]
    pub cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// A file
    #[default]
    Embedded,
    /// A cluster
    Cassandra,
}

#[derive(Debug, Args)]
pub struct ClusterArgs {
    /// The configuration with the section cassandra [env: AQS_CONFIG]
    #[arg(long, value_name = "FILE", requires = "to")]
    pub config: Option<PathBuf>,
    /// Consistency level of writes, as localQuorum [default: cassandra.consistency]
    #[arg(long, value_name = "LEVEL", requires = "to", value_parser = parse_consistency)]
    pub consistency: Option<Consistency>,
    /// Concurrent writes
    #[arg(long, value_name = "ROWS", default_value_t = 256, requires = "to",
        value_parser = clap::value_parser!(u16).range(1..=16384))]
    pub concurrency: u16,
}

/// How many bad rows are printed.
const MAX_PRINTED: u64 = 20;

impl LoadArgs {
    fn input(&self) -> Input {
        Input { paths: self.paths.clone(), table: self.table.clone() }
    }

    fn options(&self) -> Options {
        let not_after = if self.allow_future { None } else { tomorrow() };
        Options { strict: self.strict, not_after, ..Options::default() }
    }
}

/// The day after today in UTC. Some data are of a day that has begun elsewhere.
fn tomorrow() -> Option<Digits> {
    let tomorrow = Timestamp::now().checked_add(24.hours()).ok()?;
    Digits::from_text(&tomorrow.strftime("%Y%m%d").to_string())
}

/// Loads and prints a summary; bad rows make the exit code 1.
pub fn run(args: &LoadArgs) -> CommandResult {
    let catalogue = Catalogue::standard()?;
    match (args.to.unwrap_or_default(), &args.store) {
        (Target::Embedded, Some(store)) => embedded(args, store, &catalogue),
        (Target::Embedded, None) => Err("name the embedded store with --store PATH".into()),
        (Target::Cassandra, None) => cluster(args, &catalogue),
        (Target::Cassandra, Some(_)) => {
            Err("--store is for an embedded store; --config FILE has the address of Cassandra"
                .into())
        }
    }
}

/// A signal ends it; then the store is as before.
fn embedded(args: &LoadArgs, store: &Path, catalogue: &Catalogue) -> CommandResult {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let stop = CancellationToken::new();
    let signals = runtime.block_on(async { Signals::listen() })?;
    runtime.spawn(stop_on_signal(signals, stop.clone(), "Stopping; a second signal stops at once"));
    let mut progress = LoadProgress::new(stop);
    let loaded = load::into_store(&args.input(), store, catalogue, args.options(), &mut progress);
    let seconds = progress.finish();
    runtime.shutdown_background();
    match loaded {
        Ok(report) => Ok(summarise(&report, seconds, &store.display().to_string())),
        Err(LoadError::Interrupted) => {
            output::warn(&format!("Interrupted: nothing was loaded into {}", store.display()));
            Ok(Exit::Interrupted.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// A signal ends it after the rows under way, a second one at once.
fn cluster(args: &LoadArgs, catalogue: &Catalogue) -> CommandResult {
    let given = &args.cluster;
    let (config, to) = cassandra_options(given.config.as_deref(), given.consistency)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let stop = CancellationToken::new();
    let writing = WriteOptions { concurrency: given.concurrency, stop: stop.clone() };
    let signals = runtime.block_on(async { Signals::listen() })?;
    let stopping = "Stopping after the rows under way; a second signal stops at once";
    runtime.spawn(stop_on_signal(signals, stop.clone(), stopping));
    let mut progress = LoadProgress::new(stop);
    let loaded = load::into_cluster(
        &args.input(),
        &to,
        catalogue,
        args.options(),
        &writing,
        runtime.handle(),
        &mut progress,
    );
    let seconds = progress.finish();
    runtime.shutdown_background();
    match loaded {
        Ok(report) => {
            let code = summarise(&report, seconds, &to.contact_points().join(", "));
            output::note(&format!("{:.0} rows/s\n", per_second(report.rows(), seconds)));
            for (store, datasets) in config.stores(catalogue) {
                let hint = match store {
                    StoreName::Cassandra => purge_hint(&report, &datasets, given.config.as_deref()),
                    StoreName::Embedded => unread_hint(&report, &datasets, store),
                };
                output::note(&hint);
            }
            Ok(code)
        }
        Err(LoadError::Interrupted | LoadError::Cluster(WriterError::Interrupted)) => {
            output::warn("Interrupted: written rows stay; the same command loads everything again");
            Ok(Exit::Interrupted.into())
        }
        Err(error) => {
            if matches!(error, LoadError::Sink { .. }) {
                output::warn("Written rows stay: the same command loads everything again");
            }
            Err(error.into())
        }
    }
}

/// Reads the options of Cassandra from a configuration. Warnings are logged.
pub(super) fn cassandra_options(
    config: Option<&Path>,
    consistency: Option<Consistency>,
) -> Result<(Config, cassandra::Options), Box<dyn Error>> {
    let flags = ConfigArgs { config: config.map(ToOwned::to_owned), ..ConfigArgs::default() };
    let loaded = config::load(&flags, &config::process_environment)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let mut config = loaded.config;
    config.check_files()?;
    if let (Some(cassandra), Some(level)) = (&mut config.cassandra, consistency) {
        cassandra.consistency = level;
    }
    let options = config.cassandra.clone().ok_or(
        "the configuration has no section `cassandra`; name a file that has one with --config",
    )?;
    Ok((config, options))
}

async fn stop_on_signal(mut signals: Signals, stop: CancellationToken, message: &str) {
    signals.ended().await;
    output::warn(message);
    stop.cancel();
    signals.ended().await;
    std::process::exit(Exit::Interrupted as i32);
}

/// Prints the counts; returns the exit code.
fn summarise(report: &Report, seconds: f64, into: &str) -> ExitCode {
    for (table, counts) in &report.tables {
        let line = format!("  {table:<32} {:>9} rows {:>6} bad\n", counts.rows, counts.bad);
        output::note(&line);
    }
    let (rows, bad) = (report.rows(), report.bad());
    if rows == 0 && bad > 0 {
        output::note(&format!("Nothing was loaded into {into}: every row was bad\n"));
    } else {
        let line =
            format!("{rows} rows loaded into {into} in {seconds:.1} s, {bad} bad rows left out\n");
        output::note(&line);
    }
    if bad == 0 { Exit::Success.into() } else { Exit::Failed.into() }
}

/// The commands that purge what was loaded, for the server with the given configuration.
fn purge_hint(report: &Report, datasets: &[&Dataset], config: Option<&Path>) -> String {
    let config = config.map(|file| format!(" --config {file:?}")).unwrap_or_default();
    let commands: String = datasets
        .iter()
        .filter(|dataset| is_loaded(report, dataset))
        .map(|dataset| format!("  aqs purge --dataset {}{config}\n", dataset.name))
        .collect();
    if commands.is_empty() {
        return commands;
    }
    format!(
        "Running servers notice new periods. If older periods were loaded again, purge them on\n\
         each server:\n{commands}"
    )
}

/// Says which of the loaded datasets the configuration reads from another store.
fn unread_hint(report: &Report, datasets: &[&Dataset], store: StoreName) -> String {
    let loaded = datasets.iter().filter(|dataset| is_loaded(report, dataset));
    let names: Vec<_> = loaded.map(|dataset| dataset.name).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("Read from the store {store}, and not from here: {}\n", names.join(", ")),
    }
}

fn is_loaded(report: &Report, dataset: &Dataset) -> bool {
    let table = dataset.table().and_then(|table| report.tables.get(table.name));
    table.is_some_and(|table| table.rows > 0)
}

#[allow(clippy::cast_precision_loss, reason = "the rate is for display")]
fn per_second(rows: u64, seconds: f64) -> f64 {
    rows as f64 / seconds.max(0.001)
}

struct LoadProgress {
    reporter: ProgressReporter,
    bad_rows: u64,
    stop: CancellationToken,
}

impl LoadProgress {
    fn new(stop: CancellationToken) -> Self {
        let reporter = ProgressReporter::new("{bar:30} {bytes}/{total_bytes} {msg}");
        Self { reporter, bad_rows: 0, stop }
    }

    /// Removes the bar; returns the seconds since the start.
    fn finish(self) -> f64 {
        self.reporter.seconds()
    }
}

impl Progress for LoadProgress {
    fn file(&mut self, path: &Path, table: &'static str) {
        self.reporter.print(&format!("{} → {table}", path.display()));
    }

    fn advanced(&mut self, at: Advance) {
        let rate = per_second(at.rows, self.reporter.seconds());
        let message = format!("{} rows, {rate:.0} rows/s", at.rows);
        self.reporter.update(at.bytes, at.total, message);
    }

    fn waiting(&mut self, store: &Path, limit: Duration) {
        let (store, limit) = (store.display(), limit.as_secs());
        self.reporter
            .print(&format!("waiting for another load into {store}, for {limit} s at most"));
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    fn bad_row(&mut self, row: &BadRow) {
        self.bad_rows += 1;
        if self.bad_rows <= MAX_PRINTED {
            self.reporter.print(&row.to_string());
        } else if self.bad_rows == MAX_PRINTED + 1 {
            self.reporter.print("further bad rows are only counted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_origin::load::TableReport;

    #[test]
    fn the_purge_hint_has_the_given_configuration() {
        let catalogue = Catalogue::standard().unwrap();
        let datasets = catalogue.datasets();
        let mut report = Report::default();
        assert_eq!(purge_hint(&report, datasets, None), "");
        report.tables.insert("unique_devices", TableReport { rows: 1, bad: 0 });
        report.tables.insert("top_pageviews", TableReport { rows: 0, bad: 1 });
        for (config, end) in [
            (None, "  aqs purge --dataset unique-devices-monthly\n"),
            (Some("it's mine"), "unique-devices-monthly --config \"it's mine\"\n"),
        ] {
            let hint = purge_hint(&report, datasets, config.map(Path::new));
            assert!(hint.ends_with(end) && !hint.contains("top"), "{hint}");
        }
    }

    #[test]
    fn loaded_datasets_of_another_store_are_named() {
        let catalogue = Catalogue::standard().unwrap();
        let mut report = Report::default();
        report.tables.insert("unique_devices", TableReport { rows: 1, bad: 0 });
        let hint = unread_hint(&report, catalogue.datasets(), StoreName::Embedded);
        assert_eq!(
            hint,
            "Read from the store embedded, and not from here: unique-devices-daily, \
             unique-devices-monthly\n"
        );
        assert_eq!(unread_hint(&Report::default(), catalogue.datasets(), StoreName::Embedded), "");
    }
}
