//! The command line.

use crate::commands::completions::CompletionsArgs;
use crate::commands::exit::Exit;
use crate::commands::hot_set::HotSetArgs;
use crate::commands::jobs::JobsArgs;
use crate::commands::log_level::LogLevelArgs;
use crate::commands::purge::PurgeArgs;
use crate::commands::warm::WarmArgs;
use crate::config::Consistency;
use aqs_origin::store::cassandra::replication::Replication;
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
    /// Load a directory of NDJSON files, one for each table, into an embedded store or Cassandra
    ///
    /// Files are named after tables (unique_devices.ndjson, also .ndjson.gz) and hold a JSON
    /// object a line. Fields are columns; an absent field leaves the stored cell as it is, a null
    /// clears it. `aqs sample DIR` writes such a directory to look at. A load into an embedded store
    /// is one transaction: all of it counts, or nothing. One into Cassandra writes row by row, and
    /// goes on where it was if it was interrupted and is given again.
    Load(LoadArgs),
    /// Print the schema of Cassandra as CQL, or make what a cluster lacks of it
    Schema(SchemaArgs),
    /// Write the sample data as a directory that `aqs load` takes
    Sample(SampleArgs),
    /// Tell a running server what not to serve any more
    Purge(PurgeArgs),
    /// Have a running server build a plan of its hot set ahead, and watch it
    ///
    /// A plan that is being built already is joined. With --project or --last the answers are
    /// added to the plan's own. Ctrl-C ends the watching; the job goes on.
    #[command(after_long_help = Exit::help())]
    Warm(WarmArgs),
    /// See or cancel the builds of a running server
    #[command(after_long_help = Exit::help())]
    Jobs(JobsArgs),
    /// See what a running server has built ahead, go back to an older state, or verify it
    #[command(after_long_help = Exit::help())]
    HotSet(HotSetArgs),
    /// See or set how much a running server logs
    LogLevel(LogLevelArgs),
    /// Print the configuration that `serve` would run with, secrets as ***, or what is wrong in it
    CheckConfig(ConfigArgs),
    /// Print the script by which a shell completes what is typed after aqs
    ///
    /// bash: aqs completions bash > ~/.local/share/bash-completion/completions/aqs
    /// zsh:  aqs completions zsh > ~/.zfunc/_aqs, with fpath+=~/.zfunc before compinit in ~/.zshrc
    /// fish: aqs completions fish > ~/.config/fish/completions/aqs.fish
    #[command(verbatim_doc_comment)]
    Completions(CompletionsArgs),
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
    /// Where operators are served, also unix:PATH: health, metrics, purges, jobs
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
    /// What kind of store it is loaded to [default: embedded]
    #[arg(long, value_name = "KIND")]
    pub to: Option<Target>,
    /// The embedded store; it is made if it doesn't exist
    #[arg(long, value_name = "PATH", required_unless_present = "to")]
    pub store: Option<PathBuf>,
    /// Stop at the first bad row and load nothing, instead of leaving bad rows out
    #[arg(long)]
    pub strict: bool,
    /// How Cassandra is written.
    #[command(flatten, next_help_heading = "With --to cassandra")]
    pub cluster: ClusterArgs,
}

/// A kind of store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// A file
    #[default]
    Embedded,
    /// A cluster
    Cassandra,
}

/// How Cassandra is written.
#[derive(Debug, Args)]
pub struct ClusterArgs {
    /// The configuration that says where it is [env: AQS_CONFIG]
    #[arg(long, value_name = "FILE", requires = "to")]
    pub config: Option<PathBuf>,
    /// How many replicas must have a row, as localQuorum [default: cassandra.consistency]
    #[arg(long, value_name = "LEVEL", requires = "to")]
    pub consistency: Option<Consistency>,
    /// How many rows are under way at once
    #[arg(long, value_name = "ROWS", default_value_t = 256, requires = "to",
        value_parser = clap::value_parser!(u16).range(1..=16384))]
    pub concurrency: u16,
    /// Begin anew although an earlier load of the directory was interrupted; needed if rows were
    /// removed since, as by TRUNCATE
    #[arg(long, requires = "to")]
    pub restart: bool,
    /// Where it is kept how far the load is [env: AQS_STATE] [default: aqs in the user's state
    /// folder]
    #[arg(long, value_name = "DIR", requires = "to")]
    pub state: Option<PathBuf>,
}

/// What to do about the schema.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Make what the cluster lacks, instead of printing; what is there is not altered beyond new
    /// columns
    #[arg(long)]
    pub apply: bool,
    /// With --apply: the configuration that says where it is [env: AQS_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How often new keyspaces keep each row in which data centre, as eqiad=3,codfw=3 [default:
    /// 3 times in each data centre of the cluster, or as often as it has nodes; printed:
    /// datacenter1=3]
    #[arg(long, value_name = "CENTRES")]
    pub replication: Option<Replication>,
    /// Let this user read the tables, and no more; it must be there already
    #[arg(long, value_name = "USER")]
    pub grant: Option<String>,
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
