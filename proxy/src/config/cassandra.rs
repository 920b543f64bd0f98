//! The section of Cassandra: whether its keys go together, and what the store is built to.

use super::error::ConfigError;
use super::tree::Config;
use super::upstream;
use super::words::{Compression as Packing, Consistency as Level};
use crate::nearest::nearest;
use aqs_api::Catalogue;
use aqs_api::calendar::Form;
use aqs_api::table::Calendar;
use aqs_api::{Dataset, Table};
use aqs_origin::store::cassandra::{
    Compression, ConfiguredExtent, Consistency, Credentials, Options,
};
use std::path::Path;
use std::time::Duration;

fn wrong(key: &'static str, message: String) -> Result<(), ConfigError> {
    Err(ConfigError::Contradiction { key, message })
}

/// Whether its keys go together, with each other and with the tables that there are.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let Some(cassandra) = &config.cassandra else { return Ok(()) };
    if let Some(path) = &config.store.path {
        return wrong(
            "store.path",
            format!(
                "answers come from Cassandra, since there is a section `cassandra`, or from the \
                 embedded store {}: leave out one of them",
                path.display()
            ),
        );
    }
    if cassandra.hosts.is_empty() {
        return wrong("cassandra.hosts", "it is empty, so that nobody could be asked".to_owned());
    }
    if let Some(host) = cassandra.hosts.iter().find(|host| !is_host(host)) {
        return wrong(
            "cassandra.hosts",
            format!(
                "`{host}` is no host such as aqs1010-a.eqiad.wmnet, 10.0.0.1:9042 or [::1]:9042"
            ),
        );
    }
    let authentication = &cassandra.authentication;
    let named = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    let user = named(authentication.username.as_deref());
    let password = named(authentication.password.as_ref().map(super::Secret::reveal));
    if user != password {
        let (key, message) = match user {
            true => ("cassandra.authentication.password", "there is a username without it"),
            false => ("cassandra.authentication.username", "there is a password without it"),
        };
        return wrong(key, message.to_owned());
    }
    names(cassandra)
}

fn names(cassandra: &upstream::Cassandra) -> Result<(), ConfigError> {
    // A catalogue that contradicts itself ends the program elsewhere, and says so better.
    let Ok(catalogue) = Catalogue::standard() else { return Ok(()) };
    let tables = catalogue.tables();
    for name in &cassandra.absent {
        if !tables.iter().any(|table| table.name == name) {
            let known = tables.iter().map(|table| table.name);
            return wrong("cassandra.absent", unknown("table", name, known));
        }
    }
    let dataset = |key, name: &str| -> Result<&'static Dataset, ConfigError> {
        let found = catalogue.datasets().iter().find(|dataset| dataset.name == name).copied();
        found.ok_or_else(|| {
            let known = catalogue.datasets().iter().map(|dataset| dataset.name);
            ConfigError::Contradiction { key, message: unknown("dataset", name, known) }
        })
    };
    for (name, values) in &cassandra.probes {
        let columns = before_the_date(dataset("cassandra.probes", name)?.table);
        if values.len() != columns.len() {
            let message = format!(
                "{name}: it takes {}: {}, and {} were given",
                columns.len(),
                columns.join(", "),
                values.len()
            );
            return wrong("cassandra.probes", message);
        }
    }
    for (name, periods) in &cassandra.extents {
        let form = match dataset("cassandra.extents", name)?.table.calendar {
            Calendar::Series(form) => form,
            Calendar::YearMonthDay | Calendar::YearMonth => Form::Day,
        };
        let digits = if form == Form::Day { 8 } else { 10 };
        if periods.first.as_str().len() != digits {
            let message = format!("{name}: its periods have {digits} digits, unlike {periods}");
            return wrong("cassandra.extents", message);
        }
    }
    Ok(())
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let hint = nearest(name, known).map_or(String::new(), |near| format!("; perhaps {near}"));
    format!("there is no {what} `{name}`{hint}")
}

/// The columns of a table's partition key up to the first that is a date.
fn before_the_date(table: &Table) -> Vec<&'static str> {
    let names = table.partition.iter().map(|column| column.name);
    match table.calendar {
        Calendar::Series(_) => names.collect(),
        Calendar::YearMonthDay | Calendar::YearMonth => {
            names.take_while(|name| *name != "year").collect()
        }
    }
}

/// Whether it looks like a host, with or without a port.
fn is_host(text: &str) -> bool {
    let port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    let name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._".contains(letter))
    };
    let v6 = |text: &str| text.parse::<std::net::Ipv6Addr>().is_ok();
    if let Some(rest) = text.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((address, "")) => v6(address),
            Some((address, after)) => v6(address) && after.strip_prefix(':').is_some_and(port),
            None => false,
        };
    }
    match text.split_once(':') {
        None => name(text),
        Some((host, after)) if !after.contains(':') => name(host) && port(after),
        Some(_) => v6(text),
    }
}

impl Config {
    /// How Cassandra is reached, if that is what is served.
    pub fn cassandra(&self) -> Option<Options> {
        let cassandra = self.cassandra.as_ref()?;
        let defaults = Options::default();
        let authentication = &cassandra.authentication;
        let username = authentication.username.clone().filter(|name| !name.is_empty());
        let upstream =
            self.context_timeout.map(|milliseconds| Duration::from_millis(milliseconds.get()));
        let read_within = cassandra.read_within.map(|span| span.0).or(upstream);
        let probes = cassandra.probes.clone();
        let extents = cassandra.extents.iter().map(|(name, periods)| {
            (name.clone(), ConfiguredExtent { first: periods.first, last: periods.last })
        });
        Some(Options {
            hosts: cassandra.hosts.clone(),
            // It is in range: see `upstream::Port`.
            port: u16::try_from(cassandra.port.get()).unwrap_or(defaults.port),
            local_dc: cassandra.local_dc.clone().filter(|centre| !centre.is_empty()),
            consistency: consistency(cassandra.consistency),
            credentials: username.map(|username| Credentials {
                username,
                password: authentication
                    .password
                    .as_ref()
                    .map_or_else(String::new, |secret| secret.reveal().to_owned()),
            }),
            ca: cassandra.tls.ca.clone().filter(|path| path != Path::new("")),
            check_names: cassandra.tls.check_names,
            read_within: read_within.unwrap_or(defaults.read_within),
            speculative_after: cassandra.speculative_after.0.map(|span| span.0),
            compression: match cassandra.compression {
                Packing::None => None,
                Packing::Lz4 => Some(Compression::Lz4),
                Packing::Snappy => Some(Compression::Snappy),
            },
            keep_alive: cassandra.keep_alive.0.map(|span| span.0),
            absent: cassandra.absent.clone(),
            probe_every: cassandra.probe_every.0,
            probes,
            extents: extents.collect(),
        })
    }

    /// Whether what the configuration names on this machine can be had.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        let Some(options) = self.cassandra() else { return Ok(()) };
        let wrong = |message| ConfigError::Contradiction { key: "cassandra.tls.ca", message };
        options.check().map_err(|error| wrong(error.to_string()))
    }
}

fn consistency(level: Level) -> Consistency {
    match level {
        Level::Any => Consistency::Any,
        Level::One => Consistency::One,
        Level::Two => Consistency::Two,
        Level::Three => Consistency::Three,
        Level::Quorum => Consistency::Quorum,
        Level::All => Consistency::All,
        Level::LocalQuorum => Consistency::LocalQuorum,
        Level::EachQuorum => Consistency::EachQuorum,
        Level::LocalOne => Consistency::LocalOne,
    }
}
