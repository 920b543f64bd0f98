//! Connections of the admin listeners: accepted, limited, timed out and drained.

use crate::listen::{BoundListener, Listening};
use crate::metrics::Metrics;
use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus::{IntCounter, IntGauge};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Open connections of all admin listeners.
pub(crate) const MAX_CONNECTIONS: usize = 100;
/// From accepting a connection, or from its last response, to the end of a request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a request head.
const MAX_HEAD: usize = 16 * 1024;

/// The admin listeners with their connections.
pub struct AdminServer {
    shared: Arc<Shared>,
    /// Removes the socket files when it is dropped.
    _listeners: Vec<BoundListener>,
}

struct Shared {
    app: Router,
    permits: Arc<Semaphore>,
    open: IntGauge,
    rejected: IntCounter,
    tasks: TaskTracker,
    /// Ends accepting, and each connection after its current request.
    drain: CancellationToken,
    /// Closes connections at once.
    abort: CancellationToken,
}

impl AdminServer {
    /// Accepts connections until [`AdminServer::drain`].
    pub fn start(
        listeners: Vec<BoundListener>,
        app: Router,
        metrics: &Metrics,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            app,
            permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            open: metrics.connections.with_label_values(&["admin"]),
            rejected: metrics.connections_refused.with_label_values(&["admin"]),
            tasks: TaskTracker::new(),
            drain: CancellationToken::new(),
            abort: CancellationToken::new(),
        });
        for bound in &listeners {
            match &bound.socket {
                Listening::Tcp(socket) => {
                    let listener = TcpListener::from_std(socket.try_clone()?)?;
                    shared.tasks.spawn(Arc::clone(&shared).accept(listener));
                }
                Listening::Unix(socket) => {
                    let listener = UnixListener::from_std(socket.try_clone()?)?;
                    shared.tasks.spawn(Arc::clone(&shared).accept(listener));
                }
            }
        }
        Ok(Self { shared, _listeners: listeners })
    }

    /// Stops accepting, closes idle connections, waits for requests in flight until the deadline
    /// and then aborts them; returns whether all ended in time.
    pub async fn drain(self, deadline: Instant) -> bool {
        let Shared { tasks, drain, abort, .. } = &*self.shared;
        drain.cancel();
        tasks.close();
        let in_time = timeout_at(deadline, tasks.wait()).await.is_ok();
        abort.cancel();
        tasks.wait().await;
        in_time
    }
}

impl Shared {
    async fn accept(self: Arc<Self>, mut listener: impl Listener) {
        // Errors are retried inside.
        while let Some((io, _)) = self.drain.run_until_cancelled(listener.accept()).await {
            match Arc::clone(&self.permits).try_acquire_owned() {
                Ok(permit) => {
                    self.tasks.spawn(Arc::clone(&self).serve(TokioIo::new(io), permit));
                }
                Err(_) => self.rejected.inc(),
            }
        }
    }

    async fn serve(
        self: Arc<Self>,
        io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
        _permit: OwnedSemaphorePermit,
    ) {
        let _open = OpenConnection::count(&self.open);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(io, TowerToHyperService::new(self.app.clone()));
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = self.drain.cancelled() => {
                connection.as_mut().graceful_shutdown();
                self.abort.run_until_cancelled(connection).await
            }
        };
        if let Some(Err(error)) = ended {
            tracing::debug!(%error, "an admin connection failed");
        }
    }
}

/// Counts a connection until it is dropped, also by a panic.
struct OpenConnection<'a>(&'a IntGauge);

impl<'a> OpenConnection<'a> {
    fn count(open: &'a IntGauge) -> Self {
        open.inc();
        Self(open)
    }
}

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
