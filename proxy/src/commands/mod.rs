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
pub mod output;
mod progress;
pub mod purge;
pub mod schema;
pub mod serve;
pub mod tables;
pub mod unload;
pub mod warm;

use std::error::Error;
use std::process::ExitCode;

/// The exit code of a command, or an error for standard error.
pub type CommandResult = Result<ExitCode, Box<dyn Error>>;
