//! The command line.

use crate::commands::completions::CompletionsArgs;
use crate::commands::exit::Exit;
use crate::commands::hot_set::HotSetArgs;
use crate::commands::jobs::JobsArgs;
use crate::commands::log_level::LogLevelArgs;
use crate::commands::purge::PurgeArgs;
use crate::commands::warm::WarmArgs;
use aqs_origin::store::cassandra::replication::Replication;
use aqs_origin::store::cassandra::{Consistency, parse_consistency};
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The analytics API of the wikis: page views and unique devices, cached.
///
/// Without a command it serves, by default the bundled sample data at http://127.0.0.1:8080.
#[derive(Debug, Parser)]
#[command(name = "aqs", version, args_conflicts_with_subcommands = true, after_long_help = Exit::help())]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API (the default)
    Serve(ServeArgs),
    /// Load a directory of NDJSON files, one for each table, into an embedded store or Cassandra
    ///
    /// Files are named after tables (unique_devices.ndjson, also .ndjson.gz) and have one JSON
    /// object per line. Fields are columns; an absent field leaves the stored cell as it is, a null
    /// clears it. `aqs sample DIR` writes an example. A load into an embedded store is one
    /// transaction. A load into Cassandra writes row by row; after an interruption the same command
    /// loads everything again.
    Load(LoadArgs),
    /// Print the schema of Cassandra as CQL, or create what is missing in a cluster
    Schema(SchemaArgs),
    /// Write the sample data as a directory for `aqs load`
    Sample(SampleArgs),
    /// Purge answers of a running server
    #[command(after_long_help = Exit::help())]
    Purge(PurgeArgs),
    /// Build a plan of a running server's hot set, and follow the job
    ///
    /// If the same build is running, it is joined. With --project or --last the answers are added to
    /// those of the plan. Ctrl-C stops following; the job goes on.
    #[command(after_long_help = Exit::help())]
    Warm(WarmArgs),
    /// List, show or cancel the builds of a running server
    #[command(after_long_help = Exit::help())]
    Jobs(JobsArgs),
    /// Show, roll back or verify the hot set of a running server
    #[command(after_long_help = Exit::help())]
    HotSet(HotSetArgs),
    /// Show or set the log filter of a running server
    LogLevel(LogLevelArgs),
    /// Print the effective configuration, with secrets as ***, or its mistakes
    CheckConfig(ConfigArgs),
    /// Print the completion script of a shell
    ///
    /// bash: aqs completions bash > ~/.local/share/bash-completion/completions/aqs
    /// zsh:  aqs completions zsh > ~/.zfunc/_aqs, with fpath+=~/.zfunc before compinit in ~/.zshrc
    /// fish: aqs completions fish > ~/.config/fish/completions/aqs.fish
    #[command(verbatim_doc_comment)]
    Completions(CompletionsArgs),
    /// Print every key of the configuration as a Markdown page
    ConfigDocs(ConfigDocsArgs),
}

#[derive(Debug, Args, Clone)]
pub struct ServeArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// The configuration file, and flags with precedence over it. Values are parsed with those of the
/// file and the environment, so that mistakes have the same messages and exit code.
#[derive(Debug, Default, Args, Clone)]
pub struct ConfigArgs {
    /// The configuration, as YAML; `aqs config-docs` lists its keys [env: AQS_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of a public listener; may be given several times, port 0 is any free port
    /// [env: AQS_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<String>,
    /// Address or unix:PATH of an admin listener: health, metrics, purges, jobs
    /// [env: AQS_ADMIN_LISTEN] [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    pub admin_listen: Vec<String>,
    /// The embedded store to serve [env: AQS_STORE] [default: the bundled sample, built at first
    /// start]
    #[arg(long, value_name = "PATH", value_parser = any_path())]
    pub store: Option<PathBuf>,
    /// Directory of the state that survives restarts, such as purges [env: AQS_STATE] [default:
    /// aqs in the user's state folder]
    #[arg(long, value_name = "DIR", value_parser = any_path())]
    pub state: Option<PathBuf>,
    /// Memory for answers, as 512MiB or 2GiB [env: AQS_MEMORY] [default: half of the control
    /// group's limit, else a quarter of the machine]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
}

/// Takes empty paths, too: they are reported with the other mistakes of the configuration.
fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

#[derive(Debug, Args)]
pub struct ConfigDocsArgs {
    /// Print a file with every key at its default instead
    #[arg(long)]
    pub example: bool,
}

#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The directory
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The kind of store [default: embedded]
    #[arg(long, value_name = "KIND")]
    pub to: Option<Target>,
    /// The embedded store; created if it doesn't exist
    #[arg(long, value_name = "PATH", required_unless_present = "to")]
    pub store: Option<PathBuf>,
    /// Load nothing if a row is bad, instead of skipping bad rows
    #[arg(long)]
    pub strict: bool,
    #[command(flatten, next_help_heading = "With --to cassandra")]
    pub cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// A file
    #[default]
    Embedded,
    /// A cluster
    Cassandra,
}

#[derive(Debug, Args)]
pub struct ClusterArgs {
    /// The configuration with the section cassandra [env: AQS_CONFIG]
    #[arg(long, value_name = "FILE", requires = "to")]
    pub config: Option<PathBuf>,
    /// Consistency level of writes, as localQuorum [default: cassandra.consistency]
    #[arg(long, value_name = "LEVEL", requires = "to", value_parser = parse_consistency)]
    pub consistency: Option<Consistency>,
    /// Concurrent writes
    #[arg(long, value_name = "ROWS", default_value_t = 256, requires = "to",
        value_parser = clap::value_parser!(u16).range(1..=16384))]
    pub concurrency: u16,
}

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Create what is missing in the cluster, instead of printing; existing tables get new columns
    /// and no other change
    #[arg(long)]
    pub apply: bool,
    /// With --apply: the configuration with the section cassandra [env: AQS_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Replicas of new keyspaces by data centre, as eqiad=3,codfw=3 [default: 3 in each data
    /// centre of the cluster, or as many as it has nodes; printed: datacenter1=3]
    #[arg(long, value_name = "CENTRES")]
    pub replication: Option<Replication>,
    /// Grant this existing user SELECT on the tables
    #[arg(long, value_name = "USER")]
    pub grant: Option<String>,
}

#[derive(Debug, Args)]
pub struct SampleArgs {
    /// The directory; created if it doesn't exist
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// Replaces the `-config` of the upstream services, which clap would read as short flags.
pub fn arguments(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let modern = |argument: OsString| match argument.to_str() {
        Some("-config") => OsStr::new("--config").to_owned(),
        Some(text) if text.starts_with("-config=") => format!("-{text}").into(),
        _ => argument,
    };
    given.into_iter().map(modern).collect()
}
