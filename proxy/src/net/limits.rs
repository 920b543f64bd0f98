//! The section `limits` of the configuration.

use aqs_api::units::{Count, Size, Span, SpanOrOff};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many public connections there may be, and how much each may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Deadline of a request head, from its first byte or from the acceptance of its connection.
    /// A body has the same time again.
    #[serde(with = "Span")]
    pub head: Duration,
    /// How long a connection may be idle between two requests.
    #[serde(with = "Span")]
    pub idle: Duration,
    /// Deadline for writing a response.
    #[serde(with = "Span")]
    pub write: Duration,
    /// How long the rest of a rejected request is read, so that its client sees the response.
    #[serde(with = "Span")]
    pub linger: Duration,
    /// Size of a request line.
    #[serde(with = "Size::<64, 1048576>")]
    pub request_line: usize,
    /// Size of a request head; at least that of a request line.
    #[serde(with = "Size::<64, 1048576>")]
    pub head_bytes: usize,
    /// Number of header lines.
    #[serde(with = "Count::<1, 100>")]
    pub header_lines: usize,
    /// Size of a request body. A body of a known length is read and ignored; after a chunked one the
    /// connection is closed.
    #[serde(with = "Size::<0, 1073741824>")]
    pub body_bytes: usize,
    /// Number of requests after which a connection is closed.
    #[serde(rename = "requests_per_connection", with = "Count::<1, 1_000_000_000>")]
    pub requests: u64,
    /// Number of public connections. The limit of open files may leave less.
    #[serde(with = "Count::<1, 10_000_000>")]
    pub connections: usize,
    /// How long new connections are still accepted at shutdown while `/readyz` fails, so that load
    /// balancers notice.
    #[serde(with = "SpanOrOff")]
    pub drain_delay: Option<Duration>,
    /// How long requests in flight may take to finish after that. Connections that remain are then
    /// closed, and the program ends within 4 s with exit code 0.
    #[serde(with = "Span")]
    pub drain: Duration,
    /// How long an idle connection may still send a last request at shutdown; at most half of
    /// `limits.drain` is used.
    #[serde(with = "Span")]
    pub drain_idle: Duration,
}

/// The most header lines of a head: the size of an array on the stack.
pub(super) const MAX_HEADERS: usize = 100;

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            request_line: 8 * 1024,
            head_bytes: 16 * 1024,
            header_lines: MAX_HEADERS,
            body_bytes: 64 * 1024,
            requests: 10_000,
            connections: 20_000,
            drain_delay: None,
            drain: Duration::from_secs(20),
            drain_idle: Duration::from_secs(1),
        }
    }
}

impl Limits {
    /// How long an idle connection stays open at shutdown: waiting for unused connections alone
    /// must not use up the time of requests in flight.
    pub(super) fn idle_at_drain(&self) -> Duration {
        self.drain_idle.min(self.drain / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_connections_take_half_of_the_drain_at_most() {
        let idle = |drain_idle, drain| {
            let (drain_idle, drain) = (Duration::from_secs(drain_idle), Duration::from_secs(drain));
            Limits { drain_idle, drain, ..Limits::default() }.idle_at_drain().as_millis()
        };
        assert_eq!((idle(19, 11), idle(1, 20)), (5500, 1000));
    }
}
