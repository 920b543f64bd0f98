//! One request's answer, from serving to the last byte written.

use super::head::Head;
use super::telling::{self, Sent};
use super::timer::Timer;
use super::{Front, connection::Next};
use crate::serve::{Call, HeadView, Listener, MadeId, Method, Persistence, Reply, Served};
use aqs_api::Problem;
use aqs_origin::memory::Part;
use pingora_core::protocols::Stream;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

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
                made = MadeId::random();
                made.as_str()
            }
        };
        let call = Call { request_id: Some(request_id), ..head.view.call };
        let reply = match self.front.service.serve(&HeadView { call, ..head.view }) {
            Served::Now(reply) => reply,
            Served::Later(reply) => reply.await,
        };
        self.answered += 1;
        let drained = *self.draining.borrow() && !more;
        let over = drained || self.answered >= self.front.limits.requests;
        let persistence = if over { Persistence::Close } else { head.persistence };
        let with_body = head.view.method != Method::Head;
        let bytes =
            self.send(io, &reply, head.view.target, request_id, persistence, with_body).await;
        if self.front.listener == Listener::Public {
            let service = &self.front.service;
            let (method, status, took) = (head.view.method, reply.status(), begun.elapsed());
            service.metrics.request(reply.endpoint, method, status, reply.result, took);
            if service.access.wants(status, took) {
                let sent = Sent { bytes, took: Some(took) };
                telling::tell(service, io, Some(head), request_id, &reply, sent);
            }
        }
        match (bytes, persistence) {
            (None, _) => Some(Next::Closed),
            (Some(_), Persistence::Close) => Some(Next::Linger),
            (Some(_), _) => None,
        }
    }

    /// Answers what is no request, though it may have a head, and gives the connection up.
    pub(super) async fn refuse(
        &mut self,
        io: &mut Stream,
        head: Option<&Head<'_>>,
        problem: Problem,
    ) -> Next {
        let status = problem.status.to_string();
        self.front.service.metrics.refused.with_label_values(&[&status]).inc();
        // What stands where a target should be is not one.
        let reply = Reply::problem(problem);
        let made = MadeId::random();
        let given = head.and_then(|head| head.view.call.request_id);
        let request_id = given.unwrap_or(made.as_str());
        let bytes = self.send(io, &reply, "", request_id, Persistence::Close, true).await;
        let service = &self.front.service;
        if self.front.listener == Listener::Public && service.access.wants_refused(reply.status()) {
            telling::tell(service, io, head, request_id, &reply, Sent { bytes, took: None });
        }
        if bytes.is_some() { Next::Linger } else { Next::Closed }
    }

    /// Sends a reply; gives how many bytes it has, if the client takes them all.
    async fn send(
        &mut self,
        io: &mut Stream,
        reply: &Reply,
        target: &str,
        request_id: &str,
        persistence: Persistence,
        with_body: bool,
    ) -> Option<usize> {
        let (head, scratch) = (&mut self.head, &mut self.scratch);
        let body = reply.write(target, request_id, persistence, head, scratch);
        let body = if with_body { body } else { &[] };
        let bytes = self.head.len() + body.len();
        let mut sending = pin!(send(io, &self.head, body));
        // Most replies fit into the socket's buffer: nothing is set up for those.
        if let Poll::Ready(sent) = poll_once(sending.as_mut()).await {
            return sent.is_ok().then_some(bytes);
        }
        // What a slow client has not taken yet may be evicted meanwhile, and is here all the same.
        let budget = &self.front.service.origin.budget;
        let _pinned = budget.charge(Part::Connections, body.len());
        self.timer.restart(self.front.limits.write);
        tokio::select! {
            biased;
            sent = sending => sent.is_ok().then_some(bytes),
            () = self.timer.expired() => None,
        }
    }
}

pub(super) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
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
