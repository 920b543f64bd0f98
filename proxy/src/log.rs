//! Logging: readable lines on standard error.

use tracing_subscriber::EnvFilter;

/// Starts logging; `AQS_LOG` takes `tracing`'s filter syntax. What `log` gets comes here too.
pub fn start() {
    let filter = EnvFilter::try_from_env("AQS_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,pingora_core=warn"));
    let started =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    if started.is_err() {
        // Somebody who embeds us logs already.
        tracing::debug!("logging was started before");
    }
}
