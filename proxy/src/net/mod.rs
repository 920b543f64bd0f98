//! Public connections: accepting them, bytes to request heads, replies to bytes (HTTP/1). Binding
//! addresses is in [`crate::listen`], the types of heads and replies are in [`crate::http`].
//!
//! A head is read under one deadline, answered by [`Service::serve`] and written with one vectored
//! write. Bodies are never needed: one with a length is skipped, any other ends the connection.

mod accept;
mod admission;
mod connection;
mod exchange;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod head;
mod limits;
mod syn_filter;

pub use accept::{Acceptor, Connections};
pub(crate) use admission::CloseReason;
use admission::ConnectionGuard;
pub use admission::{Admission, max_rejections};
pub use limits::Limits;

use crate::log::LogConfig;
use crate::metrics::Metrics;
use crate::serve::Service;
use aqs_origin::memory_budget::{Budget, Consumer};
use connection::{Connection, Next};
use pingora_core::protocols::Stream;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;

/// About what an open connection takes: its task and its buffers.
const CONNECTION_BYTES: usize = 8 * 1024;

/// Serves the connections of all public listeners.
pub struct HttpServer {
    pub service: Arc<Service>,
    pub budget: Arc<Budget>,
    pub metrics: Arc<Metrics>,
    pub log: LogConfig,
    pub limits: Limits,
    pub admission: Admission,
    /// Turns true when connections are to end.
    pub draining: watch::Receiver<bool>,
}

impl HttpServer {
    /// Serves a connection, or rejects it if too many are open.
    fn admit(self: &Arc<Self>, io: Stream, connections: &mut JoinSet<()>) {
        // Here and not in the task of the connection, whose number would have no bound.
        match self.admission.permit() {
            Some(permit) => {
                connections.spawn(Arc::clone(self).serve(io, permit));
            }
            None => admission::reject(self, io, connections),
        }
    }

    async fn serve(self: Arc<Self>, io: Stream, permit: OwnedSemaphorePermit) {
        // Dropped last, also if the connection is aborted: the gauge falls when all else is gone.
        let mut guard = ConnectionGuard::new(&self, permit);
        let _reservation = self.budget.reserve(Consumer::Connections, CONNECTION_BYTES);
        guard.reason = self.run(io).await;
    }

    async fn run(self: &Arc<Self>, mut io: Stream) -> CloseReason {
        let mut connection = Connection::new(self);
        match connection.run(&mut io).await {
            Next::Closed(reason) => reason,
            Next::Linger(reason) => {
                // Boxed: the future of a connection is as large as its largest branch.
                Box::pin(connection::linger(io, self.limits.linger)).await;
                reason
            }
        }
    }
}
