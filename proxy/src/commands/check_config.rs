//! `aqs check-config`: prints the effective configuration, or its mistakes.

use super::Done;
use crate::config::{self, ConfigArgs};
use std::io::Write;
use std::process::ExitCode;

/// Prints the effective configuration without its secrets.
pub fn run(args: &ConfigArgs) -> Done {
    let loaded = config::load(args, &config::process_environment)?;
    let unknown = config::unknown_variables(std::env::vars_os().map(|(name, _)| name));
    let absent = loaded.config.store.path.as_ref().filter(|path| !path.exists());
    let absent = absent.map(|path| format!("store.path: {} is not there", path.display()));
    for warning in loaded.warnings.iter().chain(&unknown).chain(&absent) {
        // Standard error may be closed, too.
        let _ = writeln!(std::io::stderr(), "aqs: {warning}");
    }
    loaded.config.check_files()?;
    std::io::stdout().write_all(loaded.config.effective().to_yaml().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
