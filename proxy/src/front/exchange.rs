//! One request's answer, from serving to the last byte written.

use super::head::Head;
use super::timer::Timer;
use super::{Front, connection::Next};
use crate::serve::{Listener, Method, Persistence, Reply, Served};
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
    pub(super) async fn answer(&mut self, io: &mut Stream, head: &Head<'_>) -> Option<Next> {
        let begun = Instant::now();
        let reply = match self.front.service.serve(&head.view) {
            Served::Now(reply) => reply,
            Served::Later(reply) => reply.await,
        };
        self.answered += 1;
        let over = *self.draining.borrow() || self.answered >= self.front.limits.requests;
        let persistence = if over { Persistence::Close } else { head.persistence };
        let with_body = head.view.method != Method::Head;
        let sent = self.send(io, &reply, head.view.target, persistence, with_body).await;
        if self.front.listener == Listener::Public {
            let metrics = &self.front.service.metrics;
            metrics.request(reply.endpoint, reply.status(), reply.result, begun.elapsed());
        }
        match (sent, persistence) {
            (false, _) => Some(Next::Closed),
            (true, Persistence::Close) => Some(Next::Linger),
            (true, _) => None,
        }
    }

    /// Answers what is no request, and gives the connection up.
    pub(super) async fn refuse(&mut self, io: &mut Stream, problem: Problem) -> Next {
        let status = problem.status.to_string();
        self.front.service.metrics.refused.with_label_values(&[&status]).inc();
        // What stands where a target should be is not one.
        let reply = Reply::problem(problem);
        let sent = self.send(io, &reply, "", Persistence::Close, true).await;
        if sent { Next::Linger } else { Next::Closed }
    }

    async fn send(
        &mut self,
        io: &mut Stream,
        reply: &Reply,
        target: &str,
        persistence: Persistence,
        with_body: bool,
    ) -> bool {
        let body = reply.write(target, persistence, &mut self.head, &mut self.scratch);
        let body = if with_body { body } else { &[] };
        let mut sending = pin!(send(io, &self.head, body));
        // Most replies fit into the socket's buffer: nothing is set up for those.
        if let Poll::Ready(sent) = poll_once(sending.as_mut()).await {
            return sent.is_ok();
        }
        // What a slow client has not taken yet may be evicted meanwhile, and is here all the same.
        let budget = &self.front.service.origin.budget;
        let _pinned = budget.charge(Part::Connections, body.len());
        self.timer.restart(self.front.limits.write);
        tokio::select! {
            biased;
            sent = sending => sent.is_ok(),
            () = self.timer.expired() => false,
        }
    }
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
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
