//! What the command line's words do.

pub mod admin_client;
mod bar;
pub mod check_config;
mod cluster;
pub mod completions;
pub mod config_docs;
pub mod exit;
pub mod hot_set;
mod job_words;
pub mod jobs;
pub mod load;
pub mod log_level;
pub mod purge;
pub mod sample;
pub mod schema;
pub mod serve;
pub mod warm;
mod words;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a command ends: its exit code, or a message for standard error.
pub type Done = Result<ExitCode, Box<dyn Error>>;

/// Writes to standard output.
///
/// # Errors
///
/// If nobody reads it, where `print!` would panic.
pub fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
