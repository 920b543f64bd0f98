//! The command line.

use crate::commands::log_level::LogLevelArgs;
use crate::commands::purge::PurgeArgs;
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The analytics API of the wikis: page views and unique devices, cached.
///
/// Without a command it serves, by default the bundled sample data at http://127.0.0.1:8080.
#[derive(Debug, Parser)]
#[command(name = "aqs", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of `serve`.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API (what happens without a command)
    Serve(ServeArgs),
    /// Load a directory of NDJSON files, one for each table, into an embedded store
    ///
    /// Files are named after tables (unique_devices.ndjson, also .ndjson.gz) and hold a JSON
    /// object a line. Fields are columns; an absent field leaves the stored cell as it is, a null
    /// clears it. `aqs sample DIR` writes such a directory to look at. A load is one transaction:
    /// all of it counts, or nothing.
    Load(LoadArgs),
    /// Write the sample data as a directory that `aqs load` takes
    Sample(SampleArgs),
    /// Tell a running server what not to serve any more
    Purge(PurgeArgs),
    /// See or set how much a running server logs
    LogLevel(LogLevelArgs),
    /// Print the configuration that `serve` would run with, secrets as ***, or what is wrong in it
    CheckConfig(ConfigArgs),
    /// Print every key of the configuration as a Markdown page
    ConfigDocs(ConfigDocsArgs),
}

/// How to serve.
#[derive(Debug, Args, Clone)]
pub struct ServeArgs {
    /// What goes before the file and the environment.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// The configuration's file, and what goes before it. Values are read as those of the file and the
/// environment are, so that a wrong one is refused in the same words and with the same exit code.
#[derive(Debug, Default, Args, Clone)]
pub struct ConfigArgs {
    /// The configuration, as YAML; `aqs config-docs` lists its keys [env: AQS_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where clients are served; may be given several times, port 0 takes any free port
    /// [env: AQS_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// Where operators are served, also unix:PATH: health, metrics, purges
    /// [env: AQS_ADMIN_LISTEN] [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    pub admin_listen: Vec<String>,
    /// The embedded store to serve [env: AQS_STORE] [default: the bundled sample, built at first
    /// start]
    #[arg(long, value_name = "PATH", value_parser = any_path())]
    pub store: Option<PathBuf>,
    /// Where purges are remembered over restarts [env: AQS_STATE] [default: aqs in the user's
    /// state folder]
    #[arg(long, value_name = "DIR", value_parser = any_path())]
    pub state: Option<PathBuf>,
    /// How much memory answers may take, as 512MiB or 2GiB [env: AQS_MEMORY] [default: half of
    /// the control group's limit, else a quarter of the machine]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
}

/// Paths, also empty ones: they are refused with all else that is wrong in a configuration.
fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// What to print about the configuration.
#[derive(Debug, Args)]
pub struct ConfigDocsArgs {
    /// Print a file with every key at its default instead
    #[arg(long)]
    pub example: bool,
}

/// What to load, and where to.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The directory
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The embedded store; it is made if it doesn't exist
    #[arg(long, value_name = "PATH")]
    pub store: PathBuf,
    /// Stop at the first bad row and load nothing, instead of leaving bad rows out
    #[arg(long)]
    pub strict: bool,
}

/// Where to write the sample.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// The directory; it is made if it doesn't exist
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// The arguments, with upstream's `-config` as what it is here.
///
/// Go's flags have one dash or two; clap would take the one for a row of short flags.
pub fn arguments(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let modern = |argument: OsString| match argument.to_str() {
        Some("-config") => OsStr::new("--config").to_owned(),
        Some(text) if text.starts_with("-config=") => format!("-{text}").into(),
        _ => argument,
    };
    given.into_iter().map(modern).collect()
}
