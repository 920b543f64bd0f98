//! The variables of the environment, each with the key that it sets.

use super::error::ConfigError;
use super::tree::Config;
use super::words::Secret;
use crate::listen_addr::ListenAddr;
use crate::log;
use crate::nearest::nearest;
use std::ffi::OsString;
use std::net::SocketAddr;

/// Names the file, as `--config` does.
pub(super) const FILE: &str = "AQS_CONFIG";

/// What upstream's services say if nobody tells the credentials, word for word.
const CREDENTIALS_UNSET: &str = "CASSANDRA_USERNAME and CASSANDRA_PASSWORD env vars unset, \
                                 using values from configuration file";

/// A variable.
pub(super) struct Variable {
    pub(super) name: &'static str,
    /// The key.
    pub(super) sets: &'static str,
    apply: fn(&mut Config, &str) -> Result<(), String>,
}

/// All variables that set a key.
pub(super) const VARIABLES: &[Variable] = &[
    Variable {
        name: "AQS_LISTEN",
        sets: "listen (several with commas)",
        apply: |config, text| addresses(text).map(|list| config.listen = Some(list)),
    },
    Variable {
        name: "AQS_ADMIN_LISTEN",
        sets: "admin.listen (several with commas)",
        apply: |config, text| places(text).map(|list| config.admin.listen = list),
    },
    Variable {
        name: "AQS_STORE",
        sets: "store.path",
        apply: |config, text| {
            config.store.path = Some(text.into());
            Ok(())
        },
    },
    Variable {
        name: "AQS_STATE",
        sets: "state",
        apply: |config, text| {
            config.state = Some(text.into());
            Ok(())
        },
    },
    Variable {
        name: "AQS_MEMORY",
        sets: "memory",
        apply: |config, text| text.parse().map(|size| config.memory = Some(size)),
    },
    Variable {
        name: "AQS_LOG",
        sets: "log.filter",
        apply: |config, text| {
            log::filter(text).map_err(|error| error.to_string())?;
            config.log.filter = Some(text.to_owned());
            Ok(())
        },
    },
    Variable {
        name: "AQS_LOG_FORMAT",
        sets: "log.format",
        apply: |config, text| text.parse().map(|format| config.log.format = format),
    },
    Variable {
        name: "CASSANDRA_USERNAME",
        sets: "cassandra.authentication.username, if there is such a section",
        apply: |config, text| {
            if let Some(cassandra) = &mut config.cassandra {
                cassandra.authentication.username = Some(text.to_owned());
            }
            Ok(())
        },
    },
    Variable {
        name: "CASSANDRA_PASSWORD",
        sets: "cassandra.authentication.password, if there is such a section",
        apply: |config, text| {
            if let Some(cassandra) = &mut config.cassandra {
                cassandra.authentication.password = Some(Secret(text.to_owned()));
            }
            Ok(())
        },
    },
];

/// Lets the environment speak over the file; `Some` is what has to be logged about it.
///
/// An empty variable counts as absent, as it comes from unfilled templates.
pub(super) fn apply(
    config: &mut Config,
    environment: super::Environment<'_>,
) -> Result<Option<String>, ConfigError> {
    let value = |name: &'static str| match environment(name) {
        None => Ok(None),
        Some(value) => match value.into_string() {
            Ok(text) => Ok((!text.is_empty()).then_some(text)),
            Err(_) => Err(ConfigError::Given { name, message: "not UTF-8".to_owned() }),
        },
    };
    let mut credentials = 0;
    for variable in VARIABLES {
        let name = variable.name;
        let Some(text) = value(name)? else { continue };
        credentials += usize::from(name.starts_with("CASSANDRA_"));
        (variable.apply)(config, &text).map_err(|message| ConfigError::Given { name, message })?;
    }
    // Upstream's services say it in any case; elsewhere there may be nothing to use.
    let to_use = config.cassandra.as_ref().is_some_and(|cassandra| {
        let authentication = &cassandra.authentication;
        authentication.username.is_some() || authentication.password.is_some()
    });
    let unset = config.cassandra.is_some() && credentials < 2 && (to_use || config.is_upstream());
    Ok(unset.then(|| CREDENTIALS_UNSET.to_owned()))
}

/// What begins the names of variables that are read here.
const OURS: &str = "AQS_";
/// What others begin with: builds, tests, and the variables that Kubernetes sets for a service
/// called aqs.
const OTHERS: [&str; 8] = [
    "AQS_BUILD_",
    "AQS_RUST_VERSION",
    "AQS_CASSANDRA_JAVA_OPTS",
    "AQS_JAVA",
    "AQS_PORT",
    "AQS_SERVICE_",
    "AQS_TEST",
    "AQS_WRITE_PAGES",
];

/// What has to be logged about variables that look like ours and are not: a misspelled one would
/// do nothing without a word.
pub fn misspelled(names: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let known = || VARIABLES.iter().map(|variable| variable.name).chain([FILE]);
    let stray = |name: &String| {
        name.starts_with(OURS)
            && !OTHERS.iter().any(|other| name.starts_with(other))
            && !known().any(|held| held == name)
    };
    let names = names.into_iter().filter_map(|name| name.into_string().ok());
    let mut strays: Vec<String> = names.filter(stray).collect();
    strays.sort();
    let ours = || known().filter(|held| held.starts_with(OURS));
    // Those of upstream begin with nothing of ours.
    let without = |name: &str| known().find(|held| name.strip_prefix(OURS) == Some(*held));
    let warning = |name: String| match without(&name).or_else(|| nearest(&name, ours())) {
        Some(nearest) => {
            format!("the variable {name} is not known and does nothing; the nearest is {nearest}")
        }
        None => format!("the variable {name} is not known and does nothing"),
    };
    strays.into_iter().map(warning).collect()
}

pub(super) fn places(text: &str) -> Result<Vec<ListenAddr>, String> {
    text.split(',').map(|place| place.trim().parse()).collect()
}

pub(super) fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    let parse = |address: &str| {
        let address = address.trim();
        address.parse().map_err(|_| format!("`{address}` is no address such as 127.0.0.1:8080"))
    };
    text.split(',').map(parse).collect()
}
