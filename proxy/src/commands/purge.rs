//! `aqs purge`: tell a running server what not to serve any more.

use super::Done;
use crate::admin::Token;
use crate::house::{ADDRESS_FILE, StatePlace, TOKEN_FILE};
use clap::Args;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

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
    /// The admin listener [default: that of the server on this machine]
    #[arg(long, value_name = "URL")]
    pub admin: Option<String>,
    /// The file with its token [default: that of the server on this machine]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// The state directory by which the server on this machine is found
    #[arg(long, value_name = "DIR", env = "AQS_STATE")]
    pub state: Option<PathBuf>,
}

/// Purges, and tells what was purged; the first refusal ends it.
pub fn run(args: &PurgeArgs) -> Done {
    let state = match StatePlace::asked_or_default(args.state.as_deref()) {
        StatePlace::At(path) | StatePlace::IfPossible(path) => Some(path),
        StatePlace::Nowhere => None,
    };
    let admin = match &args.admin {
        Some(admin) => admin.trim_end_matches('/').to_owned(),
        None => format!("http://{}", local(state.as_deref())?),
    };
    let token_file = match (&args.token_file, state) {
        (Some(file), _) => file.clone(),
        (None, Some(state)) => state.join(TOKEN_FILE),
        (None, None) => return Err("name the token's file with --token-file".into()),
    };
    let token = Token::read(&token_file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    for (scope, name) in scopes(args) {
        let said = runtime.block_on(purge(&client, &admin, &token, scope, name, args.hard))?;
        print!("{said}");
    }
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

async fn purge(
    client: &reqwest::Client,
    admin: &str,
    token: &Token,
    scope: &str,
    name: &str,
    hard: bool,
) -> Result<String, Box<dyn Error>> {
    let depth = if hard { "hard" } else { "soft" };
    let mut target = format!("{admin}/admin/purge?scope={scope}&depth={depth}");
    if !name.is_empty() {
        target.push_str("&name=");
        // Stricter than a path needs it: a query has delimiters of its own.
        for byte in name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' => {
                    target.push(char::from(byte));
                }
                other => target.push_str(&format!("%{other:02X}")),
            }
        }
    }
    let request = client.post(&target).bearer_auth(token.secret()).header("content-length", "0");
    let response = request.send().await.map_err(|error| {
        format!(
            "no server answers at {admin}: {}",
            error.source().map_or(error.to_string(), ToString::to_string)
        )
    })?;
    let (status, text) = (response.status(), response.text().await?);
    if status.is_success() {
        return Ok(text);
    }
    let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or("the server did not say why");
    Err(format!("{admin} refused with {}: {detail}", status.as_u16()).into())
}

/// The admin listener of the server on this machine, which it leaves in its state directory.
fn local(state: Option<&Path>) -> Result<String, Box<dyn Error>> {
    let state = state.ok_or("name the server with --admin")?;
    let file = state.join(ADDRESS_FILE);
    let address = std::fs::read_to_string(&file).map_err(|error| {
        format!(
            "no server was found on this machine ({}: {error}); name it with --admin",
            file.display()
        )
    })?;
    Ok(address.trim().to_owned())
}
