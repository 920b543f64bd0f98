//! The `aqs` program: parses the command line and runs the command.

use aqs_proxy::cli::{self, Cli, Command};
use aqs_proxy::commands::exit::Exit;
use aqs_proxy::commands::{CommandResult, local, output};
use aqs_proxy::{commands, log};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// Misses allocate and free about as much: see the dependency in `Cargo.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse_from(cli::arguments(std::env::args_os()));
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            output::warn(&format!("aqs: {error}"));
            Exit::from(error.as_ref()).into()
        }
    }
}

fn run(cli: Cli) -> CommandResult {
    let command = cli.command.unwrap_or(Command::Serve(cli.serve));
    // `serve` starts the log with its configuration; `check-config` needs none.
    if !matches!(command, Command::Serve(_) | Command::CheckConfig(_)) {
        log::start();
    }
    match command {
        Command::Serve(args) => commands::serve::run(&args),
        Command::Load(args) => commands::load::run(&args),
        Command::Unload(args) => commands::unload::run(&args),
        Command::Schema(args) => commands::schema::run(&args),
        Command::Tables { table, page } => commands::tables::run(table.as_deref(), page),
        Command::Sample { directory } => local::sample(&directory),
        Command::Purge(args) => commands::purge::run(&args),
        Command::LogLevel(args) => commands::log_level::run(&args),
        Command::Warm(args) => commands::warm::run(&args),
        Command::Jobs(args) => commands::jobs::run(&args),
        Command::HotSet(args) => commands::hot_set::run(&args),
        Command::Completions { shell } => local::completions(shell, Cli::command()),
        Command::CheckConfig(args) => local::check_config(&args),
        Command::ConfigDocs { example } => local::config_docs(example),
    }
}
