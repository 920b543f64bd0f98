//! Accepting connections, and ending to: whoever was let in is served, and nobody is let in who
//! would not be.

use crate::last_call;
use crate::listen::{BoundListener, Listening};
use crate::net::Front;
use crate::socket::Socket;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// For handshakes that have begun when no more may.
const HANDSHAKES: Duration = Duration::from_millis(200);
/// How long nobody is accepted after the system refused to.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// A listener whose connections are being served.
pub struct Accepting {
    bound: BoundListener,
    front: Arc<Front>,
    task: JoinHandle<Connections>,
}

/// The connections of a listener, each from the moment that it was accepted: none is between two
/// owners, so that none is forgotten at the end. They end with this.
#[derive(Debug, Default)]
pub struct Connections(JoinSet<()>);

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Accepting {
    /// Starts accepting, until `stop` turns true.
    pub fn start(
        bound: BoundListener,
        front: Arc<Front>,
        stop: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let listener = match &bound.socket {
            Listening::Tcp(socket) => Listener::Tcp(TcpListener::from_std(socket.try_clone()?)?),
            Listening::Unix(socket) => Listener::Unix(UnixListener::from_std(socket.try_clone()?)?),
        };
        let task = tokio::spawn(accept(listener, Arc::clone(&front), stop));
        Ok(Self { bound, front, task })
    }

    /// Closes listeners that were told to stop, once what waited to be accepted is served; gives
    /// the connections of each. Waits for late handshakes, but not after `until`.
    ///
    /// Closing a listener resets what waits in its queue, so the queue is emptied first.
    pub async fn close(all: Vec<Self>, until: Instant) -> Vec<Connections> {
        let mut closing = Vec::new();
        let mut late = false;
        for Self { bound: BoundListener { socket, file, .. }, front, task } in all {
            let connections = task.await.unwrap_or_else(|error| {
                tracing::error!(%error, "accepting ended badly");
                Connections::default()
            });
            // Nobody comes any more once its name is gone, or once nobody can begin to.
            drop(file);
            if let Listening::Tcp(socket) = &socket {
                match last_call::begins_nothing_more(socket) {
                    Ok(()) => late = true,
                    Err(error) => {
                        tracing::debug!(%error, "who comes at the last moment may be reset");
                    }
                }
            }
            closing.push((socket, front, connections));
        }
        if late {
            sleep_until(until.min(Instant::now() + HANDSHAKES)).await;
        }
        let empty = |(socket, front, mut connections): (Listening, Arc<Front>, Connections)| {
            while let Some(waiting) = next(&socket) {
                if let Ok(socket) = waiting {
                    front.admit(socket, &mut connections.0);
                }
            }
            connections
        };
        closing.into_iter().map(empty).collect()
    }
}

impl Connections {
    /// Waits for all to end by themselves.
    pub async fn end(all: &mut [Self]) {
        for Self(connections) in all {
            while let Some(ended) = connections.join_next().await {
                note(ended);
            }
        }
    }

    /// Cuts what is left: it ends when it is its turn to run.
    pub fn cut(all: &mut [Self]) {
        for Self(connections) in all {
            connections.abort_all();
        }
    }
}

/// A connection ended. That it was cut is told by whoever does that.
fn note(ended: Result<(), JoinError>) {
    if let Some(error) = ended.err().filter(JoinError::is_panic) {
        tracing::error!(%error, "a connection ended badly");
    }
}

/// One loop for all kinds of sockets, and not pingora's: that one gives each connection a task
/// that nobody can await or cut, and that is not counted before it first runs.
async fn accept(
    listener: Listener,
    front: Arc<Front>,
    mut stop: watch::Receiver<bool>,
) -> Connections {
    let mut connections = Connections::default();
    loop {
        tokio::select! {
            biased;
            // Also if whoever would say so is gone.
            () = told(&mut stop) => return connections,
            Some(ended) = connections.0.join_next() => note(ended),
            accepted = listener.accept() => match accepted {
                Ok(socket) => front.admit(socket, &mut connections.0),
                Err(error) => {
                    tracing::warn!(%error, "no connection was accepted");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }
}

async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

impl Listener {
    async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Socket::tcp(stream, peer))
            }
            Self::Unix(listener) => Ok(Socket::unix(listener.accept().await?.0)),
        }
    }
}

/// The next that waits to be accepted.
fn next(socket: &Listening) -> Option<io::Result<Socket>> {
    Some(match socket {
        Listening::Tcp(socket) => {
            let (stream, peer) = socket.accept().ok()?;
            let ready = stream.set_nonblocking(true);
            ready.and_then(|()| TcpStream::from_std(stream)).map(|s| Socket::tcp(s, peer))
        }
        Listening::Unix(socket) => {
            let (stream, _) = socket.accept().ok()?;
            let ready = stream.set_nonblocking(true);
            ready.and_then(|()| UnixStream::from_std(stream)).map(Socket::unix)
        }
    })
}
