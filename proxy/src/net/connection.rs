//! The loop of a connection: reads heads and answers requests, one after the other.

use super::exchange::{Exchange, Refused, poll_once};
use super::head::{self, Body, Parsed};
use super::{CloseReason, HttpServer};
use aqs_api::Fault;
use bytes::{Buf, BytesMut};
use pingora_core::protocols::Stream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// The initial size of a read buffer: enough for the head of a browser.
const INITIAL_BUFFER: usize = 2048;

/// How many bytes of a rejected request are read.
const MAX_LINGER: usize = 4 << 20;

/// The state of a connection between requests.
pub(super) struct Connection {
    pub(super) exchange: Exchange,
    pub(super) buffer: BytesMut,
}

/// What to do next with a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Drop it.
    Closed(CloseReason),
    /// Close it so that the client can read the last reply.
    Linger(CloseReason),
}

/// Why reading a head stopped.
enum Stopped {
    Disconnected,
    TimedOut,
}

impl Connection {
    pub(super) fn new(server: &Arc<HttpServer>) -> Self {
        let buffer = BytesMut::with_capacity(INITIAL_BUFFER);
        Self { exchange: Exchange::new(server), buffer }
    }

    /// Answers requests until the connection has to end. A body is skipped after the answer, which
    /// never needs it.
    pub(super) async fn run(&mut self, io: &mut Stream) -> Next {
        loop {
            let next = match head::parse(&self.buffer, &self.exchange.server.limits) {
                Parsed::Head(head, _) if let Some((status, detail)) = head.refusal => {
                    let fault = Fault::other(status, detail);
                    Some(self.exchange.refuse(io, Refused::Body(&head), fault).await)
                }
                Parsed::Head(head, length) => {
                    let body = match head.body {
                        Body::Length(size) => size,
                        // The connection ends with this answer.
                        Body::Unread => self.buffer.len() - length,
                    };
                    let pipelined = self.buffer.len().saturating_sub(length + body);
                    let mut next = self.exchange.answer(io, &head, pipelined).await;
                    self.buffer.advance(length);
                    self.take_read_ahead();
                    if next.is_none() && body > 0 {
                        next = self.skip(io, body).await;
                    }
                    // The next head has a time of its own, whether it has begun or not.
                    let Exchange { server, timer, .. } = &mut self.exchange;
                    let idle = self.buffer.is_empty();
                    timer.restart(if idle { server.limits.idle } else { server.limits.head });
                    next
                }
                Parsed::Partial => match self.read(io).await {
                    Ok(()) => None,
                    Err(Stopped::Disconnected) => Some(Next::Closed(CloseReason::Client)),
                    // A client of an idle connection expects no reply.
                    Err(Stopped::TimedOut) if self.buffer.is_empty() && self.is_used() => {
                        Some(Next::Linger(match self.exchange.is_draining() {
                            true => CloseReason::Drain,
                            false => CloseReason::Idle,
                        }))
                    }
                    Err(Stopped::TimedOut) => {
                        Some(self.exchange.refuse(io, Refused::Head, head::timed_out()).await)
                    }
                },
                Parsed::Refused(fault) => {
                    Some(self.exchange.refuse(io, Refused::Head, fault).await)
                }
            };
            if let Some(next) = next {
                return next;
            }
        }
    }

    /// Discards a body of so many bytes.
    async fn skip(&mut self, io: &mut Stream, mut rest: usize) -> Option<Next> {
        let Exchange { server, timer, .. } = &mut self.exchange;
        timer.restart(server.limits.head);
        loop {
            let here = rest.min(self.buffer.len());
            self.buffer.advance(here);
            rest -= here;
            if rest == 0 {
                return None;
            }
            self.buffer.reserve(INITIAL_BUFFER / 2);
            tokio::select! {
                biased;
                read = io.read_buf(&mut self.buffer) => match read {
                    Ok(0) | Err(_) => return Some(Next::Closed(CloseReason::Client)),
                    Ok(_) => {}
                },
                () = timer.expired() => return Some(Next::Linger(CloseReason::RequestTimeout)),
            }
        }
    }

    /// Appends what the client sent while its last request waited for the answer.
    pub(super) fn take_read_ahead(&mut self) {
        if !self.exchange.read_ahead.is_empty() {
            self.buffer.unsplit(std::mem::take(&mut self.exchange.read_ahead));
        }
    }

    fn is_used(&self) -> bool {
        self.exchange.answered > 0
    }

    /// Reads until there is something new to parse.
    async fn read(&mut self, io: &mut Stream) -> Result<(), Stopped> {
        let is_used = self.is_used();
        loop {
            let draining_now = self.exchange.is_draining();
            let Exchange { server, timer, draining, .. } = &mut self.exchange;
            let limits = &server.limits;
            let before = self.buffer.len();
            self.buffer.reserve(INITIAL_BUFFER / 2);
            // A fresh connection has its first request on the way, and time for it.
            let may_end = before == 0 && is_used;
            if may_end && draining_now {
                // Closing at once would lose a request that is on its way.
                timer.bring_forward(limits.idle_at_drain());
            }
            tokio::select! {
                biased;
                read = io.read_buf(&mut self.buffer) => match read {
                    Ok(0) | Err(_) => return Err(Stopped::Disconnected),
                    Ok(_) => {}
                },
                () = timer.expired() => if !read_late(io, &mut self.buffer).await {
                    return Err(Stopped::TimedOut);
                },
                changed = draining.changed(), if may_end && !draining_now => match changed {
                    Ok(()) => {
                        draining.mark_changed();
                        continue;
                    }
                    // The server is gone.
                    Err(_) => return Err(Stopped::TimedOut),
                },
            }
            if may_end {
                timer.restart(limits.head);
            }
            // Only the end of a line can complete a head: without one the head is parsed again
            // only if it has grown too large.
            let new = self.buffer.get(before..).unwrap_or_default();
            let line_ended = memchr::memchr(b'\n', new).is_some();
            if line_ended || self.buffer.len() >= limits.request_line {
                return Ok(());
            }
        }
    }
}

/// Reads bytes that arrived while the timer expired. The runtime may be notified after the kernel has
/// received them, and closing would lose them.
async fn read_late(io: &mut Stream, buffer: &mut BytesMut) -> bool {
    tokio::task::yield_now().await;
    matches!(poll_once(pin!(io.read_buf(buffer))).await, Poll::Ready(Ok(1..)))
}

/// Half-closes a connection, then reads for a moment what the client still sends: closing with
/// unread bytes would reset the connection, and the client could lose the reply.
pub(super) async fn linger(mut io: Stream, limit: Duration) {
    let drained = async {
        io.shutdown().await?;
        let mut discarded = [0; 4096];
        let mut left = MAX_LINGER;
        while let read @ 1.. = io.read(&mut discarded).await?
            && left > read
        {
            left -= read;
        }
        std::io::Result::Ok(())
    };
    // The connection is closed either way.
    let _ = timeout(limit, drained).await;
}

/// A deadline that is cheap to move: the runtime's timer is touched only when it fires too early.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    deadline: Instant,
}

impl Timer {
    pub(super) fn new(after: Duration) -> Self {
        let deadline = Instant::now() + after;
        Self { sleep: Box::pin(sleep_until(deadline)), deadline }
    }

    pub(super) fn restart(&mut self, after: Duration) {
        self.deadline = Instant::now() + after;
        // A timer that would fire too late has to be moved at once.
        if self.deadline < self.sleep.deadline() {
            self.sleep.as_mut().reset(self.deadline);
        }
    }

    /// Moves the deadline, if that makes it earlier.
    fn bring_forward(&mut self, after: Duration) {
        if Instant::now() + after < self.deadline {
            self.restart(after);
        }
    }

    pub(super) async fn expired(&mut self) {
        loop {
            self.sleep.as_mut().await;
            if Instant::now() >= self.deadline {
                return;
            }
            self.sleep.as_mut().reset(self.deadline);
        }
    }
}
