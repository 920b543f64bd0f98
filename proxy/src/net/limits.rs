//! How much a connection may take.

use std::time::Duration;

/// The limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From a head's first byte to its last; for a connection's first from when it was accepted.
    /// A body may take as long once more.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For one more request on an idle connection once connections are to end.
    pub drain_idle: Duration,
    /// For a reply to be taken.
    pub write: Duration,
    /// For the rest of what a refused client sends, so that it reads why.
    pub linger: Duration,
    /// Bytes of a request line.
    pub request_line: usize,
    /// Bytes of a head.
    pub head_bytes: usize,
    /// Lines of a head, a hundred at most.
    pub header_lines: usize,
    /// Bytes of a request body, which is read and ignored.
    pub body_bytes: usize,
    /// Requests of a connection, after which it is closed.
    pub requests: u64,
}

/// The most header lines of a head: the size of an array on the stack.
pub(super) const HEADERS: usize = 100;

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            drain_idle: Duration::from_secs(1),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            request_line: 8 * 1024,
            head_bytes: 16 * 1024,
            header_lines: HEADERS,
            body_bytes: 64 * 1024,
            requests: 10_000,
        }
    }
}
