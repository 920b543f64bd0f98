//! Sockets: bound before anything else starts, so that a busy port ends the program at once.

use crate::front::Front;
use pingora_core::apps::ServerApp;
use pingora_core::listeners::L4BufferSettings;
use pingora_core::listeners::ListenerConfig;
use pingora_core::protocols::Stream;
use pingora_core::protocols::l4::stream::Stream as L4Stream;
use pingora_core::server::{Fds, ShutdownWatch};
use pingora_core::services::Service as _;
use pingora_core::services::listening::Service;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// How many connections may wait to be accepted; the kernel caps it.
const BACKLOG: i32 = 4096;

/// An address can't be listened on.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error("{0} is in use: is another aqs running? Choose another address with {1}")]
    Busy(SocketAddr, &'static str),
    /// The system refuses.
    #[error("can't listen on {address}: {source}")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A bound socket.
#[derive(Debug)]
pub struct Bound {
    socket: TcpListener,
    /// The address that it got: the port is never 0.
    pub address: SocketAddr,
}

impl Bound {
    /// Binds an address; `flag` is the command line's name for it.
    pub fn to(address: SocketAddr, flag: &'static str) -> Result<Self, ListenError> {
        bind(address).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::Busy(address, flag),
            _ => ListenError::Refused { address, source },
        })
    }
}

fn bind(address: SocketAddr) -> io::Result<Bound> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that [::] and 0.0.0.0 can be listened on side by side.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let socket = TcpListener::from(socket);
    let address = socket.local_addr()?;
    Ok(Bound { socket, address })
}

/// A listener whose connections are being served.
pub struct Accepting {
    bound: Bound,
    front: Arc<Front>,
    task: JoinHandle<()>,
}

/// A `Front` that outlives pingora's service, which wants to own its application.
struct Shared(Arc<Front>);

#[async_trait::async_trait]
impl ServerApp for Shared {
    async fn process_new(self: &Arc<Self>, io: Stream, watch: &ShutdownWatch) -> Option<Stream> {
        self.0.process_new(io, watch).await
    }
}

impl Accepting {
    /// Starts accepting, until `stop` turns true.
    pub fn start(bound: Bound, front: Arc<Front>, stop: ShutdownWatch) -> io::Result<Self> {
        let name = front.listener.name();
        // pingora's service takes the descriptor for its own; ours stays for the end.
        let descriptor = bound.socket.try_clone()?.into_raw_fd();
        let mut descriptors = Fds::new();
        descriptors.add(name.to_owned(), descriptor);
        let mut service = Service::new(name.to_owned(), Shared(Arc::clone(&front)));
        // We read into buffers of our own and write a whole reply at once.
        let buffers = L4BufferSettings::unbuffered();
        service.add_listener(ListenerConfig::tcp(name).l4_buffer(buffers));
        let descriptors = Arc::new(parking_lot::Mutex::new(descriptors));
        let task =
            tokio::spawn(async move { service.start_service(Some(descriptors), stop, 1).await });
        Ok(Self { bound, front, task })
    }

    /// Waits for accepting to have stopped, serves what still waits to be accepted, closes.
    ///
    /// Closing a listener resets what waits in its queue, so the queue is emptied first.
    pub async fn close(self, connections: &TaskTracker) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "accepting ended badly");
        }
        let (_never, watch) = tokio::sync::watch::channel(true);
        while let Ok((socket, _)) = self.bound.socket.accept() {
            let Ok(socket) =
                socket.set_nonblocking(true).and_then(|()| tokio::net::TcpStream::from_std(socket))
            else {
                continue;
            };
            let front = Arc::clone(&self.front);
            let watch = watch.clone();
            connections.spawn(async move {
                let mut io: Option<Stream> = Some(Box::new(L4Stream::from(socket)));
                while let Some(stream) = io {
                    io = front.process_new(stream, &watch).await;
                }
            });
        }
    }
}
