//! Attacks on the framing of requests: no other parser may find more requests in them than are
//! answered here. The other parser is hyper.

use crate::support::client::Client;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";

/// The targets of the requests that hyper reads whole.
async fn read_by_hyper(bytes: &[u8]) -> Vec<String> {
    let (mut client, server) = tokio::io::duplex(1 << 20);
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let targets: Arc<Mutex<Vec<String>>> = Arc::default();
    let service = service_fn(|request: Request<Incoming>| {
        let targets = Arc::clone(&targets);
        async move {
            let target = request.uri().to_string();
            if request.into_body().collect().await.is_ok() {
                targets.lock().unwrap().push(target);
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    // Errors are what is looked for.
    let _ = http1::Builder::new()
        .half_close(true)
        .serve_connection(TokioIo::new(server), service)
        .await;
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest).await;
    targets.lock().unwrap().clone()
}

/// The targets of the requests that are answered, and whether the last response says that the
/// connection ends.
async fn answered(address: std::net::SocketAddr, bytes: &[u8]) -> (Vec<String>, bool) {
    let mut client = Client::connect(address).await;
    client.send(bytes).await;
    client.half_close().await;
    let (mut targets, mut closed) = (Vec::new(), false);
    while let Some(response) = client.response(false).await {
        closed = response.header("connection") == Some("close");
        // What is refused is not answered.
        if [404, 405].contains(&response.status) {
            targets.push(response.json()["uri"].as_str().unwrap().to_owned());
        }
        if closed {
            break;
        }
    }
    (targets, closed)
}

/// Bodies in chunks, right and wrong.
const CHUNKS: &[&str] = &[
    "0\r\n\r\n",
    "3\r\nabc\r\n0\r\n\r\n",
    "2;\nxx\r\n0\r\n\r\n",
    "2;a=b\nxx\r\n0\r\n\r\n",
    "2;a=\"\n\"\r\nxx\r\n0\r\n\r\n",
    "\r\n\r\n",
    ";a\r\n\r\n",
    "2 \r\nxx\r\n0\r\n\r\n",
    "2\t\r\nxx\r\n0\r\n\r\n",
    " 2\r\nxx\r\n0\r\n\r\n",
    "2\nxx\n0\n\n",
    "2\rxx\r0\r\r",
    "2\r\nxxx\r\n0\r\n\r\n",
    "2\r\nxx0\r\n\r\n",
    "0x2\r\nxx\r\n0\r\n\r\n",
    "+2\r\nxx\r\n0\r\n\r\n",
    "-2\r\nxx\r\n0\r\n\r\n",
    "2_0\r\nxx\r\n0\r\n\r\n",
    "ffffffffffffffffff\r\nxx\r\n0\r\n\r\n",
    "10000000000000002\r\nxx\r\n0\r\n\r\n",
    "0\r\ntrailer\r\n\r\n",
    "0\r\ntrailer: a\r\n\r\n",
    "0\r\n trailer: a\r\n\r\n",
    "0\r\ncontent-length: 40\r\n\r\n",
    "0\r\n\n",
    "0\n\r\n",
    "00\r\n\r\n",
    "0;\n\r\n",
    "2\r\nx\0\r\n0\r\n\r\n",
];

/// Headers that say, or seem to say, where a body ends.
const HEADERS: &[&str] = &[
    "content-length: 0",
    "content-length: 5",
    "content-length: 05",
    "content-length: +5",
    "content-length: 5 ",
    "content-length:\t5",
    "content-length: 5, 5",
    "content-length: 5,6",
    "content-length: 0x5",
    "content-length: -5",
    "content-length: 5\r\ncontent-length: 5",
    "content-length: 5\r\ncontent-length: 0",
    "content-length: 5\r\n ,5",
    "content-length : 5",
    "content-length\0: 5",
    "content_length: 5",
    " content-length: 5",
    "x: y\ncontent-length: 5",
    "x: y\rcontent-length: 5",
    "content-length: 5\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked\r\ncontent-length: 5",
    "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
    "transfer-encoding: chunked, chunked",
    "transfer-encoding: xchunked",
    "transfer-encoding: identity",
    "transfer-encoding: gzip, chunked",
    "transfer-encoding: chunked, gzip",
    "transfer-encoding: \"chunked\"",
    "transfer-encoding: chunked;a=b",
    "transfer-encoding:\x0bchunked",
    "transfer-encoding : chunked",
    "transfer_encoding: chunked",
    "transfer-encoding:\r\n chunked",
    "connection: transfer-encoding\r\ntransfer-encoding: chunked",
    "expect: 100-continue\r\ncontent-length: 5",
];

#[tokio::test]
async fn no_parser_finds_more_requests_than_are_answered() {
    let (server, _folder) = super::connections::server().await;
    let mut cases = Vec::new();
    for method in ["GET", "POST"] {
        for chunks in CHUNKS {
            let head = format!("{method} /outer HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked");
            cases.push(format!("{head}\r\n\r\n{chunks}{HIDDEN}"));
        }
        for header in HEADERS {
            for body in ["", "hello", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"] {
                for version in ["1.1", "1.0"] {
                    let head = format!("{method} /outer HTTP/{version}\r\nhost: x\r\n{header}");
                    cases.push(format!("{head}\r\n\r\n{body}{HIDDEN}"));
                }
            }
        }
    }
    let (mut whole, mut hidden) = (0, 0);
    for bytes in &cases {
        let other = read_by_hyper(bytes.as_bytes()).await;
        let (own, closed) = answered(server.addresses[0], bytes.as_bytes()).await;
        // hyper may refuse the body of a request that is answered and ends the connection.
        let agrees = other.starts_with(&own) || (closed && own == ["/outer"]);
        assert!(agrees, "{bytes:?}: {own:?} are answered, hyper reads {other:?}");
        // What follows is a request only if both take it for one.
        assert!(!own.contains(&"/hidden".to_owned()) || own == other, "{bytes:?}: {own:?}");
        whole += usize::from(own == other && own.len() == 2);
        hidden += usize::from(other.contains(&"/hidden".to_owned()));
    }
    // The comparison compares something.
    assert!(whole >= 8, "{whole} of {}", cases.len());
    assert!(hidden > whole, "{hidden}");
}

#[tokio::test]
async fn the_admin_listener_reads_no_chunks() {
    let (server, _folder) = super::connections::server().await;
    for chunks in CHUNKS {
        let mut client = Client::connect(server.admin_addresses[0]).await;
        let head = "POST /admin/purge HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked";
        client.send(format!("{head}\r\n\r\n{chunks}{HIDDEN}").as_bytes()).await;
        let response = client.response(false).await.unwrap();
        assert_eq!((response.status, response.header("connection")), (411, Some("close")));
        assert!(client.is_closed().await, "{chunks:?}");
    }
}
