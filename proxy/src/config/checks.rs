//! Contradictions between keys, and with the catalogue.

use super::{Config, routes, values};
use crate::listen::ListenAddr;
use crate::log::ClientAddress;
use aqs_api::lifetimes::Lifetimes;
use aqs_api::units::{Bytes, Span};
use aqs_api::{Catalogue, Dataset, Table};
use aqs_origin::store::cassandra;
use aqs_origin::suggest;
use std::net::Ipv6Addr;

/// All contradictions, each with the key to change.
pub(super) fn contradictions(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    let mut wrong = |key: &str, message: String| found.push(format!("{key}: {message}"));
    if config.listen.as_ref().is_some_and(Vec::is_empty) {
        wrong("listen", "it is empty, so that no client could be served".to_owned());
    }
    if let Some(address) = &config.listen_address
        && values::ip(address).is_none()
    {
        wrong("listen_address", format!("`{address}` is no IP address, nor localhost"));
    }
    if let Some((key, message)) = conflicting_addresses(config) {
        wrong(key, message);
    }
    for host in config.admin.hosts.iter().filter(|host| !is_host_name(host)) {
        let message = format!(
            "`{host}` is no name and no address such as aqs.internal, 10.0.0.5 or [fd00::5]; leave \
             scheme and port out"
        );
        wrong("admin.hosts", message);
    }
    let freshness = &config.freshness;
    for (key, ages) in
        [("freshness.data", &freshness.data), ("freshness.no_data", &freshness.no_data)]
    {
        let Lifetimes { fresh, revalidate, usable } = *ages;
        if fresh > revalidate || revalidate > usable {
            let [fresh, revalidate, usable] = [fresh, revalidate, usable].map(Span::print);
            wrong(
                key,
                format!(
                    "fresh {fresh}, revalidate {revalidate}, usable {usable}: none may be less \
                     than the one before"
                ),
            );
        }
    }
    let limits = &config.limits;
    if limits.request_line > limits.head_bytes {
        let [line, head] =
            [limits.request_line, limits.head_bytes].map(|bytes| Bytes(bytes as u64));
        wrong(
            "limits.head_bytes",
            format!("{head} are less than limits.request_line, {line}, which is a part of it"),
        );
    }
    if config.log.client_address == ClientAddress::Forwarded
        && config.log.trusted_proxies.is_empty()
    {
        let message = "it is empty, so that no X-Forwarded-For would be trusted";
        wrong("log.trusted_proxies", message.to_owned());
    }
    // A catalogue that contradicts itself ends the program elsewhere, with a better message.
    if let Ok(catalogue) = Catalogue::standard() {
        if let Err((key, message)) = config.hot_set.check(&catalogue) {
            wrong(key, message);
        }
        routes::check(config, &catalogue, &mut wrong);
        if let Some(options) = &config.cassandra {
            check_cassandra(options, &catalogue, &mut wrong);
        }
    }
    found
}

/// An address of two listeners.
fn conflicting_addresses(config: &Config) -> Option<(&'static str, String)> {
    let mut taken: Vec<ListenAddr> = Vec::new();
    let public = config.public_addresses().into_iter().map(|address| ("listen", address.into()));
    let admin = config.admin.listen.iter().map(|address| ("admin.listen", address.clone()));
    for (key, address) in public.chain(admin) {
        if let Some(other) = taken.iter().find(|other| clash(other, &address)) {
            let message = if *other == address {
                format!("{address} is used twice: each listener needs an address of its own")
            } else {
                format!("{address} and {other} exclude each other")
            };
            return Some((key, message));
        }
        taken.push(address);
    }
    None
}

fn clash(one: &ListenAddr, other: &ListenAddr) -> bool {
    match (one, other) {
        (ListenAddr::Tcp(one), ListenAddr::Tcp(other)) => {
            let any = one.ip().is_unspecified() || other.ip().is_unspecified();
            // Port 0 picks another one each time; [::] does not include IPv4.
            one.port() == other.port()
                && one.port() != 0
                && one.is_ipv4() == other.is_ipv4()
                && (any || one.ip() == other.ip())
        }
        (ListenAddr::Unix(one), ListenAddr::Unix(other)) => one == other,
        (ListenAddr::Tcp(_), ListenAddr::Unix(_)) | (ListenAddr::Unix(_), ListenAddr::Tcp(_)) => {
            false
        }
    }
}

/// Whether a `Host` header without its port can be equal to this.
fn is_host_name(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()) || is_name(host)
}

fn is_name(text: &str) -> bool {
    let in_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !text.is_empty() && text.bytes().all(in_names)
}

fn check_cassandra(
    options: &cassandra::Options,
    catalogue: &Catalogue,
    wrong: &mut impl FnMut(&str, String),
) {
    if options.hosts.is_empty() {
        wrong("cassandra.hosts", "it is empty, so that there is no contact point".to_owned());
    }
    for host in options.hosts.iter().filter(|host| !is_host(host)) {
        let message = format!(
            "`{host}` is no host such as aqs1010-a.eqiad.wmnet, 10.0.0.1:9042 or [::1]:9042"
        );
        wrong("cassandra.hosts", message);
    }
    if let Some(credentials) = &options.credentials {
        if credentials.password.is_empty() {
            let message = "there is a username without it".to_owned();
            wrong("cassandra.authentication.password", message);
        }
        if credentials.username.is_empty() {
            let message = "there is a password without it".to_owned();
            wrong("cassandra.authentication.username", message);
        }
    }
    let tables = catalogue.tables();
    for name in &options.absent {
        if !tables.iter().any(|table| table.name == name) {
            let known = tables.iter().map(|table| table.name);
            wrong("cassandra.absent", unknown("table", name, known));
        }
    }
    let dataset = |name: &str| -> Result<&'static Dataset, String> {
        let known = || catalogue.datasets().iter().copied();
        let found = known().find(|dataset| dataset.name == name);
        found.ok_or_else(|| unknown("dataset", name, known().map(|dataset| dataset.name)))
    };
    for (name, values) in &options.probes {
        match dataset(name)
            .map(|dataset| dataset.table().map(columns_before_date).unwrap_or_default())
        {
            Err(message) => wrong("cassandra.probes", message),
            Ok(columns) if columns.len() != values.len() => wrong(
                "cassandra.probes",
                format!(
                    "{name}: it takes {}: {}, and {} were given",
                    columns.len(),
                    columns.join(", "),
                    values.len()
                ),
            ),
            Ok(_) => {}
        }
    }
    for (name, periods) in &options.extents {
        let digits = dataset(name).map(|dataset| dataset.form().len());
        match digits {
            Err(message) => wrong("cassandra.extents", message),
            Ok(digits) if periods.first.as_str().len() != digits => wrong(
                "cassandra.extents",
                format!("{name}: its periods have {digits} digits, unlike {periods}"),
            ),
            Ok(_) => {}
        }
    }
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let hint = suggest(name, known).map_or(String::new(), |near| format!("; perhaps {near}"));
    format!("there is no {what} `{name}`{hint}")
}

/// The columns of a table's partition key up to the first that is a date.
fn columns_before_date(table: &Table) -> Vec<&'static str> {
    table.probe_columns().iter().map(|column| column.name).collect()
}

/// Whether it looks like a host, with or without a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse::<u16>().unwrap_or(0)),
        _ => (text, 1),
    };
    text.parse::<Ipv6Addr>().is_ok() || is_host_name(host) && port > 0
}
