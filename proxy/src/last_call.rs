//! The last moment of a listener.
//!
//! Closing one resets what waits in its queue. Emptying the queue first leaves the instant between
//! the last look and the end, in which somebody may have come and sent a request. So no handshake
//! may begin any more before the queue is emptied for the last time: whoever tries hears nothing,
//! tries again a second later, and is refused then, before anything was sent.

use std::io;
use std::net::TcpListener;

/// Lets no handshake begin at a listener any more; those that have begun go on.
#[cfg(target_os = "linux")]
pub(crate) fn begins_nothing_more(socket: &TcpListener) -> io::Result<()> {
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
        // Nothing of it is taken: it is dropped.
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ])
}

/// Elsewhere the instant stays.
#[cfg(not(target_os = "linux"))]
pub(crate) fn begins_nothing_more(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn nobody_comes_any_more_and_who_is_here_stays() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = TcpStream::connect(address).unwrap();
        begins_nothing_more(&listener).unwrap();
        let late = thread::spawn(move || TcpStream::connect(address));
        // Time to come in, if that were possible.
        thread::sleep(Duration::from_millis(300));
        let (mut here, _) = listener.accept().unwrap();
        drop(listener);
        assert!(late.join().unwrap().is_err(), "let in, and nobody would have accepted it");
        waiting.write_all(b"a").unwrap();
        let mut byte = [0];
        here.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"a");
    }
}
