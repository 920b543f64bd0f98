//! `aqs log-level`: shows or sets the log filter of a running server.

use super::admin_client::{AdminClient, ServerArgs};
use super::exit::Exit;
use super::{CommandResult, print};
use crate::log::LogLevel;
use clap::Args;
use reqwest::Method;

#[derive(Debug, Args)]
pub struct LogLevelArgs {
    /// debug, info, warning, error, or a filter as aqs_origin=debug,info; without it the current
    /// filter is shown
    #[arg(value_name = "LEVEL")]
    pub level: Option<String>,
    /// How long it lasts, as 10m, before the previous filter returns [default: forever]
    #[arg(long = "for", value_name = "DURATION", requires = "level")]
    pub lasts: Option<String>,
    #[command(flatten)]
    pub server: ServerArgs,
}

pub fn run(args: &LogLevelArgs) -> CommandResult {
    let mut parameters = Vec::new();
    if let Some(level) = args.level.as_deref() {
        let name = if level.parse::<LogLevel>().is_ok() { "level" } else { "filter" };
        parameters.push((name, level));
    }
    parameters.extend(args.lasts.as_deref().map(|lasts| ("for", lasts)));
    let method = if parameters.is_empty() { Method::GET } else { Method::POST };
    let client = AdminClient::connect(&args.server)?;
    print(&client.send(method, "/admin/log-level", &parameters)?)?;
    Ok(Exit::Success.into())
}
