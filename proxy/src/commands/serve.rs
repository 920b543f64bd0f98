//! `aqs serve`: open the store, start the house, say so, wait for the end.

use super::Done;
use crate::banner;
use crate::cli::ServeArgs;
use crate::config::{self, Config};
use crate::descriptors;
use crate::house::{House, Settings};
use crate::log::{self, Log};
use crate::signals::Signals;
use aqs_api::Catalogue;
use aqs_origin::sample_store::SampleStore;
use aqs_origin::store::embedded::{Access, EmbeddedStore, Options};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs until a signal.
pub fn run(args: &ServeArgs) -> Done {
    let loaded = config::load(&args.config, &config::process_environment)?;
    let form = loaded.config.log_form(io::stdout().is_terminal());
    let mut log = log::start_with(form, loaded.config.log_filter())?;
    log::initializing(loaded.config.service_name());
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(serve(&loaded.config, &mut log));
    if let Err(error) = &done {
        log.fatal(error.as_ref());
    }
    // Whatever still blocks, such as a sample that is being built, is not waited for.
    runtime.shutdown_background();
    done
}

async fn serve(config: &Config, log: &mut Log) -> Done {
    let mut signals = Signals::listen()?;
    let catalogue = Arc::new(Catalogue::standard()?.with_rules(config.rules()));
    let mut settings = Settings { log: log.handle.clone(), ..config.settings() };
    settings.connections = settings.connections.min(descriptors::for_connections());
    // Bound before the sample is built, which takes a while: a busy port should end it at once.
    let sockets = House::bind(&settings)?;
    // Held to the end: a sample in a temporary folder goes with it.
    let sample = match &config.store.path {
        Some(_) => None,
        None => tokio::select! {
            sample = sample(&catalogue) => Some(sample?),
            () = signals.first() => return Ok(ExitCode::FAILURE),
        },
    };
    let (name, path) = match (&config.store.path, &sample) {
        (Some(path), _) => ("Store", path),
        (None, Some(sample)) => ("Sample data", &sample.path),
        (None, None) => return Err("no store".into()),
    };
    let store = EmbeddedStore::open(path, &catalogue, Options::default())?;
    if store.access() == Access::Immutable {
        tracing::warn!(path = %path.display(), "the store's folder can't be written: loads into it are not seen");
    }
    let store = Arc::new(store);
    let house = House::start(sockets, settings, Arc::clone(&catalogue), store).await?;

    if log.is_readable() {
        // Whoever stopped reading has seen enough; the service goes on.
        if let Err(error) = announce(&house, &catalogue, name, path).await {
            tracing::debug!(%error, "nobody reads what is served");
        }
    } else {
        tell(&house, name, path);
    }

    signals.first().await;
    tracing::info!("draining: requests in flight finish; a second signal ends at once");
    tokio::select! {
        in_time = house.drain() => {
            if !in_time {
                tracing::warn!("some connections did not end in time and were cut");
            }
            Ok(ExitCode::SUCCESS)
        }
        // At once: whatever still runs would only complain about its end.
        () = signals.second() => {
            log.end();
            std::process::exit(1)
        }
    }
}

/// Tells the log where clients and operators are served, and what.
fn tell(house: &House, name: &str, path: &Path) {
    for address in &house.addresses {
        tracing::info!(address = %address, "clients are served");
    }
    for address in &house.admin_addresses {
        tracing::info!(address = %address, "operators are served");
    }
    for socket in &house.admin_sockets {
        tracing::info!(socket = %socket.display(), "operators are served");
    }
    tracing::info!(path = %path.display(), "the store is {}", name.to_lowercase());
}

/// Tells people the same, and what they could try.
async fn announce(house: &House, catalogue: &Catalogue, name: &str, path: &Path) -> io::Result<()> {
    let coverage = house.service.origin.coverage();
    let examples = banner::examples(catalogue, &house.service.origin, &coverage).await;
    let mut out = io::stdout().lock();
    writeln!(out, "aqs {} listens at", env!("CARGO_PKG_VERSION"))?;
    for address in &house.addresses {
        writeln!(out, "  {}", banner::url(*address))?;
    }
    for address in &house.admin_addresses {
        writeln!(out, "  {} (for operators: /healthz, /metrics)", banner::url(*address))?;
    }
    for path in &house.admin_sockets {
        let path = path.display();
        writeln!(out, "  {path} (for operators: curl --unix-socket {path} http://localhost/)")?;
    }
    writeln!(out, "{name}: {}", path.display())?;
    write!(out, "{}", banner::holdings(catalogue, &coverage))?;
    if let (Some(address), false) = (house.addresses.first(), examples.is_empty()) {
        writeln!(out, "Try")?;
        for target in examples {
            writeln!(out, "  curl '{}{target}'", banner::url(*address))?;
        }
    }
    out.flush()
}

/// The bundled sample's store, built on a thread that may take its time.
async fn sample(catalogue: &Arc<Catalogue>) -> Result<SampleStore, Box<dyn std::error::Error>> {
    let catalogue = Arc::clone(catalogue);
    let building = tokio::task::spawn_blocking(move || {
        SampleStore::find_or_build(&catalogue, |path| {
            eprintln!("Building the sample data in {} (once, some seconds) ...", path.display());
        })
    });
    Ok(building.await??)
}
