//! One request's answer, from serving to the last byte written.

use super::head::Head;
use super::telling::{self, Sent};
use super::timer::Timer;
use super::{CloseReason, Front, connection::Next};
use crate::serve::{Call, GeneratedId, KeepAlive, Method, Reply, RequestHead, Served};
use aqs_api::Problem;
use aqs_origin::memory::Consumer;
use pingora_core::protocols::Stream;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

/// What is refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refused<'a> {
    /// What is no request.
    Head,
    /// A request whose body is.
    Body(&'a Head<'a>),
    /// A connection, before anything was read of it.
    Connection,
}

/// What a connection needs to answer, reused from request to request.
pub(super) struct Exchange {
    pub(super) front: Arc<Front>,
    pub(super) timer: Timer,
    pub(super) draining: watch::Receiver<bool>,
    /// How many requests were answered.
    pub(super) answered: u64,
    head: Vec<u8>,
    scratch: Vec<u8>,
}

impl Exchange {
    pub(super) fn new(front: &Arc<Front>) -> Self {
        Self {
            front: Arc::clone(front),
            timer: Timer::new(front.limits.head),
            draining: front.draining.clone(),
            answered: 0,
            head: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Answers a request; gives what is to be done if it was the connection's last.
    ///
    /// While `more` requests are here already, draining doesn't end the connection.
    pub(super) async fn answer(
        &mut self,
        io: &mut Stream,
        head: &Head<'_>,
        more: bool,
    ) -> Option<Next> {
        let begun = Instant::now();
        let made;
        let request_id = match head.view.call.request_id {
            Some(given) => given,
            None => {
                made = GeneratedId::random();
                made.as_str()
            }
        };
        let call = Call { request_id: Some(request_id), ..head.view.call };
        let reply = match self.front.service.serve(&RequestHead { call, ..head.view }) {
            Served::Now(reply) => reply,
            Served::Later(reply) => reply.await,
        };
        self.answered += 1;
        let over = self.over(head.keep_alive, more);
        let keep_alive = if over.is_some() { KeepAlive::Close } else { head.keep_alive };
        let with_body = head.view.method != Method::Head;
        let sent = self.send(io, &reply, head.view.target, request_id, keep_alive, with_body).await;
        let service = &self.front.service;
        let (method, status, took) = (head.view.method, reply.status(), begun.elapsed());
        service.metrics.answered.count(reply.endpoint, method, status, reply.result, took);
        if service.access.wants(status, took) {
            let sent = Sent { bytes: sent.ok(), took: Some(took) };
            telling::tell(service, io, Some(head), request_id, &reply, sent);
        }
        match (sent, over) {
            (Err(why), _) => Some(Next::Closed(why)),
            (Ok(_), Some(why)) => Some(Next::Linger(why)),
            (Ok(_), None) => None,
        }
    }

    /// Why the connection is over after this request, if it is.
    fn over(&self, asked: KeepAlive, more: bool) -> Option<CloseReason> {
        if asked == KeepAlive::Close {
            Some(CloseReason::Client)
        } else if self.answered >= self.front.limits.requests {
            Some(CloseReason::Requests)
        } else if *self.draining.borrow() && !more {
            Some(CloseReason::Drain)
        } else {
            None
        }
    }

    /// Refuses, and gives the connection up.
    pub(super) async fn refuse(
        &mut self,
        io: &mut Stream,
        what: Refused<'_>,
        problem: Problem,
    ) -> Next {
        let begun = Instant::now();
        let head = match what {
            Refused::Body(head) => Some(head),
            Refused::Head | Refused::Connection => None,
        };
        // What stands where a target should be is not one.
        let reply = Reply::problem(problem);
        let status = reply.status();
        let made = GeneratedId::random();
        let given = head.and_then(|head| head.view.call.request_id);
        let request_id = given.unwrap_or(made.as_str());
        let sent = self.send(io, &reply, "", request_id, KeepAlive::Close, true).await;
        let service = &self.front.service;
        match what {
            Refused::Head => service.metrics.refused_head(status),
            // Somebody asked, and was answered.
            Refused::Body(_) | Refused::Connection => {
                let method = head.map_or(Method::Other, |head| head.view.method);
                let took = begun.elapsed();
                service.metrics.answered.count(None, method, status, reply.result, took);
            }
        }
        // Connections that are turned away come in floods: see there.
        let flood = matches!(what, Refused::Connection);
        if !flood && service.access.wants_refused(status) {
            let sent = Sent { bytes: sent.ok(), took: None };
            telling::tell(service, io, head, request_id, &reply, sent);
        }
        match sent {
            Ok(_) if status == 408 => Next::Linger(CloseReason::RequestTimeout),
            Ok(_) => Next::Linger(CloseReason::Refused),
            Err(why) => Next::Closed(why),
        }
    }

    /// Sends a reply; gives how many bytes it has, or why the client did not take them all.
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
        let mut sending = pin!(send(io, &self.head, body));
        // Most replies fit into the socket's buffer: nothing is set up for those.
        if let Poll::Ready(sent) = poll_once(sending.as_mut()).await {
            return sent.map(|()| bytes).map_err(|_| CloseReason::Client);
        }
        // What a slow client has not taken yet may be evicted meanwhile, and is here all the same.
        let budget = &self.front.service.origin.budget;
        let _pinned = budget.reserve(Consumer::Connections, body.len());
        self.timer.restart(self.front.limits.write);
        tokio::select! {
            biased;
            sent = sending => sent.map(|()| bytes).map_err(|_| CloseReason::Client),
            () = self.timer.expired() => Err(CloseReason::WriteTimeout),
        }
    }
}

pub(super) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|ctx| Poll::Ready(future.as_mut().poll(ctx))).await
}

/// Sends head and body, most often with one system call.
async fn send(io: &mut Stream, head: &[u8], body: &[u8]) -> io::Result<()> {
    let mut slices = [IoSlice::new(head), IoSlice::new(body)];
    let mut left = slices.as_mut_slice();
    // Skips what is empty, so that nothing but progress is asked of the socket.
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match io.write_vectored(left).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            sent => IoSlice::advance_slices(&mut left, sent),
        }
    }
    io.flush().await
}
