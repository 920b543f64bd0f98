//! Connections: bytes to heads, heads to replies, replies to bytes.
//!
//! The raw path answers everything without a request body: it reads a head under one deadline,
//! asks [`Service::serve`] and writes with one vectored write. A request with a body is handed to
//! pingora's session, which gives the connection back.

mod connection;
mod exchange;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod head;
mod limits;
mod linger;
mod session;
mod telling;
mod timer;

pub use limits::Limits;

use crate::serve::{Listener, Service};
use aqs_api::Problem;
use aqs_api::problem::Code;
use aqs_origin::memory::Part;
use async_trait::async_trait;
use connection::{Connection, Next};
use exchange::Exchange;
use pingora_core::apps::ServerApp;
use pingora_core::protocols::Stream;
use pingora_core::server::ShutdownWatch;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

/// About what a connection takes while it is open: its task and its buffers.
const CONNECTION_BYTES: usize = 8 * 1024;

/// What a listener's connections are given to.
pub struct Front {
    /// What answers.
    pub service: Arc<Service>,
    /// The listener's purpose.
    pub listener: Listener,
    /// How much a connection may take.
    pub limits: Limits,
    /// Turns true when connections are to be given up.
    pub draining: watch::Receiver<bool>,
    /// What waits for connections to end.
    pub connections: TaskTracker,
    /// A place for each connection that may be open at once.
    pub places: Arc<Semaphore>,
}

#[async_trait]
impl ServerApp for Front {
    // The accept loop's own watch ends accepting; connections go on until `draining`.
    async fn process_new(self: &Arc<Self>, mut io: Stream, _: &ShutdownWatch) -> Option<Stream> {
        // Dropped last: when no connection is awaited any more, nothing of one is left.
        let _awaited = self.connections.token();
        let Ok(_place) = self.places.try_acquire() else {
            Box::pin(self.turn_away(io)).await;
            return None;
        };
        let open = self.service.metrics.connections.with_label_values(&[self.listener.name()]);
        let _open = Open::count(open);
        let _charged = self.service.origin.budget.charge(Part::Connections, CONNECTION_BYTES);
        let mut connection = Connection::new(self);
        loop {
            match connection.run(&mut io).await {
                Next::Closed => return None,
                Next::Linger => {
                    // Boxed, since the future of a connection is as large as its largest branch.
                    Box::pin(linger::close(io, self.limits.linger)).await;
                    return None;
                }
                Next::Body => io = Box::pin(session::answer(io, &mut connection)).await?,
            }
        }
    }
}

impl Front {
    /// Tells a client that there are too many connections, and gives its own up.
    async fn turn_away(self: &Arc<Self>, mut io: Stream) {
        self.service.metrics.connections_refused.inc();
        let problem =
            Problem::new(503, Code::Unavailable, "Too many connections. Please try again later.");
        if Exchange::new(self).refuse(&mut io, None, problem).await == Next::Linger {
            linger::close(io, self.limits.linger).await;
        }
    }
}

/// Counts a connection as open for as long as it lives.
struct Open(prometheus::IntGauge);

impl Open {
    fn count(gauge: prometheus::IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
