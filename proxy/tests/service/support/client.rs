//! A client that returns responses byte for byte.

use std::net::SocketAddr;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// A connection to a server.
pub(crate) struct Client {
    stream: Box<dyn Duplex>,
    buffer: Vec<u8>,
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A response, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream: Box::new(stream), buffer: Vec::new() }
    }

    /// A connection, unless it is refused.
    pub(crate) async fn try_connect(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        Some(Self { stream: Box::new(stream), buffer: Vec::new() })
    }

    /// A connection to a socket's file.
    pub(crate) async fn connect_to_file(path: &Path) -> Self {
        let stream = UnixStream::connect(path).await.unwrap();
        Self { stream: Box::new(stream), buffer: Vec::new() }
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends a request. The target may contain any bytes but blanks and line ends.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        target: &[u8],
        headers: &[(&str, &str)],
    ) -> Response {
        let mut head = Vec::new();
        head.extend_from_slice(method.as_bytes());
        head.push(b' ');
        head.extend_from_slice(target);
        head.extend_from_slice(b" HTTP/1.1\r\nhost: localhost\r\n");
        for (name, value) in headers {
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        self.send(&head).await;
        self.response(method == "HEAD").await.expect("the connection was closed without an answer")
    }

    pub(crate) async fn get(&mut self, target: &str) -> Response {
        self.request("GET", target.as_bytes(), &[]).await
    }

    /// Reads a response; `None` if the connection ends before one.
    pub(crate) async fn response(&mut self, to_head: bool) -> Option<Response> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            if !self.read().await {
                assert!(
                    self.buffer.is_empty(),
                    "half a head: {:?}",
                    String::from_utf8_lossy(&self.buffer)
                );
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut response = Response { status, headers, body: Vec::new() };
        let empty = to_head || status == 204 || status == 304 || status < 200;
        let length = match response.header("content-length") {
            Some(length) if !empty => length.parse().unwrap(),
            _ => 0,
        };
        while self.buffer.len() < length {
            assert!(self.read().await, "the body ends early");
        }
        response.body = self.buffer.drain(..length).collect();
        Some(response)
    }

    /// Ends what is sent.
    pub(crate) async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Whether the server closes the connection without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.read().await
    }

    async fn read(&mut self) -> bool {
        // Onto the heap at once: on the stack of a future it would be there once for each that
        // awaits it.
        self.buffer.reserve(65_536);
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..))
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
