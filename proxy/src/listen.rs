//! Sockets: bound before anything else starts, so that a busy port ends the program at once.

use crate::front::Front;
use crate::last_call;
use crate::place::Place;
use crate::socket_file::{SocketError, SocketFile};
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
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// For handshakes that have begun when no more may.
const HANDSHAKES: Duration = Duration::from_millis(200);
/// How many connections may wait to be accepted; the kernel caps it.
pub(crate) const BACKLOG: i32 = 4096;
/// How long nobody is accepted after the system refused to.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// A place can't be listened on.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error("{0} is in use: is another aqs running? Choose another address with {1}")]
    Busy(Place, &'static str),
    /// The system refuses, or there is a file that is no socket.
    #[error("can't listen on {place}: {source}")]
    Refused {
        /// Where.
        place: Place,
        /// Why.
        source: SocketError,
    },
}

/// A bound socket.
#[derive(Debug)]
pub struct Bound {
    socket: Listening,
    file: Option<SocketFile>,
    /// Where it is: the port is never 0, the path is absolute.
    pub place: Place,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Bound {
    /// Binds a place; `flag` is the command line's name for it.
    pub fn to(place: &Place, flag: &'static str) -> Result<Self, ListenError> {
        let bound = match place {
            Place::Tcp(address) => bind(*address).map_err(SocketError::System),
            Place::Unix(path) => SocketFile::bind(path).map(|(socket, file)| Self {
                place: Place::Unix(file.path().to_owned()),
                socket: Listening::Unix(socket),
                file: Some(file),
            }),
        };
        bound.map_err(|source| match source {
            SocketError::System(error) if error.kind() == io::ErrorKind::AddrInUse => {
                ListenError::Busy(place.clone(), flag)
            }
            source => ListenError::Refused { place: place.clone(), source },
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
    let place = socket.local_addr()?.into();
    Ok(Bound { socket: Listening::Tcp(socket), file: None, place })
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
        let task = match &bound.socket {
            Listening::Tcp(socket) => accept_tcp(socket, &front, stop)?,
            Listening::Unix(socket) => {
                let socket = tokio::net::UnixListener::from_std(socket.try_clone()?)?;
                tokio::spawn(accept_unix(socket, Arc::clone(&front), stop))
            }
        };
        Ok(Self { bound, front, task })
    }

    /// Waits for accepting to have stopped, serves what still waits to be accepted, closes.
    ///
    /// Closing a listener resets what waits in its queue, so the queue is emptied first.
    pub async fn close(self, connections: &TaskTracker) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "accepting ended badly");
        }
        let Bound { socket, file, .. } = self.bound;
        // Nobody comes any more once its name is gone, or once nobody can begin to.
        drop(file);
        if let Listening::Tcp(socket) = &socket {
            let closed = last_call::begins_nothing_more(socket);
            if let Err(error) = closed {
                tracing::debug!(%error, "who comes at the last moment may be reset");
            } else {
                tokio::time::sleep(HANDSHAKES).await;
            }
        }
        while let Some(waiting) = socket.next() {
            if let Ok(stream) = waiting {
                connections.spawn(serve(Arc::clone(&self.front), stream));
            }
        }
    }
}

impl Listening {
    /// The next that waits to be accepted.
    fn next(&self) -> Option<io::Result<L4Stream>> {
        Some(match self {
            Self::Tcp(socket) => {
                let (socket, _) = socket.accept().ok()?;
                let ready = socket.set_nonblocking(true);
                ready.and_then(|()| TcpStream::from_std(socket)).map(L4Stream::from)
            }
            Self::Unix(socket) => {
                let (socket, _) = socket.accept().ok()?;
                let ready = socket.set_nonblocking(true);
                ready.and_then(|()| UnixStream::from_std(socket)).map(L4Stream::from)
            }
        })
    }
}

fn accept_tcp(
    socket: &TcpListener,
    front: &Arc<Front>,
    stop: ShutdownWatch,
) -> io::Result<JoinHandle<()>> {
    let name = front.listener.name();
    // pingora's service takes the descriptor for its own; ours stays for the end.
    let descriptor = socket.try_clone()?.into_raw_fd();
    let mut descriptors = Fds::new();
    descriptors.add(name.to_owned(), descriptor);
    let mut service = Service::new(name.to_owned(), Shared(Arc::clone(front)));
    // We read into buffers of our own and write a whole reply at once.
    let buffers = L4BufferSettings::unbuffered();
    service.add_listener(ListenerConfig::tcp(name).l4_buffer(buffers));
    let descriptors = Arc::new(parking_lot::Mutex::new(descriptors));
    Ok(tokio::spawn(async move { service.start_service(Some(descriptors), stop, 1).await }))
}

/// Accepts by itself: pingora would set the rights of the file, by its name, once more.
async fn accept_unix(socket: tokio::net::UnixListener, front: Arc<Front>, mut stop: ShutdownWatch) {
    while !*stop.borrow() {
        let accepted = tokio::select! {
            biased;
            changed = stop.changed() => match changed {
                Ok(()) => continue,
                // Whoever would say so is gone.
                Err(_) => return,
            },
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((socket, _)) => {
                let connection = serve(Arc::clone(&front), L4Stream::from(socket));
                front.connections.spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "no connection was accepted");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Serves a connection to its end.
async fn serve(front: Arc<Front>, stream: L4Stream) {
    // Connections end by the front's own watch.
    let (_never, watch) = watch::channel(true);
    let mut io: Option<Stream> = Some(Box::new(stream));
    while let Some(stream) = io {
        io = front.process_new(stream, &watch).await;
    }
}
