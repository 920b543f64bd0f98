//! The metrics of closed connections and of refused requests.

use crate::support::client::Client;
use crate::support::scripted::Scripted;
use crate::support::{config, eventually, server};
use aqs_proxy::config::Config;
use aqs_proxy::net::{Limits, max_rejections};
use aqs_proxy::server::Server;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DATA: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";

async fn limited(limits: Limits) -> Server {
    server(Config { limits, ..config() }, Scripted::open()).await
}

fn ended(server: &Server, reason: &str) -> u64 {
    server.components.metrics.connections_ended.with_label_values(&["public", reason]).get()
}

/// Waits until one connection has closed for this reason, and asserts that none has for another.
async fn one_ended(server: &Server, reason: &str) {
    eventually(|| ended(server, reason) == 1).await;
    let all = ["client", "idle", "request-timeout", "write-timeout", "requests", "refused", "cut"];
    let sum: u64 = all.iter().map(|reason| ended(server, reason)).sum();
    assert_eq!(sum, 1, "another than {reason}");
}

#[tokio::test]
async fn closes_by_the_client_are_counted_as_such() {
    let server = limited(Limits::default()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    assert_eq!(client.get(DATA).await.status, 200);
    drop(client);
    one_ended(&server, "client").await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.request("GET", DATA.as_bytes(), &[("connection", "close")]).await;
    drop(client);
    eventually(|| ended(&server, "client") == 2).await;
}

#[tokio::test]
async fn limits_that_end_connections_are_counted() {
    let moment = Duration::from_millis(1);
    let requests = limited(Limits { requests: 1, ..Limits::default() }).await;
    assert_eq!(Client::connect(requests.addresses[0]).await.get(DATA).await.status, 200);
    one_ended(&requests, "requests").await;

    let idle = limited(Limits { idle: moment, ..Limits::default() }).await;
    let mut client = Client::connect(idle.addresses[0]).await;
    assert_eq!(client.get(DATA).await.status, 200);
    assert!(client.is_closed().await);
    drop(client);
    one_ended(&idle, "idle").await;

    let head = limited(Limits { head: moment, ..Limits::default() }).await;
    assert_eq!(Client::connect(head.addresses[0]).await.response(false).await.unwrap().status, 408);
    one_ended(&head, "request-timeout").await;

    let refused = limited(Limits::default()).await;
    let mut client = Client::connect(refused.addresses[0]).await;
    client.send(b"nonsense\r\n\r\n").await;
    assert_eq!(client.response(false).await.unwrap().status, 400);
    drop(client);
    one_ended(&refused, "refused").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn write_timeouts_are_counted() {
    let server = limited(Limits { write: Duration::from_millis(50), ..Limits::default() }).await;
    let mut stalled = TcpStream::connect(server.addresses[0]).await.unwrap();
    let writing = tokio::spawn(async move {
        let many = format!("GET {DATA} HTTP/1.1\r\nhost: x\r\n\r\n").repeat(1000);
        while stalled.write_all(many.as_bytes()).await.is_ok() {}
    });
    one_ended(&server, "write-timeout").await;
    writing.abort();
}

async fn metrics(server: &Server) -> String {
    Client::connect(server.admin_addresses[0]).await.get("/metrics").await.text().to_owned()
}

#[tokio::test]
async fn refused_bodies_count_as_requests_and_refused_heads_do_not() {
    let server = limited(Limits { body_bytes: 10, ..Limits::default() }).await;
    for (bytes, status) in [
        ("POST /a HTTP/1.1\r\nhost: x\r\nexpect: tea\r\ncontent-length: 3\r\n\r\n", 417),
        ("PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n01234567890123456789", 413),
        ("DELETE /a HTTP/1.1\r\nhost: x\r\n\r\n", 405),
        ("BREW /a HTTP/1.1\r\nhost: x\r\n\r\n", 405),
        ("GET / HTTP/2.0\r\nhost: x\r\n\r\n", 505),
    ] {
        let mut client = Client::connect(server.addresses[0]).await;
        client.send(bytes.as_bytes()).await;
        assert_eq!(client.response(false).await.unwrap().status, status, "{bytes:?}");
    }
    // A response is sent before it is counted.
    let counted = "http_requests_total{code=\"405\",method=\"unknown\"} 1";
    let mut page = String::new();
    while !page.contains(counted) {
        page = metrics(&server).await;
    }
    for line in [
        "http_requests_total{code=\"417\",method=\"post\"} 1",
        "http_requests_total{code=\"413\",method=\"put\"} 1",
        "http_requests_total{code=\"405\",method=\"delete\"} 1",
        "aqs_requests_total{cache=\"generated\",endpoint=\"none\",status=\"413\"} 1",
        "aqs_refused_heads_total{status=\"505\"} 1",
    ] {
        assert!(page.lines().any(|held| held == line), "{line} is not in\n{page}");
    }
    assert!(!page.contains("http_requests_total{code=\"505\""), "{page}");
    assert!(!page.contains("aqs_refused_heads_total{status=\"417\""), "{page}");
}

/// Reads to the end; returns whether there was a response.
async fn gets_a_response(mut client: TcpStream) -> bool {
    let mut text = Vec::new();
    // A reset is an end too.
    let _ = client.read_to_end(&mut text).await;
    assert!(text.is_empty() || text.starts_with(b"HTTP/1.1 503"));
    !text.is_empty()
}

#[tokio::test]
async fn the_number_of_concurrent_rejections_is_limited() {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    // Listeners share the limit.
    let limits = Limits { connections: 2, ..Limits::default() };
    let config = Config { listen: Some(vec![free, free]), limits, ..config() };
    let server = server(config, Scripted::open()).await;
    let mut held = Vec::new();
    for address in &server.addresses {
        let mut client = Client::connect(*address).await;
        assert_eq!(client.get(DATA).await.status, 200);
        held.push(client);
    }
    let address = server.addresses[1];
    // All connect while nothing else runs, and stay open until all were accepted.
    let many = 4 * max_rejections(1);
    let connect = |_| std::net::TcpStream::connect(address).unwrap();
    let clients: Vec<_> = (0..many).map(connect).collect();
    let rejected = server.components.metrics.connections_refused.with_label_values(&["public"]);
    eventually(|| rejected.get() == many as u64).await;
    let mut responses = 0;
    for client in clients {
        client.set_nonblocking(true).unwrap();
        responses += u64::from(gets_a_response(TcpStream::from_std(client).unwrap()).await);
    }
    assert!((1..many as u64).contains(&responses), "{responses} of {many}");
    // They are counted as requests.
    let line = format!("http_requests_total{{code=\"503\",method=\"unknown\"}} {responses}");
    let page = metrics(&server).await;
    assert!(page.lines().any(|held| held == line), "{line} is not in\n{page}");
    drop(held);
}
