//! How much a connection may take.

use std::time::Duration;

/// The limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From a head's first byte to its last.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For a reply to be taken.
    pub write: Duration,
    /// For the rest of what a refused client sends, so that it reads why.
    pub linger: Duration,
    /// Bytes of a request line.
    pub request_line: usize,
    /// Bytes of a head.
    pub head_bytes: usize,
    /// Bytes of a request body, which is read and ignored.
    pub body_bytes: usize,
}

/// Header lines of a head: the size of an array on the stack.
pub(super) const HEADERS: usize = 100;

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
            request_line: 8 * 1024,
            head_bytes: 16 * 1024,
            body_bytes: 64 * 1024,
        }
    }
}
