//! `aqs completions`: prints the completion script of a shell.

use super::exit::Exit;
use super::{Done, print};
use crate::cli::Cli;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

pub fn run(args: &CompletionsArgs) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "aqs", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done.into())
}
