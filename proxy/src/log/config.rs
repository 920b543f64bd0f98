//! The section `log` of the configuration.

use super::filter;
use aqs_api::units::{Count, Span};
use aqs_api::{text_value, words};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Filter such as debug or aqs_origin=debug,info. It overrides log_level. A level is off,
    /// error, warn, info, debug or trace.
    #[schemars(extend("unset" = "what log_level says"))]
    pub filter: Option<Filter>,
    /// Format of lines. ecs: JSON objects on standard output, where nothing else is written then.
    /// readable: text on standard error; the addresses are printed on standard output. auto: ecs
    /// if a key of the upstream services is set and standard output is no terminal, else readable.
    pub format: LogFormat,
    /// Which client requests are logged. off: those that fail (status 500 and above) or are slow.
    /// sampled: also a sample of the others. full: all. Independent of filter, unless it names the
    /// target access.
    pub access: AccessMode,
    /// With access: sampled, one of this many requests is logged.
    #[serde(with = "Count::<1, 1_000_000_000>")]
    pub sample: u64,
    /// Duration from which a request is slow, from its complete head to the last byte of the
    /// response.
    #[serde(with = "Span")]
    pub slow: Duration,
    /// Client address in access lines. none: no address. peer: address of the connection.
    /// forwarded: the right-most address of X-Forwarded-For that is not a trusted proxy's. The
    /// header is only read from trusted proxies.
    pub client_address: ClientAddress,
    /// Proxies whose X-Forwarded-For is trusted, such as 10.0.0.0/8 or an address. Used with
    /// client_address: forwarded.
    pub trusted_proxies: Vec<Network>,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: None,
            format: LogFormat::Auto,
            access: AccessMode::Off,
            sample: 100,
            slow: Duration::from_secs(1),
            client_address: ClientAddress::None,
            trusted_proxies: Vec::new(),
        }
    }
}

words! {
    /// The format of log lines.
    pub enum LogFormat, "`{}` is none of auto, ecs and readable" {
        Auto = "auto",
        Ecs = "ecs",
        Readable = "readable",
    }
}

words! {
    /// Which requests are logged besides failed and slow ones.
    pub enum AccessMode, "`{}` is none of off, sampled and full" {
        Off = "off",
        Sampled = "sampled",
        Full = "full",
    }
}

words! {
    /// Which client address is logged.
    pub enum ClientAddress, "`{}` is none of none, peer and forwarded" {
        None = "none",
        Peer = "peer",
        Forwarded = "forwarded",
    }
}

words! {
    /// The log levels of the upstream services.
    pub enum LogLevel,
        "Unsupported log level: {}; it can be debug, info, warning, error or fatal" {
        Debug = "debug",
        Info = "info",
        Warning = "warning",
        Error = "error",
        Fatal = "fatal",
    }
}

impl LogLevel {
    /// The filter that logs as much.
    pub fn filter(self) -> &'static str {
        match self {
            Self::Debug => "debug,pingora_core=warn,rustls=warn,scylla=warn",
            Self::Info => "info,pingora_core=warn,rustls=warn,scylla=warn",
            Self::Warning => "warn",
            Self::Error => "error",
            // `tracing` has no level above error.
            Self::Fatal => "off,fatal=error",
        }
    }
}

/// A valid filter as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(String);

impl Filter {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        filter(text).map(|_| Self(text.to_owned())).map_err(|error| error.to_string())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(&self.0)
    }
}

text_value!(Filter, "text");

/// A network, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = || text.parse().map(|address: IpAddr| IpNet::from(address)).ok();
        let network = text.parse().ok().or_else(address);
        network
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no network such as 10.0.0.0/8, and no address"))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(text)
    }
}

text_value!(Network, "networks or addresses");
