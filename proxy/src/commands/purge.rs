//! `aqs purge`: purges answers of a running server.

use super::admin_client::{Access, AdminClient, ServerArgs, with_query};
use super::exit::Exit;
use super::{Done, print};
use clap::Args;
use reqwest::Method;

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
    /// Purge the answers to these URLs or paths
    #[arg(value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Never serve them again; without it they are served once more during a refresh
    #[arg(long)]
    pub hard: bool,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Purges one scope after the other. Closed standard output doesn't stop it, a refusal does.
pub fn run(args: &PurgeArgs) -> Done {
    let client = AdminClient::connect(&args.server, Access::Write)?;
    let depth = if args.hard { "hard" } else { "soft" };
    let mut printed = Ok(());
    for (scope, name) in scopes(args) {
        let parameters = [("scope", scope), ("depth", depth)];
        let name = name.map(|name| ("name", name));
        let answer = client
            .send(Method::POST, &with_query("/admin/purge", parameters.into_iter().chain(name)))?;
        printed = printed.and_then(|()| print(&answer));
    }
    printed?;
    Ok(Exit::Done.into())
}

fn scopes(args: &PurgeArgs) -> impl Iterator<Item = (&'static str, Option<&str>)> {
    let named =
        [("endpoint", &args.endpoint), ("dataset", &args.dataset), ("project", &args.project)];
    let named = named.into_iter().filter_map(|(scope, name)| Some((scope, Some(name.as_deref()?))));
    let addresses = args.addresses.iter().map(|address| ("address", Some(address.as_str())));
    named.chain(args.all.then_some(("everything", None))).chain(addresses)
}
