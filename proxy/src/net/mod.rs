//! Connections: bytes to heads, heads to replies, replies to bytes.
//!
//! The raw path answers everything without a request body: it reads a head under one deadline,
//! asks [`Service::serve`] and writes with one vectored write. A request with a body is handed to
//! pingora's session, which gives the connection back.

mod connection;
mod counts;
mod exchange;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod head;
mod limits;
mod linger;
mod session;
mod telling;
mod timer;
mod turn_away;

pub(crate) use counts::CloseReason;
pub use limits::Limits;
pub use turn_away::refusals;

use crate::serve::Service;
use crate::socket::Socket;
use aqs_origin::memory::Consumer;
use connection::{Connection, Next};
use counts::{Counts, Open};
use pingora_core::protocols::Stream;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use turn_away::TurnAway;

/// About what a connection takes while it is open: its task and its buffers.
const CONNECTION_BYTES: usize = 8 * 1024;

/// What the connections of listeners with the same purpose are given to.
pub struct Front {
    service: Arc<Service>,
    limits: Limits,
    /// Turns true when connections are to be given up.
    draining: watch::Receiver<bool>,
    /// A place for each connection that may be open at once.
    places: Arc<Semaphore>,
    turn_away: TurnAway,
    counts: Counts,
}

impl Front {
    /// What serves so many connections at once, until `draining` turns true.
    pub fn new(
        service: Arc<Service>,
        limits: Limits,
        connections: usize,
        draining: watch::Receiver<bool>,
    ) -> Self {
        let counts = Counts::of(&service.metrics);
        let places = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        let turn_away = TurnAway::from_places(connections);
        Self { service, limits, draining, places, turn_away, counts }
    }

    /// Serves a connection, or turns it away if there is no place for it.
    pub(crate) fn admit(self: &Arc<Self>, socket: Socket, connections: &mut JoinSet<()>) {
        // Here and not in its task: tasks would be bounded by nothing.
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => {
                connections.spawn(Arc::clone(self).serve(socket, place));
            }
            Err(_) => turn_away::turn_away(self, socket, connections),
        }
    }

    /// Serves a connection to its end.
    async fn serve(self: Arc<Self>, socket: Socket, place: OwnedSemaphorePermit) {
        // Dropped last, also if the connection is cut: the count falls when nothing else is left.
        let mut open = Open::count(&self, place);
        let _reservation =
            self.service.origin.budget.reserve(Consumer::Connections, CONNECTION_BYTES);
        open.ended(self.run(Box::new(socket)).await);
    }

    async fn run(self: &Arc<Self>, mut io: Stream) -> CloseReason {
        let mut connection = Connection::new(self);
        loop {
            match connection.run(&mut io).await {
                Next::Closed(why) => return why,
                Next::Linger(why) => {
                    // Boxed, since the future of a connection is as large as its largest branch.
                    Box::pin(linger::close(io, self.limits.linger)).await;
                    return why;
                }
                Next::Body => match Box::pin(session::answer(io, &mut connection)).await {
                    Ok(back) => io = back,
                    Err(why) => return why,
                },
            }
        }
    }
}
