//! `aqs purge`: purges answers of a running server.

use super::admin_client::{AdminClient, ServerArgs};
use super::exit::Exit;
use super::{CommandResult, output};
use crate::admin::PurgedView;
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
    /// Purge also a project of which no data are loaded and no answer is known
    #[arg(long)]
    pub force: bool,
    /// Print the answers of the server as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Purges one scope after the other. Closed standard output doesn't stop it, a refusal does.
pub fn run(args: &PurgeArgs) -> CommandResult {
    let client = AdminClient::connect(&args.server)?;
    let depth = if args.hard { "hard" } else { "soft" };
    let named =
        [("endpoint", &args.endpoint), ("dataset", &args.dataset), ("project", &args.project)];
    let named = named.into_iter().flat_map(|(scope, name)| name.iter().map(move |it| (scope, it)));
    let addresses = args.addresses.iter().map(|address| ("address", address));
    let mut scopes: Vec<_> = named
        .chain(addresses)
        .map(|(scope, name)| vec![("scope", scope), ("depth", depth), ("name", name)])
        .collect();
    if args.all {
        scopes.push(vec![("scope", "everything"), ("depth", depth)]);
    }
    for mut parameters in scopes {
        if args.force {
            parameters.push(("force", "true"));
        }
        let answer = client.send(Method::POST, "/admin/purge", &parameters)?;
        output::note(&match args.json {
            true => answer,
            false => describe(&client.parse(&answer)?),
        });
    }
    Ok(Exit::Success.into())
}

fn describe(purged: &PurgedView) -> String {
    let PurgedView { scope, name, depth, answers } = purged;
    let space = if name.is_empty() { "" } else { " " };
    let answers = match answers {
        0 => "no answers were held".to_owned(),
        1 => "1 answer".to_owned(),
        answers => format!("{answers} answers"),
    };
    format!("purged {scope}{space}{name} ({depth}): {answers}\n")
}
