//! Draining: requests that were sent before the close of their connection are answered.

use crate::support::client::Client;
use crate::support::scripted::Scripted;
use crate::support::{config, eventually, server};
use aqs_origin::memory_budget::Consumer;
use aqs_proxy::config::Config;
use aqs_proxy::net::Limits;
use aqs_proxy::server::Server;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: usize = 200;
/// Longer than any test takes: nothing ends by this timeout.
const LONG_TIMEOUT: Duration = Duration::from_secs(3600);

/// The next request of a client: a repeated one, a new one, or one that is not found.
fn target(client: usize, number: usize) -> (String, u16) {
    match (client + number) % 4 {
        0 => (format!("/metrics/nothing/{client}/{number}"), 404),
        1 => (devices(&format!("p{client}.n{number}")), 200),
        _ => (devices("en.wikipedia"), 200),
    }
}

fn devices(project: &str) -> String {
    format!("/metrics/unique-devices/{project}/all-sites/daily/20240101/20240131")
}

/// Sends requests one after the other until a response closes the connection. Each must get its own
/// complete response.
async fn request_until_closed(address: SocketAddr, client: usize, answered: Arc<AtomicUsize>) {
    let mut connection = Client::connect(address).await;
    for number in 0.. {
        let (target, status) = target(client, number);
        let response = connection.get(&target).await;
        assert_eq!(response.status, status, "{target}");
        match status {
            200 => assert_eq!(response.json()["items"][0]["devices"], 1, "{target}"),
            _ => assert_eq!(response.json()["uri"], target),
        }
        answered.fetch_add(1, Ordering::Relaxed);
        if response.header("connection") == Some("close") {
            assert!(connection.is_closed().await, "more than an answer");
            return;
        }
        // Some pause: their connections are idle when the drain begins.
        if client.is_multiple_of(3) {
            tokio::time::sleep(Duration::from_millis(client as u64 % 30)).await;
        }
    }
}

/// No timeout ends a connection: only a drain does.
async fn server_with_long_deadlines() -> Server {
    let limits = Limits {
        drain_idle: LONG_TIMEOUT,
        head: LONG_TIMEOUT,
        drain: LONG_TIMEOUT,
        ..Limits::default()
    };
    let store = Scripted::open();
    store.jitters.store(true, Ordering::SeqCst);
    server(Config { limits, ..config() }, store).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_under_load_fails_no_request() {
    let mut took = Vec::new();
    for round in 0..10 {
        let server = server_with_long_deadlines().await;
        let components = server.components.clone();
        let answered = Arc::new(AtomicUsize::new(0));
        let ask = |client| {
            tokio::spawn(request_until_closed(server.addresses[0], client, Arc::clone(&answered)))
        };
        let clients: Vec<_> = (0..CLIENTS).map(ask).collect();
        // At a different moment in each round.
        eventually(|| answered.load(Ordering::Relaxed) > CLIENTS * 3 + round * 97).await;
        let begun = Instant::now();
        assert!(server.drain().await, "round {round}: a connection was cut");
        took.push(begun.elapsed());
        for client in clients {
            client.await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        assert_eq!(components.metrics.connections.with_label_values(&["public"]).get(), 0);
        assert!(
            components.tasks.is_empty() && components.service.misses.responses.under_way() == 0
        );
    }
    took.sort();
    println!("drained under load, median of {}: {:?}", took.len(), took[took.len() / 2]);
}

#[tokio::test]
async fn pipelined_requests_are_answered_during_a_drain() {
    let store = Scripted::gated();
    let limits = Limits { drain: LONG_TIMEOUT, ..Limits::default() };
    let config = Config { limits, answer_within: LONG_TIMEOUT, ..config() };
    let server = server(config, store.clone()).await;
    let components = server.components.clone();
    let mut client = Client::connect(server.addresses[0]).await;
    // When the drain begins, the first waits for the store and the others wait behind it.
    let mut heads = format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", devices("en.wikipedia"));
    heads.push_str("POST /b HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi");
    for number in 0..9 {
        heads.push_str(&format!("GET /nothing/{number} HTTP/1.1\r\nhost: x\r\n\r\n"));
    }
    client.send(heads.as_bytes()).await;
    eventually(|| components.service.misses.responses.under_way() == 1).await;
    let drained = tokio::spawn(server.drain());
    eventually(|| !components.readiness.missing().is_empty()).await;
    store.let_all_pass();
    for (number, status) in [200, 405].into_iter().chain([404; 9]).enumerate() {
        let response = client.response(false).await.unwrap();
        let closes = (number == 10).then_some("close");
        assert_eq!((response.status, response.header("connection")), (status, closes), "{number}");
    }
    assert!(client.is_closed().await);
    drop(client);
    assert!(drained.await.unwrap());
}

#[tokio::test]
async fn an_idle_connection_may_send_a_last_request() {
    let limits = Limits {
        drain_idle: LONG_TIMEOUT,
        idle: LONG_TIMEOUT,
        drain: LONG_TIMEOUT,
        ..Limits::default()
    };
    let config = Config { limits, ..config() };
    let server = server(config, Scripted::open()).await;
    let components = server.components.clone();
    let mut client = Client::connect(server.addresses[0]).await;
    assert_eq!(client.get("/a").await.header("connection"), None);
    let drained = tokio::spawn(server.drain());
    eventually(|| !components.readiness.missing().is_empty()).await;
    let last = client.get("/a").await;
    assert_eq!((last.status, last.header("connection")), (404, Some("close")));
    assert!(client.is_closed().await);
    drop(client);
    assert!(drained.await.unwrap());
}

#[tokio::test]
async fn idle_connections_are_closed_by_a_drain() {
    let limits = Limits {
        drain_idle: Duration::from_millis(1),
        idle: LONG_TIMEOUT,
        drain: LONG_TIMEOUT,
        ..Limits::default()
    };
    let config = Config { limits, ..config() };
    let server = server(config, Scripted::open()).await;
    let components = server.components.clone();
    let mut client = Client::connect(server.addresses[0]).await;
    assert_eq!(client.get("/a").await.header("connection"), None);
    let drained = tokio::spawn(server.drain());
    assert!(client.is_closed().await);
    drop(client);
    assert!(drained.await.unwrap());
    let ended = &components.metrics.connections_ended;
    assert_eq!(ended.with_label_values(&["public", "drain"]).get(), 1);
}

#[tokio::test]
async fn the_drain_delay_accepts_connections_while_unready() {
    let limits =
        Limits { drain_delay: Some(LONG_TIMEOUT), drain: LONG_TIMEOUT, ..Limits::default() };
    let config = Config { limits, ..config() };
    let server = server(config, Scripted::open()).await;
    let (address, admin) = (server.addresses[0], server.admin_addresses[0]);
    let components = server.components.clone();
    let (background, delay_over) = (server.background_tasks(), server.skip_drain_delay());
    assert_eq!(Client::connect(admin).await.get("/readyz").await.status, 200);
    assert!(!background.is_empty());
    let drained = tokio::spawn(server.drain());
    eventually(|| !components.readiness.missing().is_empty()).await;
    // Not ready, but new connections are served.
    assert_eq!(Client::connect(admin).await.get("/readyz").await.status, 503);
    let served = Client::connect(address).await.get(&devices("en.wikipedia")).await;
    assert_eq!((served.status, served.header("connection")), (200, Some("close")));
    assert!(!drained.is_finished(), "the drain delay is over");
    delay_over.cancel();
    assert!(drained.await.unwrap());
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "still accepting");
    assert!(
        tokio::net::TcpStream::connect(admin).await.is_err(),
        "still accepting admin connections"
    );
    assert!(background.is_empty() && components.tasks.is_empty(), "a task is left");
}

#[tokio::test]
async fn connections_are_aborted_at_the_drain_deadline() {
    let drain = Duration::from_millis(300);
    let limits = Limits { write: LONG_TIMEOUT, head: LONG_TIMEOUT, drain, ..Limits::default() };
    let store = Scripted::gated();
    let server = server(Config { limits, ..config() }, store.clone()).await;
    let components = server.components.clone();
    let mut waits = Client::connect(server.addresses[0]).await;
    waits.send(format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", devices("a")).as_bytes()).await;
    let mut halfway = Client::connect(server.addresses[0]).await;
    halfway.send(b"GET / HTTP/1.1\r\n").await;
    eventually(|| components.service.misses.responses.under_way() == 1).await;
    assert!(!server.drain().await, "the store never answered");
    assert!(waits.is_closed().await && halfway.is_closed().await);
    let metrics = &components.metrics;
    assert_eq!(metrics.connections_ended.with_label_values(&["public", "cut"]).get(), 2);
    assert_eq!(metrics.connections.with_label_values(&["public"]).get(), 0);
    assert_eq!(components.origin.budget.used(Consumer::Connections), 0);
}

/// Reconnects after each close until connections are refused. Each accepted connection is served.
async fn reconnect_until_refused(address: SocketAddr, client: usize, served: Arc<AtomicUsize>) {
    while let Some(mut connection) = Client::try_connect(address).await {
        for number in 0.. {
            let (target, status) = target(client, number);
            let response = connection.get(&target).await;
            assert_eq!(response.status, status, "{target}");
            served.fetch_add(1, Ordering::Relaxed);
            if response.header("connection") == Some("close") {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_accepted_connection_is_reset_by_a_drain() {
    for round in 0..3 {
        let server = server_with_long_deadlines().await;
        let served = Arc::new(AtomicUsize::new(0));
        let come = |client| {
            let served = Arc::clone(&served);
            tokio::spawn(reconnect_until_refused(server.addresses[0], client, served))
        };
        let clients: Vec<_> = (0..CLIENTS).map(come).collect();
        eventually(|| served.load(Ordering::Relaxed) > CLIENTS).await;
        assert!(server.drain().await, "round {round}: a connection was cut");
        for client in clients {
            client.await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
    }
}
