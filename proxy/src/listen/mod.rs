//! Addresses and bound sockets of all listeners, public and admin. Accepting and serving their
//! connections is in `net` and `admin`.
//!
//! A listener is bound before anything else starts, so that an address in use ends the program at
//! once, and listens when all else has started, so that no client waits for it.

mod addr;
mod socket_file;

pub use addr::{ListenAddr, parse_tcp};
use socket_file::SocketFile;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use thiserror::Error;

/// How many connections may wait to be accepted; the kernel caps it.
const BACKLOG: i32 = 4096;

/// Listening on an address failed.
#[derive(Debug, Error)]
pub enum ListenError {
    #[error("{0} is in use: is another aqs running? Choose another address with {1}")]
    Busy(ListenAddr, &'static str),
    #[error("can't listen on {addr}: {source}")]
    Refused { addr: ListenAddr, source: io::Error },
}

/// A bound socket.
#[derive(Debug)]
pub struct BoundListener {
    pub(crate) socket: Listening,
    /// Removed with the listener.
    _file: Option<SocketFile>,
    /// The port is never 0, the path is absolute.
    pub addr: ListenAddr,
    /// The flag of the command line that sets the address.
    flag: &'static str,
}

#[derive(Debug)]
pub(crate) enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl BoundListener {
    /// Binds an address; `flag` is the flag of the command line that sets it.
    pub fn bind(addr: &ListenAddr, flag: &'static str) -> Result<Self, ListenError> {
        let bound = match addr {
            ListenAddr::Tcp(address) => bind_tcp(*address, flag),
            ListenAddr::Unix(path) => SocketFile::bind(path).map(|(socket, file)| Self {
                addr: ListenAddr::Unix(file.path().to_owned()),
                socket: Listening::Unix(socket),
                _file: Some(file),
                flag,
            }),
        };
        bound.map_err(|source| refused(addr, flag, source))
    }

    /// Starts to listen: an address that is only bound refuses connections. A socket file listens
    /// from the beginning, or another process would take it for a stale one. Fails if another
    /// program has bound the address too, and was faster.
    pub fn listen(&self) -> Result<(), ListenError> {
        match &self.socket {
            Listening::Tcp(socket) => SockRef::from(socket)
                .listen(BACKLOG)
                .map_err(|error| refused(&self.addr, self.flag, error)),
            Listening::Unix(_) => Ok(()),
        }
    }
}

fn refused(addr: &ListenAddr, flag: &'static str, source: io::Error) -> ListenError {
    let addr = addr.clone();
    if source.kind() == io::ErrorKind::AddrInUse {
        return ListenError::Busy(addr, flag);
    }
    ListenError::Refused { addr, source }
}

fn bind_tcp(address: SocketAddr, flag: &'static str) -> io::Result<BoundListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that [::] and 0.0.0.0 can be bound at the same time.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    let socket = TcpListener::from(socket);
    let addr = socket.local_addr()?.into();
    Ok(BoundListener { socket: Listening::Tcp(socket), _file: None, addr, flag })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn a_bound_address_refuses_connections_until_it_listens() {
        let any: ListenAddr = "127.0.0.1:0".parse().unwrap();
        let bound = BoundListener::bind(&any, "--listen").unwrap();
        let ListenAddr::Tcp(address) = bound.addr else { panic!("{bound:?}") };
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        // Another process may bind it as well, but only one can listen.
        let other = BoundListener::bind(&bound.addr, "--listen").unwrap();
        bound.listen().unwrap();
        TcpStream::connect(address).unwrap();
        assert!(matches!(other.listen(), Err(ListenError::Busy(..))));
        assert!(matches!(BoundListener::bind(&bound.addr, "--listen"), Err(ListenError::Busy(..))));
    }
}
