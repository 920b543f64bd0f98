//! `aqs purge`: tell a running server what not to serve any more.

use super::admin_client::{AdminClient, Intent, ServerArgs, push_value};
use super::{Done, say};
use crate::config;
use clap::Args;
use std::process::ExitCode;

/// What to purge, and where.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["all", "endpoint", "dataset", "project", "addresses"])))]
pub struct PurgeArgs {
    /// Purge every answer
    #[arg(long)]
    pub all: bool,
    /// Purge the answers of an endpoint, as pageviews/top
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
    /// Purge the answers from a dataset, as pageviews-top-daily
    #[arg(long, value_name = "NAME")]
    pub dataset: Option<String>,
    /// Purge the answers about a project, as en.wikipedia
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Purge the answers to these addresses, as they are asked for
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Never serve them again; else they are served once more while a refresh runs
    #[arg(long)]
    pub hard: bool,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Purges, and tells what was purged; the first refusal ends it, not that nobody reads it.
pub fn run(args: &PurgeArgs) -> Done {
    let client = AdminClient::find(&args.server, Intent::Act, &config::process_environment)?;
    let mut read = Ok(());
    for (scope, name) in scopes(args) {
        let purged = client.post(&target(scope, name, args.hard))?;
        read = read.and_then(|()| say(&purged));
    }
    read?;
    Ok(ExitCode::SUCCESS)
}

fn scopes(args: &PurgeArgs) -> Vec<(&'static str, &str)> {
    let named =
        [("endpoint", &args.endpoint), ("dataset", &args.dataset), ("project", &args.project)];
    let mut scopes: Vec<(&'static str, &str)> =
        named.into_iter().filter_map(|(scope, name)| Some((scope, name.as_deref()?))).collect();
    if args.all {
        scopes.push(("everything", ""));
    }
    scopes.extend(args.addresses.iter().map(|address| ("address", address.as_str())));
    scopes
}

fn target(scope: &str, name: &str, hard: bool) -> String {
    let depth = if hard { "hard" } else { "soft" };
    let mut target = format!("/admin/purge?scope={scope}&depth={depth}");
    if !name.is_empty() {
        target.push_str("&name=");
        push_value(&mut target, name);
    }
    target
}
