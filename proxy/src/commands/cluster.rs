//! What the commands that go to Cassandra need to know of it.

use crate::cli::ConfigArgs;
use crate::config::{self, Config, Consistency};
use aqs_origin::store::cassandra::Options;
use std::error::Error;
use std::path::Path;

/// The configuration and how it says that Cassandra is reached. Its warnings are logged.
pub(super) fn of(
    config: Option<&Path>,
    state: Option<&Path>,
    consistency: Option<Consistency>,
) -> Result<(Config, Options), Box<dyn Error>> {
    let flags = ConfigArgs {
        config: config.map(ToOwned::to_owned),
        state: state.map(ToOwned::to_owned),
        ..ConfigArgs::default()
    };
    let loaded = config::load(&flags, &config::process_environment)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let mut config = loaded.config;
    config.check_files()?;
    if let (Some(cassandra), Some(level)) = (&mut config.cassandra, consistency) {
        cassandra.consistency = level;
    }
    let options = config.cassandra().ok_or(
        "the configuration has no section `cassandra`; name a file that says with --config where it is",
    )?;
    Ok((config, options))
}
