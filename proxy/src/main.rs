//! The `aqs` program: reads the command line and does what it says.

use aqs_proxy::cli::{Cli, Command};
use aqs_proxy::{commands, log};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start();
    let done = match cli.command {
        None => commands::serve::run(&cli.serve),
        Some(Command::Serve(args)) => commands::serve::run(&args),
        Some(Command::Load(args)) => commands::load::run(&args),
        Some(Command::Sample(args)) => commands::sample::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("aqs: {error}");
            ExitCode::FAILURE
        }
    }
}
