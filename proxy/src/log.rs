//! Logging: readable lines on standard error.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// What is logged if nobody says otherwise.
const USUAL: &str = "info,pingora_core=warn";

/// Starts logging; `AQS_LOG` takes `tracing`'s filter syntax. What `log` gets comes here too.
pub fn start() {
    let filter = EnvFilter::try_from_env("AQS_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    start_with(filter);
}

/// Starts logging what a filter lets through, in colours on a terminal alone.
pub fn start_with(filter: EnvFilter) {
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
    if started.is_err() {
        // Somebody who embeds us logs already.
        tracing::debug!("logging was started before");
    }
}
