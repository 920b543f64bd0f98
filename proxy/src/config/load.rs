//! All sources together.

use super::error::ConfigError;
use super::settings::rooted;
use super::tree::Config;
use super::{checks, doubts, environment, file};
use crate::cli::ConfigArgs;
use aqs_api::endpoint::Endpoint;
use std::ffi::OsString;
use std::path::PathBuf;

/// Looks variables up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// A configuration that is valid.
#[derive(Debug)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// What the log has to say about it.
    pub warnings: Vec<String>,
}

/// The environment of this process.
pub fn process_environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Reads file, environment and flags, each over the one before, and checks the whole.
pub fn load(flags: &ConfigArgs, variables: Environment<'_>) -> Result<Loaded, ConfigError> {
    let named = || variables(environment::FILE).filter(|path| !path.is_empty());
    let mut config = match flags.config.clone().or_else(|| named().map(PathBuf::from)) {
        Some(path) => file::read(&path)?,
        None => Config::default(),
    };
    let mut warnings = Vec::new();
    warnings.extend(environment::apply(&mut config, variables)?);
    apply(&mut config, flags)?;
    checks::check(&config)?;
    warnings.extend(unread_stores(&config));
    warnings.extend(moved_service(&config));
    warnings.extend(doubts::about(&config));
    Ok(Loaded { config, warnings })
}

fn apply(config: &mut Config, flags: &ConfigArgs) -> Result<(), ConfigError> {
    let ConfigArgs { config: _, listen, admin_listen, store, state, memory } = flags;
    if !listen.is_empty() {
        config.listen = Some(all("--listen", listen, environment::addresses)?);
    }
    if !admin_listen.is_empty() {
        config.admin.listen = all("--admin-listen", admin_listen, environment::places)?;
    }
    if let Some(path) = store {
        config.store.path = Some(path.clone());
    }
    if let Some(path) = state {
        config.state = Some(path.clone());
    }
    if let Some(memory) = memory {
        let wrong = |message| ConfigError::Given { name: "--memory", message };
        config.memory = Some(memory.parse().map_err(wrong)?);
    }
    Ok(())
}

/// What all values of a flag say, each as the variable is read.
fn all<T>(
    name: &'static str,
    values: &[String],
    read: fn(&str) -> Result<Vec<T>, String>,
) -> Result<Vec<T>, ConfigError> {
    let wrong = |message| ConfigError::Given { name, message };
    let mut all = Vec::new();
    for value in values {
        all.extend(read(value).map_err(wrong)?);
    }
    Ok(all)
}

/// Says that a prefix is not followed under which nothing is served.
fn moved_service(config: &Config) -> Option<String> {
    let base = rooted(config.base_uri.as_deref()?);
    let base = base.trim_end_matches('/');
    let serves = |endpoint: &&Endpoint| {
        let route = format!("/metrics{}", endpoint.template());
        route.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let served = aqs_api::endpoints::ALL.iter().any(serves);
    (!served).then(|| {
        format!(
            "base_uri is {base}, under which this version has no endpoint; \
             those it has are served under /metrics, as ever"
        )
    })
}

/// Says that named stores are not read, so that nobody takes the sample for their data.
fn unread_stores(config: &Config) -> Option<String> {
    let mut named = Vec::new();
    if let Some(host) = config.druid.as_ref().and_then(|druid| druid.host.as_ref()?.get()) {
        named.push(format!("Druid ({host})"));
    }
    if let Some(gateway) = config.data_gateway_uri.as_ref().and_then(|uri| uri.get()) {
        named.push(format!("the Data Gateway ({gateway})"));
    }
    if named.is_empty() {
        return None;
    }
    let served = match (&config.cassandra, &config.store.path) {
        (Some(cassandra), _) => format!("Cassandra ({}) alone", cassandra.hosts.join(", ")),
        (None, Some(path)) => format!("the embedded store {}", path.display()),
        (None, None) => {
            "the bundled sample data, which is not yours; name a store with --store".to_owned()
        }
    };
    Some(format!(
        "the configuration names {}, which this version does not read; it serves {served}",
        named.join(", ")
    ))
}
