//! The command line.

use crate::commands::exit;
use crate::commands::hot_set::HotSetArgs;
use crate::commands::jobs::JobsArgs;
use crate::commands::load::LoadArgs;
use crate::commands::log_level::LogLevelArgs;
use crate::commands::purge::PurgeArgs;
use crate::commands::schema::SchemaArgs;
use crate::commands::unload::UnloadArgs;
use crate::commands::warm::WarmArgs;
use crate::config::ConfigArgs;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The analytics API of the wikis: page views and unique devices, cached.
///
/// Without a command it serves, by default the bundled sample data at http://127.0.0.1:8080.
#[derive(Debug, Parser)]
#[command(name = "aqs", version, args_conflicts_with_subcommands = true, after_long_help = exit::HELP)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub serve: ConfigArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API (the default)
    #[command(after_long_help = exit::HELP)]
    Serve(ConfigArgs),
    /// Load files of NDJSON or CSV, one for each table, into an embedded store or Cassandra
    ///
    /// Files are named after tables (unique_devices.ndjson, also .csv and .gz) and have one JSON
    /// object per line, or a header and one row per line. Fields are columns (aqs tables); an absent
    /// or empty field leaves the stored cell as it is, a null of JSON clears it. `aqs sample DIR`
    /// writes an example. A load into an embedded store is one
    /// transaction. A load into Cassandra writes row by row; after an interruption the same command
    /// loads everything again.
    #[command(after_long_help = exit::HELP)]
    Load(LoadArgs),
    /// Remove rows from an embedded store: a dataset, a project, a range of days, an article
    ///
    /// Rows that meet all conditions are removed, in one transaction. A list of top articles is one
    /// row: it is removed as a whole or not at all. Rows of Cassandra are removed with cqlsh.
    #[command(after_long_help = exit::HELP)]
    Unload(UnloadArgs),
    /// Print the schema of Cassandra as CQL, or create what is missing in a cluster
    #[command(after_long_help = exit::HELP)]
    Schema(SchemaArgs),
    /// Explain the tables that `aqs load` fills, and their columns
    #[command(after_long_help = exit::HELP)]
    Tables {
        /// Only this table
        #[arg(value_name = "TABLE")]
        table: Option<String>,
        /// Print a Markdown page instead
        #[arg(long, conflicts_with = "table")]
        page: bool,
    },
    /// Write the sample data as a directory for `aqs load`
    #[command(after_long_help = exit::HELP)]
    Sample {
        /// The directory; created if it doesn't exist
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Purge answers of a running server
    #[command(after_long_help = exit::HELP)]
    Purge(PurgeArgs),
    /// Build a plan of a running server's hot set, and follow the job
    ///
    /// If the same build is running, it is joined. With --project or --last the answers are added to
    /// those of the plan. Ctrl-C stops following; the job goes on.
    #[command(after_long_help = exit::HELP)]
    Warm(WarmArgs),
    /// List, show or cancel the builds of a running server
    #[command(after_long_help = exit::HELP)]
    Jobs(JobsArgs),
    /// Show, roll back or verify the hot set of a running server
    #[command(after_long_help = exit::HELP)]
    HotSet(HotSetArgs),
    /// Show or set the log filter of a running server
    #[command(after_long_help = exit::HELP)]
    LogLevel(LogLevelArgs),
    /// Print the effective configuration, with secrets as ***, or its mistakes
    #[command(after_long_help = exit::HELP)]
    CheckConfig(ConfigArgs),
    /// Print the completion script of a shell
    ///
    /// bash: mkdir -p ~/.local/share/bash-completion/completions &&
    ///       aqs completions bash > ~/.local/share/bash-completion/completions/aqs
    /// zsh:  mkdir -p ~/.zfunc && aqs completions zsh > ~/.zfunc/_aqs, with fpath+=~/.zfunc before compinit in ~/.zshrc
    /// fish: mkdir -p ~/.config/fish/completions &&
    ///       aqs completions fish > ~/.config/fish/completions/aqs.fish
    #[command(verbatim_doc_comment, after_long_help = exit::HELP)]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print every key of the configuration as a Markdown page
    #[command(after_long_help = exit::HELP)]
    ConfigDocs {
        /// Print a file with every key at its default instead
        #[arg(long)]
        example: bool,
    },
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_explains_its_exit_codes() {
        for command in Cli::command().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Exit codes:"), "{}", command.get_name());
        }
    }
}
