//! `aqs completions`: prints the completion script of a shell.

use super::exit::Exit;
use super::{Done, print};
use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Prints the script for the `aqs` command line.
pub fn run(args: &CompletionsArgs, mut cli: Command) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "aqs", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done.into())
}
