//! A relay between the store and a node that passes bytes, slowly, in part, or not at all.
//!
//! `scylla-proxy` works on whole frames, and can't send half of one.

use socket2::SockRef;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The nine bytes of a frame's header, and the beginning of its body.
const PREFIX: usize = 12;

/// What happens to the bytes of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They pass.
    Forward,
    /// They pass one by one, at one per millisecond.
    Slow,
    /// The header of a reply and the beginning of its body pass, then the connection is closed.
    Truncate,
    /// The connection is reset instead of a reply.
    Reset,
    /// Nothing passes, and connections stay open.
    Silent,
}
use Mode::{Forward, Reset, Silent, Slow, Truncate};

/// A listener that forwards to a node.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    mode: watch::Sender<Mode>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Relay {
    /// Listens on a free port, and forwards to a node.
    pub(crate) async fn start(node: &str) -> Self {
        Self::listen_on(([127, 0, 0, 1], 0).into(), node).await
    }

    /// Listens on an address, and forwards to a node.
    pub(crate) async fn listen_on(address: SocketAddr, node: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, watch) = watch::channel(Forward);
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let (node, connections) = (node.to_owned(), tasks.clone());
        let until = end.clone();
        tasks.spawn(end.clone().run_until_cancelled_owned(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let Ok(server) = TcpStream::connect(&node).await else { continue };
                let connection = forward(client, server, watch.clone());
                connections.spawn(until.clone().run_until_cancelled_owned(connection));
            }
        }));
        Self { address, mode, tasks, end }
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// The number of open connections.
    pub(crate) fn connections(&self) -> usize {
        // One is the listener.
        self.tasks.len() - 1
    }

    pub(crate) async fn stop(self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Forwards both ways until one of them ends. The bytes of the store always pass.
async fn forward(client: TcpStream, server: TcpStream, mode: watch::Receiver<Mode>) {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = forward_replies(from_server, to_client, mode) => {}
    }
}

async fn forward_replies(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mode: watch::Receiver<Mode>,
) {
    let mut chunk = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let chunk = &chunk[..count];
        let now = *mode.borrow();
        let passed = match now {
            Forward => to.write_all(chunk).await,
            Slow => write_slowly(&mut to, chunk).await,
            Truncate => to.write_all(&chunk[..count.min(PREFIX)]).await,
            Reset => SockRef::from(to.as_ref()).set_linger(Some(Duration::ZERO)),
            Silent => continue,
        };
        if passed.is_err() || matches!(now, Truncate | Reset) {
            break;
        }
    }
}

async fn write_slowly(to: &mut OwnedWriteHalf, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        to.write_all(&[*byte]).await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
