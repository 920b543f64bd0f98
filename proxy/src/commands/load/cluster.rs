//! `aqs load --to cassandra`.

use super::teller::Teller;
use super::{code, options, tell};
use crate::cli::LoadArgs;
use crate::commands::exit::Exit;
use crate::commands::{Done, cluster};
use crate::signals::Signals;
use aqs_api::Catalogue;
use aqs_origin::load::{self, ClusterReport, LoadError, Report};
use aqs_origin::store::cassandra::{WriterError, Writing};
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Loads; a signal ends it in order, a second one at once.
pub(super) fn run(args: &LoadArgs) -> Done {
    let given = &args.cluster;
    let (config, to) =
        cluster::of(given.config.as_deref(), given.state.as_deref(), given.consistency)?;
    let catalogue = Catalogue::standard()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let stop = CancellationToken::new();
    let writing = Writing {
        concurrency: given.concurrency,
        state: config.settings().state.path().map(ToOwned::to_owned),
        restart: given.restart,
        stop: stop.clone(),
    };
    let signals = {
        let _within = runtime.enter();
        Signals::listen()?
    };
    runtime.spawn(end_by(signals, stop));
    let mut teller = Teller::new();
    let loaded = load::into_cluster(
        &args.directory,
        &to,
        &catalogue,
        options(args),
        &writing,
        runtime.handle(),
        &mut teller,
    );
    let took = teller.finish();
    runtime.shutdown_background();
    match loaded {
        Ok(loaded) => {
            end(&loaded, took, &to.contact_points().join(", "));
            print!("{}", to_be_purged(&loaded.report, &catalogue, given.config.as_deref()));
            Ok(code(&loaded.report))
        }
        Err(LoadError::Interrupted | LoadError::Cluster(WriterError::Interrupted)) => {
            eprintln!("Interrupted: the same command goes on where it was");
            Ok(Exit::Interrupted.into())
        }
        Err(error) => {
            if matches!(error, LoadError::Sink { .. }) {
                eprintln!("What is written stays: the same command goes on where it was");
            }
            Err(error.into())
        }
    }
}

async fn end_by(mut signals: Signals, stop: CancellationToken) {
    signals.first().await;
    eprintln!("Ending: rows under way are waited for; a second signal ends at once");
    stop.cancel();
    signals.second().await;
    std::process::exit(Exit::Interrupted.code().into());
}

fn end(loaded: &ClusterReport, took: Duration, into: &str) {
    tell(&loaded.report, took, into);
    let written = loaded.report.rows() - loaded.before;
    if loaded.before > 0 {
        println!("{} of them an earlier, interrupted load had written", loaded.before);
    }
    println!("{:.0} rows/s", written_per_second(written, took));
}

/// How servers are told of what was loaded: that of this machine by the configuration that was
/// given here.
fn to_be_purged(report: &Report, catalogue: &Catalogue, config: Option<&Path>) -> String {
    let loaded = |table: &str| report.tables.get(table).is_some_and(|table| table.rows > 0);
    let mut datasets =
        catalogue.datasets().iter().filter(|dataset| loaded(dataset.table.name)).peekable();
    if datasets.peek().is_none() {
        return String::new();
    }
    let mut text = "Running servers notice new periods by themselves. Of older ones that were \
                    loaded\nagain, each has to be told:\n"
        .to_owned();
    let config = config.map(|file| format!(" --config {}", quoted(file))).unwrap_or_default();
    for dataset in datasets {
        text.push_str(&format!("  aqs purge --dataset {}{config}\n", dataset.name));
    }
    text
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+=:@%,~".contains(&byte);
    if path.bytes().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[allow(clippy::cast_precision_loss, reason = "it is rounded for the eye")]
fn written_per_second(rows: u64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqs_origin::load::TableReport;

    #[test]
    fn a_purge_is_told_with_the_configuration_that_was_given() {
        let catalogue = Catalogue::standard().unwrap();
        let mut report = Report::default();
        assert_eq!(to_be_purged(&report, &catalogue, None), "");
        report.tables.insert("unique_devices", TableReport { rows: 1, bad: 0 });
        report.tables.insert("top_pageviews", TableReport { rows: 0, bad: 1 });
        for (config, end) in [
            (None, "  aqs purge --dataset unique-devices-monthly\n"),
            (Some("/etc/aqs.yaml"), "unique-devices-monthly --config /etc/aqs.yaml\n"),
            (Some("it's mine"), "unique-devices-monthly --config 'it'\\''s mine'\n"),
        ] {
            let told = to_be_purged(&report, &catalogue, config.map(Path::new));
            assert!(told.ends_with(end) && !told.contains("top"), "{told}");
        }
    }
}
