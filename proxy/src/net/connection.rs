//! The raw path: one connection's requests without bodies, one after the other.

use super::exchange::{Exchange, Refused, poll_once};
use super::head::{self, Parsed};
use super::{CloseReason, Front};
use bytes::{Buf, BytesMut};
use pingora_core::protocols::Stream;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
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
    /// Nothing more: the client is gone, or given up.
    Closed(CloseReason),
    /// Its end, so that the client gets to read the last reply.
    Linger(CloseReason),
    /// The buffer begins with a head that a body follows.
    Body,
}

/// Why no more of a head is read.
enum Stopped {
    /// The client is gone.
    Gone,
    /// The time is up.
    TimedOut,
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
            let next = match head::parse(&self.buffer, &front.limits) {
                Parsed::Head(head, _) if head.body => return Next::Body,
                Parsed::Head(head, length) => {
                    // More may be here already; it was sent before anybody spoke of an end.
                    let more = self.buffer.len() > length;
                    let next = self.exchange.answer(io, &head, more).await;
                    self.buffer.advance(length);
                    // The next head has its own time, whether it has begun or not.
                    let Exchange { front, timer, .. } = &mut self.exchange;
                    let idle = self.buffer.is_empty();
                    timer.restart(if idle { front.limits.idle } else { front.limits.head });
                    next
                }
                Parsed::Partial => match self.read(io).await {
                    Ok(()) => None,
                    Err(Stopped::Gone) => Some(Next::Closed(CloseReason::Client)),
                    // Nobody waits for an answer on an idle connection.
                    Err(Stopped::TimedOut) if self.buffer.is_empty() && self.served() => {
                        let drained = *self.exchange.draining.borrow();
                        Some(Next::Linger(if drained {
                            CloseReason::Drain
                        } else {
                            CloseReason::Idle
                        }))
                    }
                    Err(Stopped::TimedOut) => {
                        Some(self.exchange.refuse(io, Refused::Head, head::timed_out()).await)
                    }
                },
                Parsed::Refused(problem) => {
                    Some(self.exchange.refuse(io, Refused::Head, problem).await)
                }
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
            // A fresh connection has its first request on the way, and time for it.
            let may_end = before == 0 && served;
            let draining_now = *draining.borrow();
            if may_end && draining_now {
                // Closing at once would lose a request that is on its way to us.
                timer.bring_forward(limits.idle_at_drain());
            }
            tokio::select! {
                biased;
                read = io.read_buf(&mut self.buffer) => match read {
                    Ok(0) | Err(_) => return Err(Stopped::Gone),
                    Ok(_) => {}
                },
                () = timer.expired() => if !came_after_all(io, &mut self.buffer).await {
                    return Err(Stopped::TimedOut);
                },
                changed = draining.changed(), if may_end && !draining_now => match changed {
                    Ok(()) => continue,
                    // Whoever could drain is gone.
                    Err(_) => return Err(Stopped::TimedOut),
                },
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

/// Whether something has come while the time was running out: the runtime may know of it later
/// than the kernel does, and closing would lose it.
async fn came_after_all(io: &mut Stream, buffer: &mut BytesMut) -> bool {
    tokio::task::yield_now().await;
    matches!(poll_once(pin!(io.read_buf(buffer))).await, Poll::Ready(Ok(1..)))
}
