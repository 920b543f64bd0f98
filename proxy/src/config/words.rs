//! Values out of a few words: log levels, consistency levels, countries; and secrets.

use super::key::{Described, Kind};
use super::scalar::scalar;
use crate::listen_addr::ListenAddr;
use aqs_api::calendar::{Digits, Hour};
use ipnet::IpNet;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An enumeration by its words, in any case; `$refusal` is how a foreign word is
/// refused: upstream's in its words, which its operators look for.
macro_rules! words {
    ($(#[doc = $about:literal])+ pub enum $kind:ident, $refusal:literal {
        $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind { $($(#[doc = $doc])+ $variant,)+ }

        impl $kind {
            const ALL: &[(Self, &str)] = &[$((Self::$variant, $word),)+];

            fn takes() -> String {
                let words: Vec<_> = Self::ALL.iter().map(|(_, word)| *word).collect();
                words.join(", ")
            }
        }

        impl FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|(_, word)| word.eq_ignore_ascii_case(text));
                found.map(|(level, _)| *level).ok_or_else(|| format!($refusal, text))
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
                text.write_str(match self { $(Self::$variant => $word,)+ })
            }
        }

        scalar!($kind);
    };
}

words! {
    /// How much is logged.
    pub enum LogLevel,
        "Unsupported log level: {}; it can be debug, info, warning, error or fatal" {
        /// Everything.
        Debug = "debug",
        /// What happens.
        Info = "info",
        /// What should not happen.
        Warning = "warning",
        /// What fails.
        Error = "error",
        /// What ends the program.
        Fatal = "fatal",
    }
}

words! {
    /// How lines of the log look.
    pub enum LogFormat, "`{}` is none of auto, ecs and readable" {
        /// What suits whoever reads them.
        Auto = "auto",
        /// JSON for collectors, on standard output.
        Ecs = "ecs",
        /// For people, on standard error.
        Readable = "readable",
    }
}

words! {
    /// Which requests get a line in the log.
    pub enum Access, "`{}` is none of off, sampled and full" {
        /// Failures and slow ones.
        Off = "off",
        /// Some others too.
        Sampled = "sampled",
        /// All.
        Full = "full",
    }
}

words! {
    /// Whose address stands in the log.
    pub enum LoggedAddress, "`{}` is none of none, peer and forwarded" {
        /// Nobody's.
        None = "none",
        /// That of the connection.
        Peer = "peer",
        /// That which a trusted proxy tells.
        Forwarded = "forwarded",
    }
}

words! {
    /// How many replicas of a Cassandra row must answer.
    pub enum Consistency,
        "Unsupported consistency level: {}; it can be any, one, two, three, quorum, all, \
         localquorum, eachquorum or localone" {
        /// Any node, even one that only keeps a hint.
        Any = "any",
        /// One replica.
        One = "one",
        /// Two replicas.
        Two = "two",
        /// Three replicas.
        Three = "three",
        /// Most replicas.
        Quorum = "quorum",
        /// All replicas.
        All = "all",
        /// Most replicas of the nearest data centre.
        LocalQuorum = "localquorum",
        /// Most replicas of each data centre.
        EachQuorum = "eachquorum",
        /// One replica of the nearest data centre.
        LocalOne = "localone",
    }
}

words! {
    /// What packs the frames of a connection.
    pub enum Compression, "`{}` is no compression; there are none, lz4 and snappy" {
        /// Nothing.
        None = "none",
        /// LZ4.
        Lz4 = "lz4",
        /// Snappy.
        Snappy = "snappy",
    }
}

impl LogLevel {
    /// The filter that logs as much.
    pub fn filter(self) -> &'static str {
        match self {
            // What lies below us is quieter than we are.
            Self::Debug => "debug,pingora_core=warn,rustls=warn,scylla=warn",
            Self::Info => "info,pingora_core=warn,rustls=warn,scylla=warn",
            Self::Warning => "warn",
            Self::Error => "error",
            // What fails is less than what ends the program, though both are errors to `tracing`.
            Self::Fatal => "off,fatal=error",
        }
    }
}

/// A dataset's oldest and newest period: `2015070100..2026103100`, or only the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// The oldest.
    pub first: Digits,
    /// The newest, if it is known.
    pub last: Option<Digits>,
}

impl Periods {
    fn takes() -> String {
        "periods, as 20150701..20261031 or 20150701..".to_owned()
    }
}

impl FromStr for Periods {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let period = |part: &str| {
            Hour::parse(part).and_then(|_| Digits::from_text(part)).ok_or_else(|| {
                format!("`{text}` is no range of periods such as 20150701..20261031 or 20150701..")
            })
        };
        let (first, last) = text.split_once("..").unwrap_or((text, ""));
        let last = if last.is_empty() { None } else { Some(period(last)?) };
        let periods = Self { first: period(first)?, last };
        match periods.last {
            Some(last) if last < periods.first || last.as_str().len() != first.len() => {
                Err(format!("`{text}`: the newest period must not be before the oldest"))
            }
            _ => Ok(periods),
        }
    }
}

impl fmt::Display for Periods {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{}..{}", self.first.as_str(), self.last.as_ref().map_or("", Digits::as_str))
    }
}

scalar!(Periods);

/// A country by its ISO 3166 alpha-2 code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Country(pub(super) String);

impl Country {
    /// The code, upper case.
    pub fn code(&self) -> &str {
        &self.0
    }

    fn takes() -> String {
        "country codes".to_owned()
    }
}

impl FromStr for Country {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Ok(Self(text.to_ascii_uppercase()));
        }
        Err(format!("`{text}` is no country code of two letters, such as VE"))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(&self.0)
    }
}

scalar!(Country);

/// A network, or the one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

impl Network {
    fn takes() -> String {
        "networks or addresses".to_owned()
    }
}

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

scalar!(Network);

/// Where a service is: `http://` or `https://` and a host; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// The address, if there is one.
    pub fn get(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(&self.0)
    }

    /// Whether it says a port.
    pub(super) fn has_port(&self) -> bool {
        let host = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split(['/', '?', '#']).next().unwrap_or(host);
        let host = host.rsplit('@').next().unwrap_or(host);
        // What is in brackets is an address.
        host.rsplit(']').next().unwrap_or(host).contains(':')
    }

    fn takes() -> String {
        "URL".to_owned()
    }
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        if text.is_empty() || rest.is_some_and(|host| !host.is_empty()) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{text}` is no URL with http:// or https://"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(&self.0)
    }
}

scalar!(Url);
scalar!(ListenAddr);

/// What must not be printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub(super) String);

impl Secret {
    /// What it is.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str("***")
    }
}

impl Described for Secret {
    fn kind() -> Kind {
        Kind::Value("secret text".to_owned())
    }
}
