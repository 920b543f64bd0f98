//! Malicious and broken clients: each gets a response or is disconnected, a normal client is served
//! meanwhile, and all resources are freed afterwards.

use crate::support::client::Client;
use crate::support::scripted::Scripted;
use crate::support::{config, eventually, server};
use aqs_origin::memory_budget::Consumer;
use aqs_proxy::config::{Config, Store};
use aqs_proxy::net::Limits;
use aqs_proxy::server::Server;
use socket2::SockRef;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DATA: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";

/// A server with short timeouts and one concurrent read.
async fn server_with_short_timeouts() -> Server {
    let limits = Limits {
        write: Duration::from_millis(300),
        linger: Duration::from_millis(100),
        ..Limits::default()
    };
    let store = Store { reads: 1, ..Store::default() };
    server(Config { limits, store, ..config() }, Scripted::open()).await
}

/// Whether a normal client is served.
async fn is_served(address: SocketAddr) -> bool {
    Client::connect(address).await.get(DATA).await.status == 200
}

/// Waits until all tasks, permits, flights and reserved bytes are freed, and the gauges show it.
async fn assert_resources_freed(server: &Server) {
    let components = &server.components;
    // The store allows one concurrent read (see `server_with_short_timeouts`): it must be free.
    let fresh = DATA.replace("en.", "fresh.");
    assert_eq!(Client::connect(server.addresses[0]).await.get(&fresh).await.status, 200);
    let connections = components.metrics.connections.with_label_values(&["public"]);
    eventually(|| {
        connections.get() == 0
            && components.service.misses.responses.under_way() == 0
            && components.service.misses.responses.waiting() == 0
            && components.tasks.is_empty()
            && components.origin.budget.used(Consumer::Connections) == 0
            && components.origin.budget.used(Consumer::Flights) == 0
    })
    .await;
    let page = Client::connect(server.admin_addresses[0]).await.get("/metrics").await;
    for name in ["aqs_singleflight_in_flight{", "aqs_singleflight_waiters{", "aqs_store_queue{"] {
        let mut lines = page.text().lines().filter(|line| line.starts_with(name)).peekable();
        assert!(lines.peek().is_some(), "no {name}");
        assert!(lines.all(|line| line.ends_with(" 0")), "{name} is not 0\n{}", page.text());
    }
    assert!(page.text().contains("aqs_connections{listener=\"public\"} 0\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_concurrent_clients_are_answered() {
    let server = server_with_short_timeouts().await;
    let address = server.addresses[0];
    let clients: Vec<_> = (0..500)
        .map(|number| {
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                let target = DATA.replace("en.", &format!("p{}.", number % 50));
                client.get(&target).await.status
            })
        })
        .collect();
    for client in clients {
        assert_eq!(client.await.unwrap(), 200);
    }
    assert_resources_freed(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_is_disconnected() {
    let server = server_with_short_timeouts().await;
    let mut stalled = TcpStream::connect(server.addresses[0]).await.unwrap();
    let request = format!("GET {DATA} HTTP/1.1\r\nhost: x\r\n\r\n");
    // More than the socket buffers hold.
    let writing = tokio::spawn(async move {
        let many = request.repeat(1000);
        while stalled.write_all(many.as_bytes()).await.is_ok() {}
        std::future::pending::<()>().await;
        drop(stalled);
    });
    // Unsent bodies are reserved; a connection alone reserves whole pages.
    eventually(|| server.components.origin.budget.used(Consumer::Connections) % 4096 != 0).await;
    assert!(is_served(server.addresses[0]).await);
    assert_resources_freed(&server).await;
    writing.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_during_a_request_frees_its_resources() {
    let server = server_with_short_timeouts().await;
    for _ in 0..50 {
        let mut rude = TcpStream::connect(server.addresses[0]).await.unwrap();
        let request = format!("GET {DATA} HTTP/1.1\r\nhost: x\r\n\r\n");
        rude.write_all(request.repeat(20).as_bytes()).await.unwrap();
        let mut some = [0; 100];
        rude.read_exact(&mut some).await.unwrap();
        // Closing resets the connection.
        SockRef::from(&rude).set_linger(Some(Duration::ZERO)).unwrap();
        drop(rude);
    }
    assert!(is_served(server.addresses[0]).await);
    assert_resources_freed(&server).await;
}

#[tokio::test]
async fn a_half_closed_connection_gets_cached_responses() {
    let server = server_with_short_timeouts().await;
    assert!(is_served(server.addresses[0]).await);
    let mut half = TcpStream::connect(server.addresses[0]).await.unwrap();
    half.write_all(format!("GET {DATA} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    half.shutdown().await.unwrap();
    let mut answer = String::new();
    half.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("]}"), "{answer}");
    assert_resources_freed(&server).await;
}

#[tokio::test]
async fn control_bytes_in_a_head_are_refused() {
    let server = server_with_short_timeouts().await;
    for bytes in [
        b"GET /a\0b HTTP/1.1\r\nhost: x\r\n\r\n".as_slice(),
        b"GET /a HTTP/1.1\r\nhost: x\r\na\0: b\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\n folded: b\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\na : b\r\n\r\n",
        b"GET  /a HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut client = Client::connect(server.addresses[0]).await;
        client.send(bytes).await;
        let shown = String::from_utf8_lossy(bytes).into_owned();
        let response =
            client.response(false).await.unwrap_or_else(|| panic!("no answer to {shown:?}"));
        assert!([400, 505].contains(&response.status), "{shown:?}: {}", response.status);
        assert!(client.is_closed().await, "{shown:?}");
    }
    assert!(is_served(server.addresses[0]).await);
    assert_resources_freed(&server).await;
}

#[tokio::test]
async fn bytes_within_a_body_are_not_a_request() {
    let server = server_with_short_timeouts().await;
    let mut client = Client::connect(server.addresses[0]).await;
    // The length covers what looks like a second request.
    let hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";
    let outer = format!(
        "POST /outer HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    client.send(format!("{outer}GET /next HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    for uri in ["/outer", "/next"] {
        assert_eq!(client.response(false).await.unwrap().json()["uri"], uri);
    }
    drop(client);
    assert_resources_freed(&server).await;
}

/// Bytes to send, the statuses of the responses in order, and the start of the last detail.
type Case<'a> = (&'a str, &'a [u16], &'a str);

const UNKNOWN: &str = "the only transfer coding that is known here is chunked";

/// Sends each case on a connection of its own, which must be closed after the responses.
async fn assert_refused(server: &Server, cases: &[Case<'_>]) {
    for (bytes, statuses, detail) in cases {
        let shown = &bytes[..bytes.len().min(200)];
        let mut client = Client::connect(server.addresses[0]).await;
        client.send(bytes.as_bytes()).await;
        for (number, status) in statuses.iter().enumerate() {
            let response = client.response(false).await;
            let response = response.unwrap_or_else(|| panic!("no answer {number} to {shown:?}"));
            let body = response.json();
            assert_eq!(
                (response.status, &body["status"]),
                (*status, &(*status).into()),
                "{shown:?}"
            );
            if number + 1 == statuses.len() {
                let body = body["detail"].as_str().unwrap();
                assert!(body.starts_with(detail), "{shown:?}: {body}");
                assert_eq!(response.header("connection"), Some("close"), "{shown:?}");
            }
        }
        assert!(client.is_closed().await, "{shown:?}");
    }
    assert!(is_served(server.addresses[0]).await);
    assert_resources_freed(server).await;
}

#[tokio::test]
async fn ambiguous_transfer_codings_are_refused() {
    let server = server_with_short_timeouts().await;
    let hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n";
    let coded = |version: &str, line: &str| {
        format!("POST /outer HTTP/{version}\r\nhost: x\r\n{line}\r\n\r\n0\r\n\r\n{hidden}")
    };
    let both = "malformed request: Content-Length beside Transfer-Encoding";
    let lengths = "malformed request: more than one Content-Length";
    for line in [
        "transfer-encoding: gzip",
        "transfer-encoding: identity",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding:",
    ] {
        assert_refused(&server, &[(&coded("1.1", line), &[501], UNKNOWN)]).await;
    }
    for (line, detail) in [
        ("transfer-encoding: chunked\r\ncontent-length: 5", both),
        ("content-length: 5\r\ntransfer-encoding: chunked", both),
        ("Content-Length: 5\r\ncontent-length: 5", lengths),
        ("content-length: 0\r\ncontent-length: 40", lengths),
        ("content-length: 5, 5", "malformed request: Content-Length is no number"),
        ("content-length: -1", "malformed request: Content-Length is no number"),
        ("content-length: 0x5", "malformed request: Content-Length is no number"),
        ("content-length: ", "malformed request: "),
        ("content-length: 99999999999999999999999", "malformed request: "),
        ("transfer-encoding : chunked", "malformed request: "),
        (" transfer-encoding: chunked", "malformed request: "),
        ("transfer-encoding: chunked\0", "malformed request: "),
    ] {
        assert_refused(&server, &[(&coded("1.1", line), &[400], detail)]).await;
    }
    // HTTP/1.0 has no transfer codings.
    assert_refused(&server, &[(&coded("1.0", "transfer-encoding: chunked"), &[400], "")]).await;
}

#[tokio::test]
async fn clients_can_read_the_refusal_of_an_oversized_head() {
    let server = server_with_short_timeouts().await;
    let start = "GET /a HTTP/1.1\r\nhost: x\r\n";
    let huge = "y".repeat(1 << 20);
    assert_refused(
        &server,
        &[
            (&format!("{start}a: {huge}\r\n\r\n"), &[431], "the head is too large"),
            (&format!("{start}{huge}: b\r\n\r\n"), &[431], "the head is too large"),
            (&format!("GET /{huge} HTTP/1.1\r\n\r\n"), &[414], "the request target is too long"),
            (&huge, &[414], "the request target is too long"),
            (
                &(start.to_owned() + &"a: b\r\n".repeat(300) + "\r\n"),
                &[431],
                "too many header lines",
            ),
            (&"\r\n".repeat(1 << 19), &[431], "the head is too large"),
        ],
    )
    .await;
}

#[tokio::test]
async fn bare_line_endings_are_accepted_or_refused() {
    let server = server_with_short_timeouts().await;
    // A bare LF ends a line (RFC 9112 §2.2), so that what follows is a header of its own.
    assert_refused(
        &server,
        &[
            ("GET /a HTTP/1.1\nhost: x\nconnection: close\n\n", &[404], ""),
            ("GET /a HTTP/1.1\r\na: b\nhost: x\nconnection: close\r\n\r\n", &[404], ""),
            (
                "GET /a HTTP/1.1\nhost: x\nhost: y\n\n",
                &[400],
                "malformed request: more than one Host",
            ),
            ("GET /a\rb HTTP/1.1\r\nhost: x\r\n\r\n", &[400], "malformed request: "),
            ("GET /a HTTP/1.1\rhost: x\r\n\r\n", &[400], "malformed request: "),
            ("\rGET /a HTTP/1.1\r\nhost: x\r\n\r\n", &[400], "malformed request: "),
        ],
    )
    .await;
}

#[tokio::test]
async fn endless_requests_time_out() {
    let limits = Limits { head: Duration::from_millis(300), ..Limits::default() };
    let store = Store { reads: 1, ..Store::default() };
    let server = server(Config { limits, store, ..config() }, Scripted::open()).await;
    for bytes in ["", "G", "GET /a HTTP/1.1\r\nhost: x\r\n"] {
        let refusal = "the request did not arrive in time";
        assert_refused(&server, &[(bytes, &[408], refusal)]).await;
    }
    // Answered before the body.
    let cut = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhi";
    let mut client = Client::connect(server.addresses[0]).await;
    client.send(cut.as_bytes()).await;
    assert_eq!(client.response(false).await.unwrap().status, 405);
    assert!(client.is_closed().await);
}
