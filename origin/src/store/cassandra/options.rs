//! The section `cassandra` of the configuration.

use super::tls::{self, CaError};
use aqs_api::calendar::{Digits, Hour};
use aqs_api::units::{Count, Span, SpanOrOff, from_text, non_empty};
use schemars::JsonSchema;
pub use scylla::frame::Compression;
pub use scylla::statement::Consistency;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How a cluster is reached, and what is expected there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Port of hosts that name none.
    #[serde(with = "Count::<1, 65_535>")]
    pub port: u16,
    /// Consistency level of reads, in any case.
    #[serde(with = "ConsistencyWord")]
    pub consistency: Consistency,
    /// Contact points: names or addresses, optionally with a port.
    pub hosts: Vec<String>,
    /// Data centre whose nodes are preferred. Nodes of others are used if none of it answers.
    #[serde(deserialize_with = "non_empty")]
    pub local_dc: Option<String>,
    /// Table of the upstream services' own configuration. Accepted and not used.
    pub config_table: Option<String>,
    /// Credentials.
    #[serde(rename = "authentication", deserialize_with = "credentials")]
    pub credentials: Option<Credentials>,
    /// TLS.
    pub tls: Tls,
    /// Deadline of a read with all its pages, retries and hosts.
    #[serde(with = "Span")]
    #[schemars(extend("unset" = "context_timeout if set, else 5s"))]
    pub read_within: Duration,
    /// Concurrent reads.
    #[serde(with = "Count::<1, 65_536>")]
    #[schemars(extend("unset" = "store.reads"))]
    pub reads: Option<usize>,
    /// Reads that may wait in the queue.
    #[serde(with = "Count::<0, 1_000_000>")]
    #[schemars(extend("unset" = "store.queue"))]
    pub queue: Option<usize>,
    /// How long a read may wait in the queue.
    #[serde(with = "Span")]
    #[schemars(extend("unset" = "store.wait"))]
    pub wait: Option<Duration>,
    /// Delay before a second node is tried in parallel. At most a quarter of the read's deadline
    /// is used.
    #[serde(with = "SpanOrOff")]
    pub speculative_after: Option<Duration>,
    /// Compression of frames.
    #[serde(with = "CompressionWord")]
    pub compression: Option<Compression>,
    /// Interval and deadline of keep-alive probes on idle connections.
    #[serde(with = "SpanOrOff")]
    pub keep_alive: Option<Duration>,
    /// Tables that do not exist yet. They count as empty until they are created.
    pub absent: Vec<String>,
    /// Interval at which the extent of the data is probed.
    #[serde(with = "Span")]
    pub probe_every: Duration,
    /// By dataset, the partition that is probed for its extent: the partition key up to the date.
    pub probes: BTreeMap<String, Vec<String>>,
    /// By dataset, its known extent. With both ends, requests are cut to it and newer data are not
    /// found before it is changed. With the first period alone, the last one is probed and nothing
    /// is cut.
    pub extents: BTreeMap<String, ConfiguredExtent>,
}

/// How the cluster and its nodes prove their identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// File with the certificates of the authority. If it is set, connections use TLS.
    #[serde(deserialize_with = "non_empty")]
    pub ca: Option<PathBuf>,
    /// Whether a node's certificate must name the node's address or one of cassandra.hosts. Off, any
    /// name is accepted, as by the upstream services.
    pub check_names: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self { ca: None, check_names: true }
    }
}

/// A user and a password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Credentials {
    /// User name.
    #[schemars(extend("unset" = "not set"))]
    pub username: String,
    /// Password. It is never printed.
    #[serde(serialize_with = "hidden")]
    #[schemars(extend("unset" = "not set"))]
    pub password: String,
}

/// Unfilled templates leave both empty.
pub fn credentials<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Credentials>, D::Error> {
    let read = Credentials::deserialize(input)?;
    Ok(Some(read).filter(|read| *read != Credentials::default()))
}

fn hidden<S: Serializer>(password: &str, output: S) -> Result<S::Ok, S::Error> {
    output.serialize_str(if password.is_empty() { "" } else { "***" })
}

/// The configured extent of a dataset, such as `20150701..20261031` or `20150701..`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfiguredExtent {
    pub first: Digits,
    /// The last period; if `None`, it is probed.
    pub last: Option<Digits>,
}

impl FromStr for ConfiguredExtent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let period = |part: &str| {
            Hour::parse(part).and_then(|_| Digits::from_text(part)).ok_or_else(|| {
                format!("`{text}` is no range of periods such as 20150701..20261031 or 20150701..")
            })
        };
        let (first, last) = text.split_once("..").unwrap_or((text, ""));
        let last = if last.is_empty() { None } else { Some(period(last)?) };
        let first = period(first)?;
        match last {
            Some(last) if last < first || last.as_str().len() != first.as_str().len() => {
                Err(format!("`{text}`: the last period must not be before the first"))
            }
            _ => Ok(Self { first, last }),
        }
    }
}

impl fmt::Display for ConfiguredExtent {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{}..{}", self.first.as_str(), self.last.as_ref().map_or("", Digits::as_str))
    }
}

aqs_api::text_value!(ConfiguredExtent, "periods, as 20150701..20261031 or 20150701..");

const CONSISTENCY: [(&str, Consistency); 9] = [
    ("any", Consistency::Any),
    ("one", Consistency::One),
    ("two", Consistency::Two),
    ("three", Consistency::Three),
    ("quorum", Consistency::Quorum),
    ("all", Consistency::All),
    ("localquorum", Consistency::LocalQuorum),
    ("eachquorum", Consistency::EachQuorum),
    ("localone", Consistency::LocalOne),
];

pub fn parse_consistency(text: &str) -> Result<Consistency, String> {
    value_of(&CONSISTENCY, text).ok_or_else(|| {
        format!(
            "Unsupported consistency level: {text}; it can be any, one, two, three, quorum, all, \
             localquorum, eachquorum or localone"
        )
    })
}

struct ConsistencyWord;

aqs_api::accepts!(ConsistencyWord, CONSISTENCY.map(|(word, _)| word).join(", "));

impl ConsistencyWord {
    fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Consistency, D::Error> {
        from_text(input, parse_consistency)
    }

    fn serialize<S: Serializer>(level: &Consistency, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(word_of(&CONSISTENCY, level))
    }
}

const COMPRESSION: [(&str, Option<Compression>); 3] =
    [("none", None), ("lz4", Some(Compression::Lz4)), ("snappy", Some(Compression::Snappy))];

struct CompressionWord;

aqs_api::accepts!(CompressionWord, COMPRESSION.map(|(word, _)| word).join(", "));

impl CompressionWord {
    fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Compression>, D::Error> {
        let error =
            |text: &str| format!("`{text}` is no compression; there are none, lz4 and snappy");
        from_text(input, |text| value_of(&COMPRESSION, text).ok_or_else(|| error(text)))
    }

    fn serialize<S: Serializer>(value: &Option<Compression>, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(word_of(&COMPRESSION, value))
    }
}

/// The value of a word in any case.
fn value_of<T: Copy>(words: &[(&str, T)], text: &str) -> Option<T> {
    let known = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    known.map(|(_, value)| *value)
}

fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hosts: vec!["localhost".to_owned()],
            port: 9042,
            local_dc: None,
            consistency: Consistency::Quorum,
            config_table: None,
            credentials: None,
            tls: Tls::default(),
            read_within: Duration::from_secs(5),
            reads: None,
            queue: None,
            wait: None,
            speculative_after: Some(Duration::from_millis(250)),
            compression: None,
            keep_alive: Some(Duration::from_secs(5)),
            absent: Vec::new(),
            probe_every: Duration::from_secs(180),
            probes: BTreeMap::new(),
            extents: BTreeMap::new(),
        }
    }
}

/// Speculative executions begin in the first quarter of a read's time, so that each has a chance.
const SPECULATION_DIVISOR: u32 = 4;

impl Options {
    pub(super) fn speculation(&self) -> Option<Duration> {
        self.speculative_after.map(|delay| delay.min(self.read_within / SPECULATION_DIVISOR))
    }

    pub fn check(&self) -> Result<(), CaError> {
        match &self.tls.ca {
            Some(path) => tls::client_config(path, self.certificate_names()).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Names that certificates may have instead of the node's address; `None` accepts any name.
    pub(super) fn certificate_names(&self) -> Option<Vec<String>> {
        let name = |point: String| match point.rsplit_once(':') {
            Some((host, _)) => host.trim_matches(['[', ']']).to_owned(),
            None => point,
        };
        self.tls.check_names.then(|| self.contact_points().into_iter().map(name).collect())
    }

    /// The hosts, each with its port.
    pub fn contact_points(&self) -> Vec<String> {
        self.hosts.iter().map(|host| with_port(host, self.port)).collect()
    }

    /// The consistency of reads: no replica can be read at `Any`.
    pub(super) fn read_consistency(&self) -> Consistency {
        if self.consistency == Consistency::Any { Consistency::One } else { self.consistency }
    }
}

fn with_port(host: &str, port: u16) -> String {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = bare {
        return format!("[{address}]:{port}");
    }
    match host.matches(':').count() {
        0 => format!("{host}:{port}"),
        1 => host.to_owned(),
        _ if host.starts_with('[') => host.to_owned(),
        _ => format!("[{host}]:{port}"),
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_keeps_the_port_that_it_names() {
        for (host, expected) in [
            ("localhost", "localhost:9142"),
            ("aqs1010-a.eqiad.wmnet", "aqs1010-a.eqiad.wmnet:9142"),
            ("10.64.0.1:9043", "10.64.0.1:9043"),
            ("2620:0:861::1", "[2620:0:861::1]:9142"),
            ("[2620:0:861::1]", "[2620:0:861::1]:9142"),
            ("[2620:0:861::1]:9043", "[2620:0:861::1]:9043"),
        ] {
            assert_eq!(with_port(host, 9142), expected);
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let credentials =
            Credentials { username: "reader".to_owned(), password: "geheim".to_owned() };
        let printed = format!("{credentials:?}");
        assert!(printed.contains("reader") && !printed.contains("geheim"), "{printed}");
    }
}
