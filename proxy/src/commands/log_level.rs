//! `aqs log-level`: shows or sets the log filter of a running server.

use super::admin_client::{Access, AdminClient, ServerArgs, with_query};
use super::exit::Exit;
use super::{Done, print};
use crate::log::LogLevel;
use clap::Args;
use reqwest::Method;

const PATH: &str = "/admin/log-level";

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

pub fn run(args: &LogLevelArgs) -> Done {
    let access = if args.level.is_none() { Access::Read } else { Access::Write };
    let client = AdminClient::connect(&args.server, access)?;
    let answer = match &args.level {
        None => client.send(Method::GET, PATH)?,
        Some(level) => {
            let name = if level.parse::<LogLevel>().is_ok() { "level" } else { "filter" };
            let lasts = args.lasts.as_deref().map(|lasts| ("for", lasts));
            client.send(
                Method::POST,
                &with_query(PATH, [(name, level.as_str())].into_iter().chain(lasts)),
            )?
        }
    };
    print(&answer)?;
    Ok(Exit::Done.into())
}
