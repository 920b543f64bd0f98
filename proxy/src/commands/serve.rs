//! `aqs serve`: opens the store, starts the server and drains it upon a signal.

use super::{CommandResult, banner, output};
use crate::config::{self, Config, ConfigArgs, MemoryLimit};
use crate::fd_limit;
use crate::log::{self, Log};
use crate::server::{Parts, Server};
use crate::signals::Signals;
use aqs_api::Catalogue;
use aqs_api::units::Bytes;
use aqs_origin::Clock;
use aqs_origin::sample::{self, SampleStore};
use aqs_origin::store::Store;
use aqs_origin::store::cassandra::CassandraStore;
use aqs_origin::store::embedded::{Access, EmbeddedStore, OpenError, Options};
use aqs_origin::stores::StoreName;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long an unfinished build of the sample data may take to clean up.
const CLEAN_UP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the banner waits for the coverage of the store.
const COVERAGE_TIMEOUT: Duration = Duration::from_secs(1);

/// A signal within this time of the first is the same one.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Runs until a signal.
pub fn run(args: &ConfigArgs) -> CommandResult {
    let loaded = config::load(args, &config::process_environment)?;
    let form = loaded.config.log_form(io::stdout().is_terminal());
    let mut log = log::start_with(form, loaded.config.log_filter())?;
    log::initializing(loaded.config.service_name());
    let misspelled = config::unknown_variables(std::env::vars_os().map(|(name, _)| name));
    for warning in loaded.warnings.iter().chain(&misspelled) {
        tracing::warn!("{warning}");
    }
    loaded.config.check_files()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(serve(loaded.config, &mut log));
    if let Err(error) = &done {
        log.fatal(error.as_ref());
    }
    // Blocking threads are not awaited.
    runtime.shutdown_background();
    done
}

async fn serve(mut config: Config, log: &mut Log) -> CommandResult {
    let mut signals = Signals::listen()?;
    let (limit, memory) = (MemoryLimit::find(), config.memory_bytes());
    tracing::info!(memory = %Bytes(memory), %limit, "memory for answers");
    if let Some(warning) = limit.exceeded_by(memory) {
        tracing::warn!("{warning}");
    }
    let catalogue = Arc::new(Catalogue::standard()?.with_rules(config.rules()));
    let connections = fd_limit::for_connections(&config);
    config.limits.connections = config.limits.connections.min(connections);
    // Before the sample data is built, which takes a while: an address in use ends the program.
    let sockets = Server::bind(&config)?;
    // Held to the end: sample data in a temporary folder is removed with it.
    let mut sample_store = None;
    let (mut stores, mut descriptions) = (Vec::new(), Vec::new());
    let routes = config.stores(&catalogue);
    for (name, datasets) in &routes {
        let (description, store) = match (name, &config.cassandra, &config.store.path) {
            (StoreName::Cassandra, options, _) => {
                // It is configured if anything is read from it.
                let options = options.clone().unwrap_or_default();
                let description = format!("Cassandra at {}", options.contact_points().join(", "));
                let store = CassandraStore::new(options, datasets, Clock::System)?;
                (description, Arc::new(store) as Arc<dyn Store>)
            }
            (StoreName::Embedded, _, Some(path)) => {
                (format!("Store: {}", path.display()), embedded(path, &catalogue)?)
            }
            (StoreName::Embedded, _, None) => {
                let Some(built) = build_sample(&catalogue, &mut signals).await? else {
                    return Ok(ExitCode::SUCCESS);
                };
                let path = &sample_store.insert(built).path;
                (format!("Sample data: {}", path.display()), embedded(path, &catalogue)?)
            }
        };
        stores.push((*name, store));
        let names: Vec<_> = datasets.iter().map(|dataset| dataset.name).collect();
        descriptions.push(match routes.len() {
            1 => description,
            _ => format!("{description}, for {}", names.join(", ")),
        });
    }
    let parts = Parts {
        catalogue: Arc::clone(&catalogue),
        stores,
        clock: Clock::System,
        log: log.handle.clone(),
        notice: sample_store.as_ref().map(|_| sample::NOTICE),
    };
    let server = Server::start(sockets, &config, parts).await?;

    let readable = log.is_readable();
    let announce = async {
        if readable {
            let known = timeout(COVERAGE_TIMEOUT, server.components.origin.known()).await.is_ok();
            print_detached(banner::text(&server, &catalogue, &descriptions, known).await);
        } else {
            log_addresses(&server, &descriptions);
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = announce => {}
        () = signals.ended() => {}
    }
    tracing::info!("draining: requests in flight finish; a second signal ends at once");
    tokio::select! {
        in_time = server.drain() => {
            if in_time {
                tracing::info!("drained: every connection has ended");
            } else {
                tracing::warn!("drained: some connections did not end in time and were cut");
            }
            Ok(ExitCode::SUCCESS)
        }
        () = second_signal(&mut signals) => {
            tracing::warn!("a second signal: exiting at once, open connections are cut");
            log.end();
            std::process::exit(1)
        }
    }
}

/// Waits for another signal. Supervisors and `timeout` send the first one to the process and to its
/// group, so that it comes twice.
async fn second_signal(signals: &mut Signals) {
    let first = Instant::now();
    loop {
        signals.ended().await;
        if first.elapsed() >= SAME_SIGNAL {
            return;
        }
    }
}

fn log_addresses(server: &Server, stores: &[String]) {
    for address in &server.addresses {
        tracing::info!(%address, "serving clients");
    }
    for address in &server.admin_addresses {
        tracing::info!(%address, "serving operators");
    }
    for socket in &server.admin_sockets {
        tracing::info!(socket = %socket.display(), "serving operators");
    }
    for store in stores {
        tracing::info!(store, "serving data");
    }
}

fn embedded(path: &Path, catalogue: &Catalogue) -> Result<Arc<dyn Store>, OpenError> {
    let store = EmbeddedStore::open(path, catalogue, Options::default())?;
    if store.access() == Access::Immutable {
        tracing::info!(path = %path.display(), "the folder of the store is read-only: it is opened as immutable");
    }
    Ok(Arc::new(store))
}

/// Prints on a thread that is not awaited: a reader that has stopped, and a full pipe, must not
/// delay the end. The runtime would await one of its own threads.
fn print_detached(text: String) {
    let printing = std::thread::Builder::new().name("banner".to_owned()).spawn(move || {
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            tracing::debug!(%error, "failed to print the banner");
        }
    });
    if let Err(error) = printing {
        tracing::warn!(%error, "failed to print the banner");
    }
}

/// Finds or builds the store of the bundled sample data; `None` if a signal came before it was
/// done.
async fn build_sample(
    catalogue: &Arc<Catalogue>,
    signals: &mut Signals,
) -> Result<Option<SampleStore>, Box<dyn std::error::Error>> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let (catalogue, cancel) = (Arc::clone(catalogue), Arc::clone(&cancelled));
    let mut building = tokio::task::spawn_blocking(move || {
        let on_start = |path: &Path| {
            output::warn(&format!(
                "Building the sample data in {} (once; some seconds, or minutes if it is slow) ...",
                path.display()
            ));
        };
        SampleStore::find_or_build(&catalogue, on_start, &cancel)
    });
    tokio::select! {
        built = &mut building => return Ok(Some(built??)),
        () = signals.ended() => {}
    }
    tracing::info!("ended before the sample data was built");
    cancelled.store(true, Ordering::Relaxed);
    if timeout(CLEAN_UP_TIMEOUT, building).await.is_err() {
        tracing::warn!("unfinished sample data is left behind");
    }
    Ok(None)
}
