//! `aqs serve`: open the store, start the server, say so, wait for the end.

use super::Done;
use crate::banner;
use crate::cli::ServeArgs;
use crate::config::{self, Config};
use crate::descriptors;
use crate::log::{self, Log};
use crate::server::{Parts, Server};
use crate::signals::Signals;
use aqs_api::Catalogue;
use aqs_origin::Clock;
use aqs_origin::sample::SampleStore;
use aqs_origin::store::Store;
use aqs_origin::store::cassandra::CassandraStore;
use aqs_origin::store::embedded::{Access, EmbeddedStore, OpenError, Options};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How long a sample that is being built may take to stop and to leave nothing.
const TIDYING: Duration = Duration::from_secs(10);
/// How long the start waits for what a store holds, so that it can be printed.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs until a signal.
pub fn run(args: &ServeArgs) -> Done {
    let loaded = config::load(&args.config, &config::process_environment)?;
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
    // Whatever still blocks is not waited for.
    runtime.shutdown_background();
    done
}

async fn serve(mut config: Config, log: &mut Log) -> Done {
    let mut signals = Signals::listen()?;
    let catalogue = Arc::new(Catalogue::standard()?.with_rules(config.rules()));
    let connections = descriptors::for_connections(&config);
    config.limits.connections = config.limits.connections.min(connections);
    // Bound before the sample is built, which takes a while: a busy port should end it at once.
    let sockets = Server::bind(&config)?;
    // Held to the end: a sample in a temporary folder goes with it.
    let sample = match (&config.cassandra, &config.store.path) {
        (None, None) => match sample(&catalogue, &mut signals).await? {
            Some(sample) => Some(sample),
            None => return Ok(ExitCode::SUCCESS),
        },
        _ => None,
    };
    let (name, store) = match (config.cassandra.clone(), &config.store.path, &sample) {
        (Some(options), _, _) => {
            let name = format!("Cassandra at {}", options.contact_points().join(", "));
            let store = CassandraStore::new(options, &catalogue, Clock::System)?;
            (name, Arc::new(store) as Arc<dyn Store>)
        }
        (None, Some(path), _) => {
            (format!("Store: {}", path.display()), embedded(path, &catalogue)?)
        }
        (None, None, Some(sample)) => {
            let path = &sample.path;
            (format!("Sample data: {}", path.display()), embedded(path, &catalogue)?)
        }
        (None, None, None) => return Err("no store".into()),
    };
    let parts = Parts { log: log.handle.clone(), ..Parts::new(Arc::clone(&catalogue), store) };
    let server = Server::start(sockets, &config, parts).await?;

    let readable = log.is_readable();
    let said = async {
        if readable {
            // A cluster that takes longer comes later, and is not waited for.
            let known = timeout(PATIENCE, server.service.origin.known()).await.is_ok();
            print_aside(banner::text(&server, &catalogue, &name, known).await);
        } else {
            tell(&server, &name);
        }
        std::future::pending::<()>().await;
    };
    // Meanwhile a signal counts already.
    tokio::select! {
        () = said => {}
        () = signals.first() => {}
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
        // At once: whatever still runs would only complain about its end.
        () = signals.second() => {
            tracing::warn!("a second signal: it ends at once, and connections are cut");
            log.end();
            std::process::exit(1)
        }
    }
}

/// Tells the log where clients and operators are served, and what.
fn tell(server: &Server, name: &str) {
    for address in &server.addresses {
        tracing::info!(address = %address, "clients are served");
    }
    for address in &server.admin_addresses {
        tracing::info!(address = %address, "operators are served");
    }
    for socket in &server.admin_sockets {
        tracing::info!(socket = %socket.display(), "operators are served");
    }
    tracing::info!(store = name, "what is served comes from there");
}

fn embedded(path: &Path, catalogue: &Catalogue) -> Result<Arc<dyn Store>, OpenError> {
    let store = EmbeddedStore::open(path, catalogue, Options::default())?;
    if store.access() == Access::Immutable {
        tracing::warn!(path = %path.display(), "the store's folder can't be written: loads into it are not seen");
    }
    Ok(Arc::new(store))
}

/// Prints for people, on a thread that nobody waits for: whoever reads it may have stopped to, and
/// a full pipe would hold up the end. One of the runtime's would be waited for.
fn print_aside(text: String) {
    let printing = std::thread::Builder::new().name("banner".to_owned()).spawn(move || {
        let mut out = io::stdout().lock();
        // Whoever stopped reading has seen enough; the service goes on.
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            tracing::debug!(%error, "nobody reads what is served");
        }
    });
    if let Err(error) = printing {
        tracing::warn!(%error, "what is served can't be printed");
    }
}

/// The bundled sample's store, built on a thread that may take its time; nothing if a signal came
/// before.
async fn sample(
    catalogue: &Arc<Catalogue>,
    signals: &mut Signals,
) -> Result<Option<SampleStore>, Box<dyn std::error::Error>> {
    let ended = Arc::new(AtomicBool::new(false));
    let (catalogue, until) = (Arc::clone(catalogue), Arc::clone(&ended));
    let mut building = tokio::task::spawn_blocking(move || {
        let begun = |path: &Path| {
            // Standard error may be closed.
            let _ = writeln!(
                io::stderr(),
                "Building the sample data in {} (once; some seconds, or minutes if it is slow) ...",
                path.display()
            );
        };
        SampleStore::find_or_build(&catalogue, begun, &until)
    });
    tokio::select! {
        built = &mut building => return Ok(Some(built??)),
        () = signals.first() => {}
    }
    tracing::info!("ended before the sample data was there; nothing was served");
    ended.store(true, Ordering::Relaxed);
    if timeout(TIDYING, building).await.is_err() {
        tracing::warn!("what was built of the sample data is left behind");
    }
    Ok(None)
}
