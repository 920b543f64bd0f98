//! The raw path: one connection's requests without bodies, one after the other.

use super::Front;
use super::exchange::Exchange;
use super::head::{self, Parsed};
use bytes::{Buf, BytesMut};
use pingora_core::protocols::Stream;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

/// Where a connection's read buffer starts: enough for the head of a browser.
const FIRST_BUFFER: usize = 2048;

/// The state of a connection between requests.
pub(super) struct Connection {
    pub(super) exchange: Exchange,
    pub(super) buffer: BytesMut,
}

/// What is to be done with a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing more: the client is gone.
    Closed,
    /// Its end, so that the client gets to read the last reply.
    Linger,
    /// The buffer begins with a head that a body follows.
    Body,
}

/// Why no more of a head is read.
enum Stopped {
    /// The client is gone.
    Gone,
    /// The time is up.
    TimedOut,
    /// Nothing is under way, and connections are to end.
    Drained,
}

impl Connection {
    pub(super) fn new(front: &Arc<Front>) -> Self {
        let buffer = BytesMut::with_capacity(FIRST_BUFFER);
        Self { exchange: Exchange::new(front), buffer }
    }

    /// Answers requests until something else has to happen.
    pub(super) async fn run(&mut self, io: &mut Stream) -> Next {
        loop {
            let Exchange { front, .. } = &self.exchange;
            let next = match head::parse(&self.buffer, front.listener, &front.limits) {
                Parsed::Head(head, _) if head.body => return Next::Body,
                Parsed::Head(head, length) => {
                    let next = self.exchange.answer(io, &head).await;
                    self.buffer.advance(length);
                    // The next head has its own time, whether it has begun or not.
                    let Exchange { front, timer, .. } = &mut self.exchange;
                    let idle = self.buffer.is_empty();
                    timer.restart(if idle { front.limits.idle } else { front.limits.head });
                    next
                }
                Parsed::Partial => match self.read(io).await {
                    Ok(()) => None,
                    Err(Stopped::Gone) => Some(Next::Closed),
                    Err(Stopped::Drained) => Some(Next::Linger),
                    // Nobody waits for an answer on an idle connection.
                    Err(Stopped::TimedOut) if self.buffer.is_empty() && self.served() => {
                        Some(Next::Linger)
                    }
                    Err(Stopped::TimedOut) => {
                        Some(self.exchange.refuse(io, head::timed_out()).await)
                    }
                },
                Parsed::Refused(problem) => Some(self.exchange.refuse(io, problem).await),
            };
            if let Some(next) = next {
                return next;
            }
        }
    }

    fn served(&self) -> bool {
        self.exchange.answered > 0
    }

    /// Reads until there is something new to parse.
    async fn read(&mut self, io: &mut Stream) -> Result<(), Stopped> {
        let served = self.served();
        let Exchange { front, timer, draining, .. } = &mut self.exchange;
        let limits = &front.limits;
        loop {
            let before = self.buffer.len();
            self.buffer.reserve(FIRST_BUFFER / 2);
            let may_end = before == 0 && served;
            if may_end && *draining.borrow() {
                return Err(Stopped::Drained);
            }
            tokio::select! {
                biased;
                read = io.read_buf(&mut self.buffer) => match read {
                    Ok(0) | Err(_) => return Err(Stopped::Gone),
                    Ok(_) => {}
                },
                () = timer.expired() => return Err(Stopped::TimedOut),
                // A fresh connection has its first request on the way; closing it would lose it.
                _ = draining.changed(), if may_end => continue,
            }
            if may_end {
                timer.restart(limits.head);
            }
            // Only a line's end can complete a head: without one there is nothing to parse
            // again, unless it has grown too large.
            let fresh = self.buffer.get(before..).unwrap_or_default();
            let line_ended = memchr::memchr(b'\n', fresh).is_some();
            if line_ended || self.buffer.len() >= limits.request_line {
                return Ok(());
            }
        }
    }
}
