//! Commands without a server or a store: configuration, completions and sample data.

use super::exit::Exit;
use super::{CommandResult, output};
use crate::config::{self, ConfigArgs, MemoryLimit, reference_page};
use aqs_api::Catalogue;
use aqs_origin::sample;
use aqs_warmers::plan::built_in;
use clap_complete::Shell;
use std::path::Path;

/// Prints the effective configuration without its secrets, or its mistakes.
pub fn check_config(args: &ConfigArgs) -> CommandResult {
    let loaded = config::load(args, &config::process_environment)?;
    let unknown = config::unknown_variables(std::env::vars_os().map(|(name, _)| name));
    let absent = loaded.config.store.path.as_ref().filter(|path| !path.exists());
    let absent = absent.map(|path| format!("store.path: {} is not there", path.display()));
    for warning in loaded.warnings.iter().chain(&unknown).chain(&absent) {
        output::warn(&format!("aqs: {warning}"));
    }
    loaded.config.check_files()?;
    let limit = MemoryLimit::find();
    let warning = limit.exceeded_by(loaded.config.memory_bytes());
    if let Some(warning) = warning {
        output::warn(&format!("aqs: {warning}"));
    }
    output::result(&format!(
        "# The memory limit is {limit}.\n{}",
        loaded.config.effective().to_yaml()?
    ))?;
    Ok(Exit::Success.into())
}

/// Prints the page of keys, or an example file.
pub fn config_docs(example: bool) -> CommandResult {
    output::result(&if example { reference_page::example() } else { reference_page::page() })?;
    Ok(Exit::Success.into())
}

/// Prints the completion script of a shell.
pub fn completions(shell: Shell, cli: clap::Command) -> CommandResult {
    let catalogue = Catalogue::standard()?;
    let endpoints = catalogue.endpoints().map(|(_, endpoint)| endpoint.name);
    let datasets = catalogue.datasets().iter().map(|dataset| dataset.name);
    // Only here: a server of another version may have other names, so commands take any.
    let offer = |arg: clap::Arg, names: Vec<&'static str>| arg.value_parser(names);
    let (endpoints, datasets): (_, Vec<_>) = (endpoints.collect(), datasets.collect());
    let mut cli = cli
        .mut_subcommand("purge", |purge| {
            purge
                .mut_arg("endpoint", |arg| offer(arg, endpoints))
                .mut_arg("dataset", |arg| offer(arg, datasets.clone()))
        })
        .mut_subcommand("unload", |unload| {
            unload.mut_arg("dataset", |arg| offer(arg, datasets.clone()))
        })
        .mut_subcommand("warm", |warm| {
            warm.mut_arg("plan", |arg| offer(arg, built_in::NAMES.to_vec()))
        });
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, "aqs", &mut script);
    output::result(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success.into())
}

/// Writes the sample data as a directory for `aqs load`.
pub fn sample(directory: &Path) -> CommandResult {
    let summary = sample::write_directory(&Catalogue::standard()?, directory)?;
    let shown = directory.display();
    let tables = summary.iter().map(|(table, rows)| format!("  {table:<32} {rows:>9} rows\n"));
    let tables: String = tables.collect();
    output::note(&format!(
        "{shown} holds the sample data:\n{tables}Load it with: aqs load {shown} --store PATH\n"
    ));
    Ok(Exit::Success.into())
}
