//! `aqs log-level`: see or set how much a running server logs.

use super::admin_client::{AdminClient, Intent, ServerArgs, push_value};
use super::{Done, say};
use crate::config::{self, LogLevel};
use clap::Args;
use std::process::ExitCode;

const TARGET: &str = "/admin/log-level";

/// What to log, and where.
#[derive(Debug, Args)]
pub struct LogLevelArgs {
    /// debug, info, warning, error, or a filter as aqs_origin=debug,info; without it, what holds
    /// is printed
    #[arg(value_name = "LEVEL")]
    pub level: Option<String>,
    /// How long it lasts, as 10m; then what held before holds again [default: to the end]
    #[arg(long = "for", value_name = "DURATION", requires = "level")]
    pub lasts: Option<String>,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Asks the server, and prints what it says.
pub fn run(args: &LogLevelArgs) -> Done {
    let intent = if args.level.is_none() { Intent::Look } else { Intent::Act };
    let client = AdminClient::find(&args.server, intent, &config::process_environment)?;
    let said = match &args.level {
        None => client.get(TARGET)?,
        Some(level) => client.post(&target(level, args.lasts.as_deref()))?,
    };
    say(&said)?;
    Ok(ExitCode::SUCCESS)
}

fn target(level: &str, lasts: Option<&str>) -> String {
    let kind = if level.parse::<LogLevel>().is_ok() { "level" } else { "filter" };
    let mut target = format!("{TARGET}?{kind}=");
    push_value(&mut target, level);
    if let Some(lasts) = lasts {
        target.push_str("&for=");
        push_value(&mut target, lasts);
    }
    target
}
