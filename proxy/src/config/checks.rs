//! What single keys can't say: how they go together.

use super::error::ConfigError;
use super::tree::Config;
use super::units::Span;
use super::words::LoggedAddress;
use super::{cassandra, hot_set};
use crate::listen_addr::ListenAddr;
use crate::log;
use std::net::{IpAddr, Ipv6Addr};

/// How an empty path is refused: it would be the current directory, whichever that is.
const NO_PATH: &str = "it is empty; say . for the current directory";

/// Whether the keys go together.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let wrong = |key, message: String| Err(ConfigError::Contradiction { key, message });
    if config.listen.as_ref().is_some_and(Vec::is_empty) {
        return wrong("listen", "it is empty, so that nobody could be served".to_owned());
    }
    for (key, path) in [("state", &config.state), ("store.path", &config.store.path)] {
        if path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return wrong(key, format!("{NO_PATH}, or leave the key out"));
        }
    }
    if let Some(address) = &config.listen_address
        && ip(address).is_none()
    {
        return wrong("listen_address", format!("`{address}` is no IP address, nor localhost"));
    }
    if let Some((key, message)) = taken_twice(config) {
        return wrong(key, message);
    }
    if let Some(url) = config.druid.as_ref().and_then(|druid| druid.host.as_ref())
        && url.has_port()
    {
        return wrong("druid.host", format!("`{url}` has a port, which belongs into druid.port"));
    }
    for host in &config.admin.hosts {
        if let Some(fault) = host_fault(host) {
            return wrong("admin.hosts", format!("`{host}` {fault}"));
        }
    }
    let (data, none) = (&config.freshness.data, &config.freshness.no_data);
    ages("freshness.data", [data.fresh, data.revalidate, data.usable])?;
    ages("freshness.no_data", [none.fresh, none.revalidate, none.usable])?;
    let limits = &config.limits;
    if limits.request_line.bytes() > limits.head_bytes.bytes() {
        let (line, head) = (limits.request_line, limits.head_bytes);
        return wrong(
            "limits.head_bytes",
            format!("{head} are less than limits.request_line, {line}, which is a part of it"),
        );
    }
    if let Some(filter) = &config.log.filter
        && let Err(error) = log::filter(filter)
    {
        return wrong("log.filter", error.to_string());
    }
    if config.log.client_address == LoggedAddress::Forwarded
        && config.log.trusted_proxies.is_empty()
    {
        let message = "it is empty, so that nobody's X-Forwarded-For would be believed";
        return wrong("log.trusted_proxies", message.to_owned());
    }
    hot_set::check(&config.hot_set)?;
    cassandra::check(config)
}

/// A place that two listeners would have.
fn taken_twice(config: &Config) -> Option<(&'static str, String)> {
    let mut taken: Vec<ListenAddr> = Vec::new();
    let public = config.public_addresses().into_iter().map(|address| ("listen", address.into()));
    let admin = config.admin.listen.iter().map(|place| ("admin.listen", place.clone()));
    for (key, place) in public.chain(admin) {
        if let Some(other) = taken.iter().find(|other| clash(other, &place)) {
            let message = if *other == place {
                format!("{place} is taken already: each listener needs a place of its own")
            } else {
                format!("{place} and {other} can't be had both")
            };
            return Some((key, message));
        }
        taken.push(place);
    }
    None
}

fn clash(one: &ListenAddr, other: &ListenAddr) -> bool {
    match (one, other) {
        (ListenAddr::Tcp(one), ListenAddr::Tcp(other)) => {
            let any = one.ip().is_unspecified() || other.ip().is_unspecified();
            // Port 0 takes another each time; [::] leaves IPv4 alone.
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

/// Why no `Host` header, its port left off, could be this.
fn host_fault(host: &str) -> Option<&'static str> {
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if literal.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()) {
        return None;
    }
    let in_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.parse::<Ipv6Addr>().is_ok() {
        Some("lacks brackets: an IPv6 address is written [::1] here")
    } else if host.contains('/') {
        Some("is no name alone: leave scheme and path out")
    } else if host.split_once(':').is_some_and(|(name, _)| name.bytes().all(in_names))
        || host.contains("]:")
    {
        Some("has a port: leave it out, any will do")
    } else if host.is_empty() || !host.bytes().all(in_names) {
        Some("is neither a name nor an address")
    } else {
        None
    }
}

/// The address that upstream's `listen_address` means; empty is any, as in Go.
pub(super) fn ip(address: &str) -> Option<IpAddr> {
    match address {
        "localhost" => Some(IpAddr::from([127, 0, 0, 1])),
        "" => Some(IpAddr::from([0, 0, 0, 0])),
        other => other.parse().ok(),
    }
}

fn ages(key: &'static str, [fresh, revalidate, usable]: [Span; 3]) -> Result<(), ConfigError> {
    if fresh <= revalidate && revalidate <= usable {
        return Ok(());
    }
    let message = format!(
        "fresh {fresh}, revalidate {revalidate}, usable {usable}: none may be less than the one before"
    );
    Err(ConfigError::Contradiction { key, message })
}
