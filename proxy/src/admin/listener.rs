//! Connections of the admin listeners: accepted, limited, timed out and drained.

use crate::listen::{BoundListener, Listening};
use crate::metrics::{GaugeGuard, Metrics};
use crate::supervisor::Supervisor;
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
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Open connections of all admin listeners.
pub(crate) const MAX_CONNECTIONS: usize = 100;
/// From accepting a connection, or from its last response, to the end of a request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Without progress while a response is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// The name of the accept loops in metrics and readiness.
const TASK: &str = "accepting admin connections";
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
        supervisor: &Supervisor,
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
            let (shared, drain) = (Arc::clone(&shared), shared.drain.clone());
            match &bound.socket {
                Listening::Tcp(socket) => {
                    let socket = socket.try_clone()?;
                    supervisor.spawn(TASK, drain, move |_| {
                        let listener = socket.try_clone().and_then(TcpListener::from_std);
                        Arc::clone(&shared).accept(listener)
                    });
                }
                Listening::Unix(socket) => {
                    let socket = socket.try_clone()?;
                    supervisor.spawn(TASK, drain, move |_| {
                        let listener = socket.try_clone().and_then(UnixListener::from_std);
                        Arc::clone(&shared).accept(listener)
                    });
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
    async fn accept(self: Arc<Self>, listener: io::Result<impl Listener>) {
        let mut listener = match listener {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "failed to accept admin connections");
                return;
            }
        };
        // Draining waits for the loop too, since it spawns.
        let _tracked = self.tasks.token();
        // Errors are retried inside.
        while let Some((io, _)) = self.drain.run_until_cancelled(listener.accept()).await {
            match Arc::clone(&self.permits).try_acquire_owned() {
                Ok(permit) => {
                    let mut io = TimeoutStream::new(io);
                    io.set_write_timeout(Some(WRITE_TIMEOUT));
                    self.tasks.spawn(Arc::clone(&self).serve(TokioIo::new(Box::pin(io)), permit));
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
        let _open = GaugeGuard::new(&self.open);
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
