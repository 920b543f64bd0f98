//! Accepting connections, and closing listeners without a reset for a client that was let in.

use super::{HttpServer, syn_filter};
use crate::supervisor::Supervisor;
use pingora_core::protocols::{GetSocketDigest, SocketDigest, Stream, l4};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long pending handshakes may take after new ones are refused.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_millis(200);
/// The pause after the system failed to accept.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// A listener whose connections are served.
pub struct Acceptor {
    socket: Arc<std::net::TcpListener>,
    server: Arc<HttpServer>,
    task: JoinHandle<Option<Connections>>,
}

/// The connections of a listener, from the moment they are accepted. They are aborted when this is
/// dropped.
#[derive(Debug, Default)]
pub struct Connections(JoinSet<()>);

impl Acceptor {
    /// Accepts connections until `stop` is cancelled.
    pub fn start(
        socket: std::net::TcpListener,
        server: Arc<HttpServer>,
        supervisor: &Supervisor,
        stop: CancellationToken,
    ) -> Self {
        let socket = Arc::new(socket);
        let task = supervisor.spawn("accepting connections", stop, {
            let (socket, server) = (Arc::clone(&socket), Arc::clone(&server));
            move |stop| accept(Arc::clone(&socket), Arc::clone(&server), stop)
        });
        Self { socket, server, task }
    }

    /// Closes listeners that were stopped, once what waits in their queues is served; returns the
    /// connections of each. Waits for late handshakes, but not after `deadline`.
    ///
    /// Closing a listener resets what waits in its queue, so the queue is emptied first.
    pub async fn close(all: Vec<Self>, deadline: Instant) -> Vec<Connections> {
        let mut closing = Vec::new();
        let mut filtered = false;
        for Self { socket, server, task } in all {
            let connections = task.await.ok().flatten().unwrap_or_default();
            match syn_filter::attach(&socket) {
                Ok(()) => filtered = true,
                Err(error) => tracing::debug!(%error, "a late connection may be reset"),
            }
            closing.push((socket, server, connections));
        }
        if filtered {
            sleep_until(deadline.min(Instant::now() + HANDSHAKE_TIMEOUT)).await;
        }
        for (socket, server, connections) in &mut closing {
            while let Ok((stream, peer)) = socket.accept() {
                let ready = stream.set_nonblocking(true);
                if let Ok(stream) = ready.and_then(|()| TcpStream::from_std(stream)) {
                    server.admit(unbuffered(stream, peer), &mut connections.0);
                }
            }
        }
        closing.into_iter().map(|(_, _, connections)| connections).collect()
    }
}

impl Connections {
    /// Waits for all connections to end by themselves.
    pub async fn join(all: &mut [Self]) {
        for Self(connections) in all {
            while let Some(ended) = connections.join_next().await {
                log_panic(ended);
            }
        }
    }

    /// Aborts the connections that are left. They end when they are polled next.
    pub fn abort(all: &mut [Self]) {
        for Self(connections) in all {
            connections.abort_all();
        }
    }
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Some(error) = ended.err().filter(JoinError::is_panic) {
        tracing::error!(%error, "a connection panicked");
    }
}

/// A connection as pingora's stream, which has no buffers when it is made so: connections have
/// their own.
fn unbuffered(tcp: TcpStream, peer: SocketAddr) -> Stream {
    // Not every system inherits it from the listener. Without it replies are only later.
    let _ = tcp.set_nodelay(true);
    let digest = SocketDigest::from_raw_fd(tcp.as_raw_fd());
    // The cell is new and therefore empty.
    let _ = digest.peer_addr.set(Some(peer.into()));
    let mut stream = l4::stream::Stream::from(tcp);
    stream.set_socket_digest(digest);
    Box::new(stream)
}

/// The accept loop. pingora's own gives each connection a task that can be neither awaited nor
/// aborted, and that is not counted before it first runs.
async fn accept(
    socket: Arc<std::net::TcpListener>,
    server: Arc<HttpServer>,
    stop: CancellationToken,
) -> Connections {
    let mut connections = Connections::default();
    let listener = match socket.try_clone().and_then(TcpListener::from_std) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "failed to use a listening socket");
            return connections;
        }
    };
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return connections,
            Some(ended) = connections.0.join_next() => log_panic(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => server.admit(unbuffered(stream, peer), &mut connections.0),
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    sleep(ERROR_PAUSE).await;
                }
            }
        }
    }
}
