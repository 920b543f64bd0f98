//! Commands without a server or a store: configuration, completions and sample data.

use super::exit::Exit;
use super::{CommandResult, print};
use crate::config::{self, ConfigArgs, MemoryLimit, reference_page};
use aqs_api::Catalogue;
use aqs_origin::sample;
use clap_complete::Shell;
use std::io::Write;
use std::path::Path;

/// Prints the effective configuration without its secrets, or its mistakes.
pub fn check_config(args: &ConfigArgs) -> CommandResult {
    let loaded = config::load(args, &config::process_environment)?;
    let unknown = config::unknown_variables(std::env::vars_os().map(|(name, _)| name));
    let absent = loaded.config.store.path.as_ref().filter(|path| !path.exists());
    let absent = absent.map(|path| format!("store.path: {} is not there", path.display()));
    for warning in loaded.warnings.iter().chain(&unknown).chain(&absent) {
        // Standard error may be closed, too.
        let _ = writeln!(std::io::stderr(), "aqs: {warning}");
    }
    loaded.config.check_files()?;
    let limit = MemoryLimit::find();
    let warning = limit.exceeded_by(loaded.config.memory_bytes());
    if let Some(warning) = warning {
        let _ = writeln!(std::io::stderr(), "aqs: {warning}");
    }
    print(&format!("# The memory limit is {limit}.\n{}", loaded.config.effective().to_yaml()?))?;
    Ok(Exit::Success.into())
}

/// Prints the page of keys, or an example file.
pub fn config_docs(example: bool) -> CommandResult {
    print(&if example { reference_page::example() } else { reference_page::page() })?;
    Ok(Exit::Success.into())
}

/// Prints the completion script of a shell.
pub fn completions(shell: Shell, mut cli: clap::Command) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, "aqs", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success.into())
}

/// Writes the sample data as a directory for `aqs load`.
pub fn sample(directory: &Path) -> CommandResult {
    let summary = sample::write_directory(&Catalogue::standard()?, directory)?;
    println!("{} holds the sample data:", directory.display());
    for (table, rows) in &summary {
        println!("  {table:<32} {rows:>9} rows");
    }
    println!("Load it with: aqs load {} --store PATH", directory.display());
    Ok(Exit::Success.into())
}
