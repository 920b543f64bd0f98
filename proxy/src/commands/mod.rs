//! The commands.

pub mod admin_client;
mod banner;
pub mod exit;
mod format;
pub mod hot_set;
pub mod jobs;
pub mod load;
pub mod local;
pub mod log_level;
mod progress;
pub mod purge;
pub mod schema;
pub mod serve;
pub mod warm;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

/// The exit code of a command, or an error for standard error.
pub type CommandResult = Result<ExitCode, Box<dyn Error>>;

/// Writes to standard output. A closed one is an error, where `print!` would panic.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
