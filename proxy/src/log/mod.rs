//! The log: readable lines on standard error, or ECS lines on standard output.
//!
//! Serving never waits for the reader of the log: lines go through a bounded queue to a thread
//! that writes them. Lines that do not fit into the queue or cannot be written are counted as lost.

pub mod access;
mod config;
mod ecs;
mod escape;
pub mod fields;
mod filter;
mod level;
#[cfg(test)]
mod tests;
mod writer;

pub use config::{AccessMode, ClientAddress, Filter, LogConfig, LogFormat, LogLevel, Network};
pub use ecs::Ecs;
pub use escape::escape;
pub use filter::{filter, warning};
pub use level::{Change, Handle, LevelError};

use crate::build_info::{BUILD_DATE, BUILD_HOST, RUST_VERSION};
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc;
use std::time::Duration;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt, reload};
use writer::CountingWriter;

/// The filter of commands without `AQS_LOG`.
pub const DEFAULT_FILTER: &str = "info,pingora_core=warn,scylla=warn,rustls=warn";
/// How many lines may wait to be written.
const QUEUE: usize = 8192;
/// How long the last lines may take at the end.
pub(crate) const FLUSH_TIMEOUT: Duration = Duration::from_millis(1500);

/// The format of lines and where they go.
#[derive(Clone, Debug)]
pub enum Form {
    /// Text on standard error, in colours on a terminal.
    Readable,
    /// JSON on standard output.
    Ecs(Ecs),
}

/// A log that runs until it is dropped.
#[derive(Debug)]
pub struct Log {
    /// Changes the level; none if the embedding program has a log of its own.
    pub handle: Option<Handle>,
    readable: bool,
    writer: Option<WorkerGuard>,
}

/// Starts the log of a command other than `serve`; `AQS_LOG` is its filter.
pub fn start() {
    let given = std::env::var("AQS_LOG").ok().filter(|text| !text.is_empty());
    let filter = match filter(given.as_deref().unwrap_or(DEFAULT_FILTER)) {
        Ok(filter) => filter,
        Err(error) => {
            // Standard error may be closed.
            let _ = writeln!(io::stderr(), "aqs: AQS_LOG: {error}");
            EnvFilter::new(DEFAULT_FILTER)
        }
    };
    let started = fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .fmt_fields(escape::fields())
        .with_writer(io::stderr)
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Starts the log of a server.
pub fn start_with(form: Form, text: &str) -> Result<Log, LevelError> {
    let queue = NonBlockingBuilder::default().buffered_lines_limit(QUEUE).thread_name("log");
    let readable = matches!(form, Form::Readable);
    let (lines, unwritten) = match readable {
        true => CountingWriter::new(Box::new(io::stderr()), None),
        false => CountingWriter::new(Box::new(io::stdout()), Some(Box::new(io::stderr()))),
    };
    let (writer, guard) = queue.finish(lines);
    let lost = writer.error_counter();
    let (filter, reload) = reload::Layer::new(filter(text)?);
    let handle = Handle::new(reload, text, lost, unwritten);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(writer);
    let started = match form {
        Form::Readable => {
            let layer = layer.with_ansi(io::stderr().is_terminal());
            registry.with(layer.fmt_fields(escape::fields())).try_init()
        }
        Form::Ecs(ecs) => registry.with(layer.event_format(ecs)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
        return Ok(Log { handle: None, readable: true, writer: None });
    }
    Ok(Log { handle: Some(handle), readable, writer: Some(guard) })
}

/// Logs the first line of the upstream services (contract §6.3), with our language in place of
/// theirs.
pub fn initializing(service: &str) {
    let rust = RUST_VERSION.trim_start_matches("rustc ");
    tracing::info!(
        "initializing service {service} (Rust version {rust}, Build host {BUILD_HOST}, Timestamp {BUILD_DATE})"
    );
}

impl Log {
    /// Whether lines are readable text, so that other text may go to standard output.
    pub fn is_readable(&self) -> bool {
        self.readable
    }

    /// Logs the error that ends the program, unless standard error has it anyway.
    pub fn fatal(&self, error: &dyn std::error::Error) {
        if !self.readable {
            tracing::error!(target: fields::FATAL, "{error}");
        }
    }

    /// Writes the waiting lines, for `FLUSH_TIMEOUT` at most.
    pub fn end(&mut self) {
        let Some(writer) = self.writer.take() else { return };
        let (ended, end) = mpsc::channel::<()>();
        // On a thread of its own: the guard waits longer for a stalled reader.
        let ending = std::thread::Builder::new().name("log-end".to_owned()).spawn(move || {
            drop(writer);
            drop(ended);
        });
        if ending.is_ok() {
            let _ = end.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.end();
    }
}
