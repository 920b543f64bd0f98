//! What is asked of the connection to a cluster.

use super::tls::{self, CaError};
use aqs_api::calendar::Digits;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How a cluster is reached, and what is expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Nodes to begin with: `host`, `host:port`, `[v6]:port`.
    pub hosts: Vec<String>,
    /// The port of hosts that name none.
    pub port: u16,
    /// The data centre whose nodes are asked; others only if none of its own answers.
    pub local_dc: Option<String>,
    /// How many replicas must answer a read.
    pub consistency: Consistency,
    /// Who we are.
    pub credentials: Option<Credentials>,
    /// The certificates of the authority that signs the nodes'; with them, TLS is spoken.
    pub ca: Option<PathBuf>,
    /// Whether a node's certificate must be for the node's address too.
    pub check_names: bool,
    /// How long a read may take, all its pages, retries and hosts together.
    pub read_within: Duration,
    /// How long a node may take before another is asked as well; `None` for ever.
    pub speculative_after: Option<Duration>,
    /// What packs the frames.
    pub compression: Option<Compression>,
    /// How often an idle connection is tried, and how soon it must answer; `None` for never.
    pub keep_alive: Option<Duration>,
    /// Tables that are not yet there, by name: they are empty until they come.
    pub absent: Vec<String>,
    /// How often it is looked how far the data reach.
    pub probe_every: Duration,
    /// The partition that tells for a dataset how far its data reach, if not the usual one.
    pub probes: BTreeMap<String, Vec<String>>,
    /// How far a dataset's data reach, if that is known beforehand.
    pub extents: BTreeMap<String, Configured>,
}

/// Who we are to a cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
}

/// How far a dataset's data reach, as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configured {
    /// The oldest period.
    pub first: Digits,
    /// The newest; if `None`, it is probed.
    pub last: Option<Digits>,
}

/// How many replicas must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "Cassandra's own names, which its documentation explains")]
pub enum Consistency {
    Any,
    One,
    Two,
    Three,
    Quorum,
    All,
    LocalQuorum,
    EachQuorum,
    LocalOne,
}

/// What packs frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// LZ4.
    Lz4,
    /// Snappy.
    Snappy,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hosts: vec!["localhost".to_owned()],
            port: 9042,
            local_dc: None,
            consistency: Consistency::Quorum,
            credentials: None,
            ca: None,
            check_names: false,
            read_within: Duration::from_secs(5),
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

/// Another node is asked after this part of a read's time at the latest: one in so many. Later, a
/// stalled node would leave it no time.
const TRIES_WITHIN: u32 = 4;

impl Options {
    /// How long a node may take in fact before another is asked as well.
    pub(super) fn speculation(&self) -> Option<Duration> {
        self.speculative_after.map(|after| after.min(self.read_within / TRIES_WITHIN))
    }

    /// Whether what they name on this machine can be had: the authority's certificates.
    pub fn check(&self) -> Result<(), CaError> {
        match &self.ca {
            Some(path) => tls::client_config(path, self.check_names).map(|_| ()),
            None => Ok(()),
        }
    }

    /// The hosts, each with its port.
    pub fn contact_points(&self) -> Vec<String> {
        self.hosts.iter().map(|host| with_port(host, self.port)).collect()
    }

    /// The consistency that reads are made at: no replica can be read at `any`.
    pub(super) fn read_consistency(&self) -> scylla::statement::Consistency {
        use scylla::statement::Consistency as Theirs;
        match self.consistency {
            Consistency::Any | Consistency::One => Theirs::One,
            Consistency::Two => Theirs::Two,
            Consistency::Three => Theirs::Three,
            Consistency::Quorum => Theirs::Quorum,
            Consistency::All => Theirs::All,
            Consistency::LocalQuorum => Theirs::LocalQuorum,
            Consistency::EachQuorum => Theirs::EachQuorum,
            Consistency::LocalOne => Theirs::LocalOne,
        }
    }
}

/// A host with the port that it names, or else the usual one.
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

impl fmt::Display for Consistency {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str(match self {
            Self::Any => "any",
            Self::One => "one",
            Self::Two => "two",
            Self::Three => "three",
            Self::Quorum => "quorum",
            Self::All => "all",
            Self::LocalQuorum => "localQuorum",
            Self::EachQuorum => "eachQuorum",
            Self::LocalOne => "localOne",
        })
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
