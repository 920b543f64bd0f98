//! A filter that drops new handshakes at a listener.
//!
//! Closing a listener resets the connections in its queue, and a client may connect between the
//! last look at the queue and the close. With the filter a late client gets no answer, retries
//! after a second and is refused, before it has sent a request.

use std::io;
use std::net::TcpListener;

/// Drops new handshakes; those that have begun go on.
#[cfg(target_os = "linux")]
pub(super) fn attach(socket: &TcpListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    // Classic BPF over the TCP header (see the kernel's networking/filter.rst).
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS_AT: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    SockRef::from(socket).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_AT),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        // Zero bytes are accepted: the packet is dropped.
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ])
}

#[cfg(not(target_os = "linux"))]
pub(super) fn attach(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn new_connections_fail_and_accepted_ones_stay() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = TcpStream::connect(address).unwrap();
        attach(&listener).unwrap();
        let late = thread::spawn(move || TcpStream::connect(address));
        // Time enough for a handshake.
        thread::sleep(Duration::from_millis(300));
        let (mut here, _) = listener.accept().unwrap();
        drop(listener);
        assert!(late.join().unwrap().is_err(), "the handshake was completed");
        waiting.write_all(b"a").unwrap();
        let mut byte = [0];
        here.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"a");
    }
}
