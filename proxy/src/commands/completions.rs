//! `aqs completions`: what a shell needs to complete the words of the command line.

use super::exit::Exit;
use super::{Done, say};
use crate::cli::Cli;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// For which shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Prints the script.
pub fn run(args: &CompletionsArgs) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "aqs", &mut script);
    say(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done.into())
}
