//! Access lines: which requests are logged, and with what.

use super::config::{AccessMode, ClientAddress, LogConfig, Network};
use super::fields;
use aqs_origin::{OriginError, RequestId, TraceParent};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A request and its response.
#[derive(Debug, Default)]
pub struct Line<'a> {
    /// The method, if the head was parsed.
    pub method: Option<&'a str>,
    /// The request target, if the head was parsed.
    pub target: Option<&'a str>,
    pub status: u16,
    /// The size of the response; none if the client did not receive all of it.
    pub bytes: Option<usize>,
    /// The duration; none for a head that was rejected at once.
    pub took: Option<Duration>,
    /// The cache result.
    pub cache: &'static str,
    /// The `detail` of `Cache-Status`.
    pub detail: Option<&'static str>,
    /// The name of the endpoint.
    pub endpoint: Option<&'static str>,
    /// The content coding of the body.
    pub coding: Option<&'static str>,
    pub request_id: &'a str,
    pub trace: Option<TraceParent>,
    pub context: Option<&'a LogContext>,
    /// The client's address, if it is logged.
    pub client: Option<IpAddr>,
}

/// Facts from serving a request for its log line.
#[derive(Clone, Debug, Default)]
pub struct LogContext {
    /// The request whose answer this one shared.
    pub leader: Option<RequestId>,
    /// Why there was no new answer.
    pub cause: Option<Arc<OriginError>>,
}

/// Longer targets are truncated.
const MAX_TARGET: usize = 1024;

impl LogConfig {
    /// Whether a request is logged.
    pub fn wants(&self, status: u16, took: Duration) -> bool {
        took >= self.slow || failed(status) || self.samples()
    }

    /// Whether a head that was rejected at once is logged.
    pub fn wants_refused(&self, status: u16) -> bool {
        failed(status) || self.samples()
    }

    fn samples(&self) -> bool {
        match self.access {
            AccessMode::Off => false,
            AccessMode::Sampled => fastrand::u64(..self.sample.max(1)) == 0,
            AccessMode::Full => true,
        }
    }

    /// Logs a request.
    pub fn write(&self, line: &Line<'_>) {
        let Line { method, status, took, cache, detail, endpoint, coding, .. } = *line;
        let target = line.target.map(|target| match target.len() > MAX_TARGET {
            true => target.get(..target.floor_char_boundary(MAX_TARGET)).unwrap_or_default(),
            false => target,
        });
        let duration = took.map(|took| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        let bytes = line.bytes.map(|bytes| bytes as u64);
        let incomplete = bytes.is_none().then_some(true);
        let trace = line.trace.map(|trace| tracing::field::display(trace.trace_id()));
        let parent = line.trace.map(|trace| tracing::field::display(trace.parent_id()));
        let context = line.context;
        let leader = context.and_then(|context| context.leader.as_ref());
        let leader = leader.map(tracing::field::display);
        let error = context.and_then(|context| context.cause.as_ref());
        let error = error.map(tracing::field::display);
        let client = line.client.map(tracing::field::display);
        macro_rules! write {
            ($level:ident, $message:literal) => {
                tracing::event!(
                    target: fields::ACCESS,
                    tracing::Level::$level,
                    { fields::METHOD } = method,
                    { fields::URL } = target,
                    { fields::STATUS } = status,
                    { fields::BYTES } = bytes,
                    { fields::INCOMPLETE } = incomplete,
                    { fields::DURATION } = duration,
                    { fields::CACHE } = cache,
                    { fields::DETAIL } = detail,
                    { fields::ENDPOINT } = endpoint,
                    { fields::CODING } = coding,
                    { fields::REQUEST_ID } = line.request_id,
                    { fields::TRACE } = trace,
                    { fields::PARENT } = parent,
                    { fields::LEADER } = leader,
                    { fields::ERROR } = error,
                    { fields::CLIENT } = client,
                    $message
                )
            };
        }
        if failed(status) {
            write!(ERROR, "failed");
        } else if took.is_some_and(|took| took >= self.slow) {
            write!(WARN, "slow");
        } else if took.is_none() {
            write!(INFO, "refused");
        } else {
            write!(INFO, "answered");
        }
    }

    /// The address to log of the client of a connection; `forwarded` are the lines of
    /// `X-Forwarded-For` from last to first.
    ///
    /// Each proxy appends the address that it sees. So the right-most address that is no trusted
    /// proxy's was seen by a trusted one; what stands left of it can be forged.
    pub fn client<'a>(
        &self,
        peer: Option<IpAddr>,
        forwarded: impl Iterator<Item = &'a [u8]>,
    ) -> Option<IpAddr> {
        let peer = peer.map(|peer| peer.to_canonical());
        match self.client_address {
            ClientAddress::None => None,
            ClientAddress::Peer => peer,
            ClientAddress::Forwarded => {
                let mut client = peer?;
                let trusts = |address: IpAddr| {
                    self.trusted_proxies.iter().any(|Network(net)| net.contains(&address))
                };
                for step in forwarded.flat_map(|line| line.rsplit(|byte| *byte == b',')) {
                    if !trusts(client) {
                        break;
                    }
                    let Some(address) = address(step.trim_ascii()) else { break };
                    client = address;
                }
                Some(client)
            }
        }
    }
}

/// An address with or without port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// Whether it is a failure of the server. An unsupported HTTP version is not.
fn failed(status: u16) -> bool {
    status >= 500 && status != 505
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str]) -> String {
        let trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().unwrap());
        let log = LogConfig {
            client_address: ClientAddress::Forwarded,
            trusted_proxies: trusted_proxies.into(),
            ..LogConfig::default()
        };
        let lines = lines.iter().rev().map(|line| line.as_bytes());
        let client = log.client(peer.parse().ok(), lines);
        client.map_or(String::new(), |address| address.to_string())
    }

    #[test]
    fn the_right_most_address_of_no_trusted_proxy_is_logged() {
        for (peer, lines, expected) in [
            ("10.1.1.1", &["192.0.2.7"][..], "192.0.2.7"),
            ("10.1.1.1", &["6.6.6.6, 192.0.2.7, 10.2.2.2"], "192.0.2.7"),
            ("10.1.1.1", &["6.6.6.6", "192.0.2.7", "10.2.2.2, 10.3.3.3"], "192.0.2.7"),
            ("10.1.1.1", &["10.9.9.9,10.2.2.2"], "10.9.9.9"),
            ("10.1.1.1", &["192.0.2.7:4711"], "192.0.2.7"),
            ("10.1.1.1", &["[2001:470::1]:80"], "2001:470::1"),
            ("10.1.1.1", &["2001:470::1, 2001:db8::5"], "2001:470::1"),
            ("::ffff:10.1.1.1", &["::ffff:192.0.2.7"], "192.0.2.7"),
            // An unreadable address hides what is left of it.
            ("10.1.1.1", &["192.0.2.7, unknown, 10.2.2.2"], "10.2.2.2"),
            ("10.1.1.1", &["192.0.2.7, "], "10.1.1.1"),
            ("10.1.1.1", &[], "10.1.1.1"),
            // The peer is not trusted.
            ("192.0.2.9", &["192.0.2.7"], "192.0.2.9"),
            ("", &["192.0.2.7"], ""),
        ] {
            assert_eq!(client(peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn by_default_no_address_is_logged() {
        let peer = "192.0.2.9".parse().ok();
        let unread = || std::iter::from_fn(|| -> Option<&[u8]> { panic!("the header was read") });
        let client = |client_address| {
            LogConfig { client_address, ..LogConfig::default() }.client(peer, unread())
        };
        assert_eq!(LogConfig::default().client_address, ClientAddress::None);
        assert_eq!(client(ClientAddress::None), None);
        assert_eq!(client(ClientAddress::Peer), peer);
    }
}
