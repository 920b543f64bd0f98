//! `aqs config-docs`: every key, from the structs that are read.

use super::Done;
use crate::config::reference_page;
use clap::Args;
use std::io::Write;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct ConfigDocsArgs {
    /// Print a file with every key at its default instead
    #[arg(long)]
    pub example: bool,
}

/// Prints the page, or the example file.
pub fn run(args: &ConfigDocsArgs) -> Done {
    let text = if args.example { reference_page::example() } else { reference_page::page() };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
