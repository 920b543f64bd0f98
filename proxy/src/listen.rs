//! Sockets: bound before anything else starts, so that a busy port ends the program at once, and
//! listening when all else has started, so that nobody is kept waiting for it.

use crate::listen_addr::ListenAddr;
use crate::socket_file::{SocketError, SocketFile};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use thiserror::Error;

/// How many connections may wait to be accepted; the kernel caps it.
pub(crate) const BACKLOG: i32 = 4096;

/// A place can't be listened on.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Somebody else listens there.
    #[error("{0} is in use: is another aqs running? Choose another address with {1}")]
    Busy(ListenAddr, &'static str),
    /// The system refuses, or there is a file that is no socket.
    #[error("can't listen on {place}: {source}")]
    Refused {
        /// Where.
        place: ListenAddr,
        /// Why.
        source: SocketError,
    },
}

/// A bound socket.
#[derive(Debug)]
pub struct BoundListener {
    pub(crate) socket: Listening,
    pub(crate) file: Option<SocketFile>,
    /// Where it is: the port is never 0, the path is absolute.
    pub place: ListenAddr,
    /// The command line's name for it.
    flag: &'static str,
}

#[derive(Debug)]
pub(crate) enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl BoundListener {
    /// Binds a place; `flag` is the command line's name for it.
    pub fn to(place: &ListenAddr, flag: &'static str) -> Result<Self, ListenError> {
        let bound = match place {
            ListenAddr::Tcp(address) => bind(*address, flag).map_err(SocketError::System),
            ListenAddr::Unix(path) => SocketFile::bind(path).map(|(socket, file)| Self {
                place: ListenAddr::Unix(file.path().to_owned()),
                socket: Listening::Unix(socket),
                file: Some(file),
                flag,
            }),
        };
        bound.map_err(|source| refused(place, flag, source))
    }

    /// Lets connections in: an address that is only bound refuses them. A socket file listens from
    /// the beginning, or another start would take it for a dead one's.
    ///
    /// # Errors
    ///
    /// If another program has bound the address too, and was faster.
    pub fn listen(&self) -> Result<(), ListenError> {
        match &self.socket {
            Listening::Tcp(socket) => SockRef::from(socket)
                .listen(BACKLOG)
                .map_err(|error| refused(&self.place, self.flag, error.into())),
            Listening::Unix(_) => Ok(()),
        }
    }
}

fn refused(place: &ListenAddr, flag: &'static str, source: SocketError) -> ListenError {
    match source {
        SocketError::System(error) if error.kind() == io::ErrorKind::AddrInUse => {
            ListenError::Busy(place.clone(), flag)
        }
        source => ListenError::Refused { place: place.clone(), source },
    }
}

fn bind(address: SocketAddr, flag: &'static str) -> io::Result<BoundListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that [::] and 0.0.0.0 can be listened on side by side.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    let socket = TcpListener::from(socket);
    let place = socket.local_addr()?.into();
    Ok(BoundListener { socket: Listening::Tcp(socket), file: None, place, flag })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn an_address_that_is_only_bound_refuses_and_is_had() {
        let any: ListenAddr = "127.0.0.1:0".parse().unwrap();
        let bound = BoundListener::to(&any, "--listen").unwrap();
        let ListenAddr::Tcp(address) = bound.place else { panic!("{bound:?}") };
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        // Another start may bind it as well, but only one can listen.
        let other = BoundListener::to(&bound.place, "--listen").unwrap();
        bound.listen().unwrap();
        TcpStream::connect(address).unwrap();
        assert!(matches!(other.listen(), Err(ListenError::Busy(..))));
        assert!(matches!(BoundListener::to(&bound.place, "--listen"), Err(ListenError::Busy(..))));
    }
}
