//! One request: from serving to the last byte of the reply and the line of the access log.

use super::connection::{Next, Timer};
use super::head::{self, Head};
use super::{CloseReason, HttpServer};
use crate::http::{GeneratedId, KeepAlive, Method, Reply, RequestHead, RequestTrace};
use crate::log::access::Line;
use crate::serve::Served;
use aqs_api::{Dialect, Fault};
use aqs_origin::memory_budget::Consumer;
use bytes::BytesMut;
use pingora_core::protocols::Stream;
use pingora_core::protocols::l4::ext::get_tcp_info;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::iter;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::sleep;

/// The status, as in nginx, of a request whose client disconnected. It is never sent.
const CLIENT_CLOSED_REQUEST: u16 = 499;
/// How often a client that sent too many requests ahead is checked for a disconnect.
const DISCONNECT_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// What is refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refused<'a> {
    /// Bytes that are no head.
    Head,
    /// A request because of its body.
    Body(&'a Head<'a>),
    /// A connection, before anything was read from it.
    Connection,
}

/// What a connection reuses from request to request.
pub(super) struct Exchange {
    pub(super) server: Arc<HttpServer>,
    pub(super) timer: Timer,
    /// Changes once, when a drain begins, and is never marked as seen.
    pub(super) draining: watch::Receiver<bool>,
    /// How many requests were answered.
    pub(super) answered: u64,
    /// What the client sent while its request waited for the answer.
    pub(super) read_ahead: BytesMut,
    head: Vec<u8>,
    scratch: Vec<u8>,
}

impl Exchange {
    pub(super) fn new(server: &Arc<HttpServer>) -> Self {
        Self {
            server: Arc::clone(server),
            timer: Timer::new(server.limits.head),
            draining: server.draining.clone(),
            answered: 0,
            read_ahead: BytesMut::new(),
            head: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Answers a request; returns what to do next if it was the connection's last.
    ///
    /// `pipelined` bytes of further requests are in the buffer: while there are any, draining
    /// does not end the connection.
    pub(super) async fn answer(
        &mut self,
        io: &mut Stream,
        head: &Head<'_>,
        pipelined: usize,
    ) -> Option<Next> {
        let started = Instant::now();
        let generated;
        let request_id = match head.view.trace.request_id {
            Some(id) => id,
            None => {
                generated = GeneratedId::random();
                generated.as_str()
            }
        };
        let trace = RequestTrace { request_id: Some(request_id), ..head.view.trace };
        let reply = match self.server.service.serve(&RequestHead { trace, ..head.view }) {
            Served::Now(reply) => reply,
            Served::Later(mut reply) => match self.wait(io, &mut reply, pipelined).await {
                Some(reply) => reply,
                None => {
                    let detail = "the client disconnected before the reply";
                    let fault = Fault::other(CLIENT_CLOSED_REQUEST, detail);
                    let reply = Reply::fault(fault, Dialect::V2);
                    self.record(io, head, request_id, &reply, None, started.elapsed());
                    return Some(Next::Closed(CloseReason::Client));
                }
            },
        };
        self.answered += 1;
        let pipelined = pipelined + self.read_ahead.len() > 0;
        let last = self.last(head.keep_alive, pipelined);
        let keep_alive = if last.is_some() { KeepAlive::Close } else { head.keep_alive };
        let with_body = head.view.method != Method::Head;
        let sent = self.send(io, &reply, head.view.target, request_id, keep_alive, with_body).await;
        self.record(io, head, request_id, &reply, sent.ok(), started.elapsed());
        match (sent, last) {
            (Err(reason), _) => Some(Next::Closed(reason)),
            (Ok(_), Some(reason)) => Some(Next::Linger(reason)),
            (Ok(_), None) => None,
        }
    }

    /// Waits for a reply while reading from the connection, so that a client that disconnects
    /// frees what its request holds at once: then there is no reply, and `reply` is to be dropped.
    ///
    /// A client that half-closes its connection is treated as disconnected, as in nginx.
    async fn wait(
        &mut self,
        io: &mut Stream,
        reply: &mut (impl Future<Output = Reply> + Unpin),
        pipelined: usize,
    ) -> Option<Reply> {
        let limit = self.server.limits.head_bytes;
        loop {
            let may_read = pipelined + self.read_ahead.len() < limit;
            tokio::select! {
                biased;
                reply = &mut *reply => return Some(reply),
                read = io.read_buf(&mut self.read_ahead), if may_read => match read {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                },
                // Beyond the limit the client has to wait. The end of its connection is behind
                // bytes that are not read.
                () = sleep(DISCONNECT_POLL_INTERVAL), if !may_read => if is_closed(io) {
                    return None;
                },
            }
        }
    }

    /// Whether the server is draining. Borrowing the value would take a lock.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.has_changed().unwrap_or(true)
    }

    /// Why the connection ends after this request, if it does.
    fn last(&self, requested: KeepAlive, pipelined: bool) -> Option<CloseReason> {
        if requested == KeepAlive::Close {
            Some(CloseReason::Client)
        } else if self.answered >= self.server.limits.requests {
            Some(CloseReason::Requests)
        } else if self.is_draining() && !pipelined {
            Some(CloseReason::Drain)
        } else {
            None
        }
    }

    /// Sends a fault and ends the connection.
    pub(super) async fn refuse(
        &mut self,
        io: &mut Stream,
        what: Refused<'_>,
        fault: Fault,
    ) -> Next {
        let started = Instant::now();
        let head = match what {
            Refused::Body(head) => Some(head),
            Refused::Head | Refused::Connection => None,
        };
        let reply = Reply::fault(fault, Dialect::V2);
        let status = reply.status();
        let generated = GeneratedId::random();
        let given = head.and_then(|head| head.view.trace.request_id);
        let request_id = given.unwrap_or(generated.as_str());
        // A head that can't be parsed has no target.
        let sent = self.send(io, &reply, "", request_id, KeepAlive::Close, true).await;
        match what {
            Refused::Head => self.server.metrics.refused_head(status),
            Refused::Body(_) | Refused::Connection => {
                let method = head.map_or(Method::Other, |head| head.view.method);
                self.count(&reply, method, status, started.elapsed());
            }
        }
        // Rejected connections come in floods and have a log of their own.
        let flood = matches!(what, Refused::Connection);
        if !flood && self.server.log.wants_refused(status) {
            self.log(io, head, request_id, &reply, sent.ok(), None);
        }
        match sent {
            Ok(_) if status == 408 => Next::Linger(CloseReason::RequestTimeout),
            Ok(_) => Next::Linger(CloseReason::Refused),
            Err(reason) => Next::Closed(reason),
        }
    }

    /// Sends a reply; returns its size, or why the client did not take all of it.
    async fn send(
        &mut self,
        io: &mut Stream,
        reply: &Reply,
        target: &str,
        request_id: &str,
        keep_alive: KeepAlive,
        with_body: bool,
    ) -> Result<usize, CloseReason> {
        let (head, scratch) = (&mut self.head, &mut self.scratch);
        let body = reply.write(target, request_id, keep_alive, head, scratch);
        let body = if with_body { body } else { &[] };
        let bytes = self.head.len() + body.len();
        let mut sending = pin!(write(io, &self.head, body));
        // Most replies fit into the socket's buffer and need no timer.
        if let Poll::Ready(sent) = poll_once(sending.as_mut()).await {
            return sent.map(|()| bytes).map_err(|_| CloseReason::Client);
        }
        // The entry may be evicted meanwhile, and its body stays for this client.
        let _reservation = self.server.budget.reserve(Consumer::Connections, body.len());
        self.timer.restart(self.server.limits.write);
        tokio::select! {
            biased;
            sent = sending => sent.map(|()| bytes).map_err(|_| CloseReason::Client),
            () = self.timer.expired() => Err(CloseReason::WriteTimeout),
        }
    }

    /// Counts and logs a request. `bytes` is `None` if the client did not take the reply.
    fn record(
        &self,
        io: &Stream,
        head: &Head<'_>,
        request_id: &str,
        reply: &Reply,
        bytes: Option<usize>,
        duration: Duration,
    ) {
        let status = reply.status();
        self.count(reply, head.view.method, status, duration);
        if self.server.log.wants(status, duration) {
            self.log(io, Some(head), request_id, reply, bytes, Some(duration));
        }
    }

    fn count(&self, reply: &Reply, method: Method, status: u16, duration: Duration) {
        let requests = &self.server.metrics.requests;
        requests.count(reply.endpoint, method, status, reply.cache.result, duration);
    }

    /// Writes the line of the access log.
    fn log(
        &self,
        io: &Stream,
        head: Option<&Head<'_>>,
        request_id: &str,
        reply: &Reply,
        bytes: Option<usize>,
        duration: Option<Duration>,
    ) {
        let HttpServer { service, log, .. } = &*self.server;
        let endpoint = reply.endpoint.and_then(|id| {
            let (_, endpoint) = service.origin.catalogue().endpoints().nth(id.index())?;
            Some(endpoint.name)
        });
        // Parsed only if the log shows the address.
        let forwarded = || head.map(|head| head::forwarded(head.bytes)).unwrap_or_default();
        let forwarded = iter::once_with(forwarded).flat_map(|lines| lines.into_iter().rev());
        log.write(&Line {
            method: head.map(|head| head::method(head.bytes)),
            target: head.map(|head| head.view.target),
            status: reply.status(),
            bytes,
            took: duration,
            cache: reply.cache.result.label(),
            detail: reply.detail(),
            endpoint,
            coding: reply.coding(),
            request_id,
            trace: head.and_then(|head| head.view.trace.trace()),
            context: reply.log_context.as_deref(),
            client: log.client(peer(io), forwarded),
        });
    }
}

pub(super) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|ctx| Poll::Ready(future.as_mut().poll(ctx))).await
}

/// Writes head and body, most often with one system call.
async fn write(io: &mut Stream, head: &[u8], body: &[u8]) -> io::Result<()> {
    let mut slices = [IoSlice::new(head), IoSlice::new(body)];
    let mut rest = slices.as_mut_slice();
    // Skips empty slices: an empty write would look like the end.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match io.write_vectored(rest).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            sent => IoSlice::advance_slices(&mut rest, sent),
        }
    }
    io.flush().await
}

/// Whether the client has closed or reset its connection, as far as the system has received that.
/// Always false on systems other than Linux.
fn is_closed(io: &Stream) -> bool {
    // See the kernel's include/net/tcp_states.h.
    const CLOSE: u8 = 7;
    const CLOSE_WAIT: u8 = 8;
    get_tcp_info(io.id()).is_ok_and(|info| matches!(info.tcpi_state, CLOSE | CLOSE_WAIT))
}

fn peer(io: &Stream) -> Option<IpAddr> {
    let digest = io.get_socket_digest()?;
    Some(digest.peer_addr()?.as_inet()?.ip())
}
