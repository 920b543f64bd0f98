//! What single keys can't say: how they go together.

use super::error::ConfigError;
use super::tree::Config;
use super::units::Span;
use super::words::LoggedAddress;
use crate::log;
use std::net::IpAddr;

/// Whether the keys go together.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let wrong = |key, message: String| Err(ConfigError::Contradiction { key, message });
    if config.listen.as_ref().is_some_and(Vec::is_empty) {
        return wrong("listen", "it is empty, so that nobody could be served".to_owned());
    }
    if let Some(address) = &config.listen_address
        && ip(address).is_none()
    {
        return wrong("listen_address", format!("`{address}` is no IP address, nor localhost"));
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
    Ok(())
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
