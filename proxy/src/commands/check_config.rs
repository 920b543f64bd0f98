//! `aqs check-config`: what holds in the end, or what is wrong.

use super::Done;
use crate::cli::ConfigArgs;
use crate::config;
use std::io::Write;
use std::process::ExitCode;

/// Prints the effective configuration without its secrets.
pub fn run(args: &ConfigArgs) -> Done {
    let loaded = config::load(args, &config::process_environment)?;
    for warning in &loaded.warnings {
        eprintln!("aqs: {warning}");
    }
    let text = serde_saphyr::to_string(&loaded.config.effective())?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
