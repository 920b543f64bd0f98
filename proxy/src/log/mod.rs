//! The log: readable lines on standard error, or ECS lines on standard output.
//!
//! What serves must never wait for who reads the log: lines go through a bounded queue to a
//! thread that writes them, and what doesn't fit into the queue is lost and counted, as is what
//! can't be written.

pub mod access;
mod client;
mod config;
mod ecs;
pub mod fields;
mod filter;
mod level;
mod rate_limiter;
mod start;
#[cfg(test)]
mod tests;
mod writer;

pub use config::{AccessMode, ClientAddress, Filter, LogConfig, LogFormat, LogLevel, Network};
pub use ecs::Ecs;
pub use filter::{doubt, filter};
pub use level::{Change, Handle, LevelError};
pub use rate_limiter::RateLimiter;
pub use start::initializing;

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc;
use std::time::Duration;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::{Format, Full};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, reload};
use writer::Counting;

/// What is logged if nobody says otherwise.
pub const USUAL: &str = "info,pingora_core=warn,scylla=warn,rustls=warn";
/// How many lines may wait to be written.
const WAITING: usize = 8192;
/// How long the last lines may take at the end.
pub(crate) const LAST_LINES: Duration = Duration::from_millis(1500);

/// How lines look, and where they go.
#[derive(Clone, Debug)]
pub enum Form {
    /// For people, on standard error; in colours on a terminal alone.
    Readable,
    /// For collectors, on standard output.
    Ecs(Ecs),
}

/// A log that runs until this is dropped.
#[derive(Debug)]
pub struct Log {
    /// What changes its level; none if somebody who embeds us logs already.
    pub handle: Option<Handle>,
    readable: bool,
    writer: Option<WorkerGuard>,
}

/// Starts the log of a command that does its work and ends; `AQS_LOG` is its filter.
pub fn start() {
    let given = std::env::var("AQS_LOG").ok().filter(|text| !text.is_empty());
    let filter = match filter(given.as_deref().unwrap_or(USUAL)) {
        Ok(filter) => filter,
        Err(error) => {
            // Standard error may be closed.
            let _ = writeln!(io::stderr(), "aqs: AQS_LOG: {error}");
            EnvFilter::new(USUAL)
        }
    };
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Starts the log of a server.
///
/// # Errors
///
/// If the filter is none.
pub fn start_with(form: Form, text: &str) -> Result<Log, LevelError> {
    let queue = NonBlockingBuilder::default().buffered_lines_limit(WAITING).thread_name("log");
    let ((writer, guard), unwritten) = match &form {
        Form::Readable => {
            let lines = Counting::new(io::stderr(), None);
            let unwritten = lines.unwritten();
            (queue.finish(lines), unwritten)
        }
        Form::Ecs(_) => {
            let lines = Counting::new(io::stdout(), Some(Box::new(io::stderr())));
            let unwritten = lines.unwritten();
            (queue.finish(lines), unwritten)
        }
    };
    let readable_form = matches!(form, Form::Readable);
    let lost = writer.error_counter();
    let (filter, reload) = reload::Layer::new(filter(text)?);
    let handle = Handle::new(reload, text, lost, unwritten);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match form {
        Form::Readable => registry.with(readable(writer)).try_init(),
        Form::Ecs(ecs) => registry
            .with(tracing_subscriber::fmt::layer().event_format(ecs).with_writer(writer))
            .try_init(),
    };
    if started.is_err() {
        // Somebody who embeds us logs already.
        tracing::debug!("logging was started before");
        return Ok(Log { handle: None, readable: true, writer: None });
    }
    Ok(Log { handle: Some(handle), readable: readable_form, writer: Some(guard) })
}

type Readable<S> = tracing_subscriber::fmt::Layer<
    S,
    tracing_subscriber::fmt::format::DefaultFields,
    Format<Full>,
    NonBlocking,
>;

fn readable<S>(writer: NonBlocking) -> Readable<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(writer)
}

impl Log {
    /// Whether its lines are for people, who find other words on standard output.
    pub fn is_readable(&self) -> bool {
        self.readable
    }

    /// The last line of a program that fails, unless people are told on standard error anyway.
    pub fn fatal(&self, error: &dyn std::error::Error) {
        if !self.readable {
            tracing::error!(target: fields::FATAL, "{error}");
        }
    }

    /// Writes what still waits, if it is taken soon.
    pub fn end(&mut self) {
        let Some(writer) = self.writer.take() else { return };
        let (ended, end) = mpsc::channel::<()>();
        // On a thread of its own: for a reader that takes nothing the writer would wait longer,
        // or for ever.
        let ending = std::thread::Builder::new().name("log-end".to_owned()).spawn(move || {
            drop(writer);
            drop(ended);
        });
        if ending.is_ok() {
            let _ = end.recv_timeout(LAST_LINES);
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.end();
    }
}
