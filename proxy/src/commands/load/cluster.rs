//! `aqs load --to cassandra`.

use super::teller::Teller;
use super::{code, options, tell};
use crate::cli::LoadArgs;
use crate::commands::exit::Exit;
use crate::commands::{Done, cluster};
use crate::signals::Signals;
use aqs_api::Catalogue;
use aqs_origin::load::{self, ClusterReport, LoadError};
use aqs_origin::store::cassandra::{WriterError, Writing};
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
            end(&loaded, took, &to.contact_points().join(", "), &catalogue);
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

fn end(loaded: &ClusterReport, took: Duration, into: &str, catalogue: &Catalogue) {
    tell(&loaded.report, took, into);
    let written = loaded.report.rows() - loaded.before;
    if loaded.before > 0 {
        println!("{} of them an earlier, interrupted load had written", loaded.before);
    }
    println!("{:.0} rows/s", written_per_second(written, took));
    let loaded = |table: &str| loaded.report.tables.get(table).is_some_and(|table| table.rows > 0);
    let datasets: Vec<_> =
        catalogue.datasets().iter().filter(|dataset| loaded(dataset.table.name)).collect();
    if datasets.is_empty() {
        return;
    }
    println!("Running servers notice new periods by themselves. Of older ones that were loaded");
    println!("again, each has to be told:");
    for dataset in datasets {
        println!("  aqs purge --dataset {}", dataset.name);
    }
}

#[allow(clippy::cast_precision_loss, reason = "it is rounded for the eye")]
fn written_per_second(rows: u64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64().max(0.001)
}
