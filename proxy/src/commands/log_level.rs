//! `aqs log-level`: shows or sets the log filter of a running server.

use super::admin_client::{AdminClient, ServerArgs};
use super::exit::Exit;
use super::{CommandResult, format, output};
use crate::admin::{ChangedLevelView, LevelView};
use crate::log::LogLevel;
use clap::Args;
use reqwest::Method;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct LogLevelArgs {
    /// debug, info, warning, error, or a filter as aqs_origin=debug,info; without it the current
    /// filter is shown
    #[arg(value_name = "LEVEL")]
    pub level: Option<String>,
    /// How long it lasts, as 10m, before the previous filter returns [default: forever]
    #[arg(long = "for", value_name = "DURATION", requires = "level")]
    pub lasts: Option<String>,
    /// Print the answer of the server as JSON
    #[arg(long)]
    pub json: bool,
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
    let is_change = method == Method::POST;
    let answer = client.send(method, "/admin/log-level", &parameters)?;
    if !is_change {
        let text = match args.json {
            true => answer,
            false => describe(&client.parse(&answer)?),
        };
        output::result(&text)?;
    } else {
        output::note(&match args.json {
            true => answer,
            false => describe_change(&client.parse(&answer)?),
        });
    }
    Ok(Exit::Success.into())
}

fn describe(level: &LevelView) -> String {
    match &level.falls_back_to {
        Some(before) => format!("{}, later again {before}\n", level.filter),
        None => format!("{}\n", level.filter),
    }
}

fn describe_change(change: &ChangedLevelView) -> String {
    let lasts = change.for_seconds.and_then(|lasts| Duration::try_from_secs_f64(lasts).ok());
    let lasts = lasts.map(|lasts| format!(" for {}", format::duration(lasts))).unwrap_or_default();
    format!("{}{lasts}, before {}\n", change.new, change.old)
}
