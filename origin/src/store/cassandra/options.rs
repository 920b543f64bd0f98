//! Settings of the connection to a cluster.

use super::tls::{self, CaError};
use aqs_api::calendar::Digits;
pub use scylla::frame::Compression;
pub use scylla::statement::Consistency;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How a cluster is reached, and what is known of its data beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Contact points: `host`, `host:port`, `[v6]:port`.
    pub hosts: Vec<String>,
    /// The port of hosts that name none.
    pub port: u16,
    /// The preferred data centre; nodes of others are used only if none of its own answers.
    pub local_dc: Option<String>,
    /// How many replicas must answer a read.
    pub consistency: Consistency,
    pub credentials: Option<Credentials>,
    /// The CA certificates that sign those of the nodes; switches TLS on.
    pub ca: Option<PathBuf>,
    /// Whether a node's certificate must name the node's address or one of `hosts`.
    pub check_names: bool,
    /// The deadline of a read with all its pages and retries.
    pub read_within: Duration,
    /// The delay before another node is asked too; `None` for never.
    pub speculative_after: Option<Duration>,
    pub compression: Option<Compression>,
    /// The interval of heartbeats on idle connections, and their timeout; `None` for no heartbeats.
    pub keep_alive: Option<Duration>,
    /// Tables that may be missing, by name: they are empty until they exist.
    pub absent: Vec<String>,
    /// The interval of coverage probes.
    pub probe_every: Duration,
    /// The partition that is probed for a dataset, instead of the catalogue's.
    pub probes: BTreeMap<String, Vec<String>>,
    /// The known coverage of datasets.
    pub extents: BTreeMap<String, ConfiguredExtent>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

/// The configured coverage of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfiguredExtent {
    /// The oldest period.
    pub first: Digits,
    /// The newest period; if `None`, it is probed.
    pub last: Option<Digits>,
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
            check_names: true,
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

/// Speculative executions begin in the first quarter of a read's time, so that each has a chance.
const SPECULATION_DIVISOR: u32 = 4;

impl Options {
    /// The effective delay of speculative executions.
    pub(super) fn speculation(&self) -> Option<Duration> {
        self.speculative_after.map(|delay| delay.min(self.read_within / SPECULATION_DIVISOR))
    }

    /// Checks the files that the options name.
    pub fn check(&self) -> Result<(), CaError> {
        match &self.ca {
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
        self.check_names.then(|| self.contact_points().into_iter().map(name).collect())
    }

    /// The hosts, each with its port.
    pub fn contact_points(&self) -> Vec<String> {
        self.hosts.iter().map(|host| with_port(host, self.port)).collect()
    }

    /// The consistency of reads: no replica can be read at `Any`.
    pub(super) fn read_consistency(&self) -> Consistency {
        match self.consistency {
            Consistency::Any => Consistency::One,
            other => other,
        }
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
