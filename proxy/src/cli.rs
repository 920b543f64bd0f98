//! The command line.

use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
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
}

/// How to serve.
#[derive(Debug, Args, Clone)]
pub struct ServeArgs {
    /// Where clients are served; may be given several times, port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: Vec<SocketAddr>,
    /// Where operators are served: health and metrics
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub admin_listen: Vec<SocketAddr>,
    /// The embedded store to serve [default: the bundled sample, built at first start]
    #[arg(long, value_name = "PATH")]
    pub store: Option<PathBuf>,
    /// Where purges are remembered over restarts [default: aqs in the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// How much memory answers may take, as 512MiB or 2GiB [default: half of the control group's
    /// limit, else a quarter of the machine]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<bytesize::ByteSize>,
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
