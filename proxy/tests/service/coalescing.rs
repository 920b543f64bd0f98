//! Concurrent requests for the same data share one read of the store.

use crate::support::client::Client;
use crate::support::scripted::{Behaviour, Scripted};
use crate::support::{config, eventually, server};
use aqs_api::Target;
use aqs_origin::memory_budget::Consumer;
use aqs_origin::singleflight::SingleflightLimits;
use aqs_origin::{Priority, RequestContext};
use aqs_proxy::config::Config;
use aqs_proxy::net::Limits;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const TARGET: &str =
    "/metrics/pageviews/aggregate/en.wikipedia/all-access/user/daily/20240101/20240131";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_clients_share_one_read_after_its_leader_disconnects() {
    let store = Scripted::gated();
    let server = server(without_deadlines(), store.clone()).await;
    let mut first = Client::connect(server.addresses[0]).await;
    first.send(format!("GET {TARGET} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    eventually(|| store.reads() == 1).await;
    let mut others = Vec::new();
    for _ in 0..499 {
        let mut client = Client::connect(server.addresses[0]).await;
        others.push(tokio::spawn(async move { client.get(TARGET).await }));
    }
    eventually(|| server.components.service.misses.responses.waiting() == 500).await;
    drop(first);
    // Immediately, not at its deadline.
    let connections = server.components.metrics.connections.with_label_values(&["public"]);
    eventually(|| {
        server.components.service.misses.responses.waiting() == 499 && connections.get() == 499
    })
    .await;
    store.let_all_pass();
    let mut bodies = Vec::new();
    for other in others {
        let response = other.await.unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(response.header("cache-status"), Some("aqs; fwd=miss; collapsed"));
        bodies.push(response.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(store.reads(), 1);
    assert_eq!(server.components.service.lookup.cache.len(), 1);
    eventually(|| {
        server.components.service.misses.responses.waiting() == 0
            && server.components.service.misses.responses.under_way() == 0
    })
    .await;
}

/// A configuration whose deadlines no test reaches.
fn without_deadlines() -> Config {
    let hour = Duration::from_secs(3600);
    let flights = SingleflightLimits { timeout: hour, ..SingleflightLimits::default() };
    Config { flights, answer_within: hour, ..config() }
}

#[tokio::test]
async fn a_client_that_disconnects_during_a_miss_frees_its_resources() {
    let store = Scripted::gated();
    let mut config = without_deadlines();
    config.limits.connections = 1;
    let server = server(config, store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.send(format!("GET {TARGET} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    eventually(|| store.reads() == 1).await;
    drop(client);
    let components = &server.components;
    let connections = components.metrics.connections.with_label_values(&["public"]);
    eventually(|| connections.get() == 0 && components.service.misses.responses.waiting() == 0)
        .await;
    assert_eq!(components.origin.budget.used(Consumer::Connections), 0);
    let abandoned = r#"aqs_requests_total{cache="generated",endpoint="none",status="499"}"#;
    assert_eq!(metric(&server, abandoned), 1);
    // The read goes on in a task, and its answer is stored.
    assert_eq!((components.service.misses.responses.under_way(), components.tasks.len()), (1, 1));
    store.let_all_pass();
    eventually(|| components.service.lookup.cache.len() == 1 && components.tasks.is_empty()).await;
    // The one connection is free.
    let hit = Client::connect(server.addresses[0]).await.get(TARGET).await;
    assert!(hit.header("cache-status").unwrap().starts_with("aqs; hit;"));
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn a_client_that_disconnects_behind_many_pipelined_requests_is_noticed() {
    let store = Scripted::gated();
    let server = server(without_deadlines(), store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.send(format!("GET {TARGET} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    eventually(|| store.reads() == 1).await;
    // More than the server reads ahead.
    let next = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    client.send(next.repeat(2 * Limits::default().head_bytes / next.len()).as_bytes()).await;
    drop(client);
    let components = &server.components;
    let connections = components.metrics.connections.with_label_values(&["public"]);
    eventually(|| connections.get() == 0).await;
    assert_eq!(components.service.misses.responses.waiting(), 0);
    store.let_all_pass();
}

#[tokio::test]
async fn requests_that_arrive_during_a_miss_are_answered_after_it() {
    let store = Scripted::gated();
    let server = server(without_deadlines(), store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.send(format!("GET {TARGET} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    eventually(|| store.reads() == 1).await;
    // Far more than a connection buffers, with a body among them.
    let long = "x".repeat(1000);
    for number in 0..100 {
        let request = match number {
            7 => format!("POST /{number} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi"),
            _ => format!("GET /{number} HTTP/1.1\r\nhost: x\r\na: {long}\r\n\r\n"),
        };
        client.send(request.as_bytes()).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    store.let_all_pass();
    assert_eq!(client.response(false).await.unwrap().status, 200);
    for number in 0..100 {
        let response = client.response(false).await.unwrap();
        assert_eq!(response.json()["uri"], format!("/{number}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_of_an_article_share_one_read() {
    let store = Scripted::gated();
    let server = server(config(), store.clone()).await;
    let ask = |agent: &str, granularity: &str| {
        let target = format!(
            "/metrics/pageviews/per-article/en.wikipedia/all-access/{agent}/Cat/{granularity}/20240101/20240131"
        );
        let address = server.addresses[0];
        tokio::spawn(async move { Client::connect(address).await.get(&target).await })
    };
    let requests = [ask("user", "daily"), ask("spider", "daily"), ask("user", "monthly")];
    eventually(|| server.components.service.misses.responses.waiting() == 3).await;
    eventually(|| store.reads() == 1).await;
    store.let_all_pass();
    for response in requests {
        assert_eq!(response.await.unwrap().status, 200);
    }
    assert_eq!(store.reads(), 1);
    assert_eq!(server.components.service.lookup.cache.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_request_raises_the_priority_of_a_warming_read() {
    let store = Scripted::gated();
    let server = server(config(), store.clone()).await;
    let query =
        server.components.origin.catalogue().resolve(Target::parse(TARGET).unwrap()).unwrap();
    let origin = server.components.origin.clone();
    let warming = tokio::spawn(async move {
        let ctx = RequestContext::new(Instant::now() + Duration::from_secs(60), Priority::Warm, 1);
        origin.answer(&query, &ctx).await.map(drop)
    });
    eventually(|| store.reads() == 1).await;
    let address = server.addresses[0];
    let client = tokio::spawn(async move { Client::connect(address).await.get(TARGET).await });
    eventually(|| server.components.service.misses.responses.waiting() == 1).await;
    // The client's own flight has joined the warmer's lookup.
    eventually(|| metric(&server, "aqs_singleflight_waiters{kind=\"lookup\"}") == 2).await;
    store.let_all_pass();
    assert_eq!(client.await.unwrap().status, 200);
    assert!(warming.await.unwrap().is_ok());
    assert_eq!(store.reads(), 1);
    assert_eq!(*store.priorities.lock().unwrap(), [Priority::Live]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_beyond_the_limit_are_rejected() {
    let store = Scripted::gated();
    let flights = SingleflightLimits { waiters_per_flight: 3, ..SingleflightLimits::default() };
    let server = server(Config { flights, ..config() }, store.clone()).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let address = server.addresses[0];
        waiting.push(tokio::spawn(async move { Client::connect(address).await.get(TARGET).await }));
    }
    eventually(|| server.components.service.misses.responses.waiting() == 3).await;
    let refused = Client::connect(server.addresses[0]).await.get(TARGET).await;
    assert_eq!(refused.status, 503);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    store.let_all_pass();
    for response in waiting {
        assert_eq!(response.await.unwrap().status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_requests_start_no_read() {
    let store = Scripted::gated();
    let flights = SingleflightLimits { waiters: 3, ..SingleflightLimits::default() };
    let server = server(Config { flights, ..config() }, store.clone()).await;
    let target = |number: usize| TARGET.replace("en.", &format!("p{number}."));
    let mut waiting = Vec::new();
    for number in 0..3 {
        let (address, target) = (server.addresses[0], target(number));
        waiting
            .push(tokio::spawn(async move { Client::connect(address).await.get(&target).await }));
    }
    eventually(|| store.reads() == 3).await;
    let mut client = Client::connect(server.addresses[0]).await;
    for number in 3..100 {
        assert_eq!(client.get(&target(number)).await.status, 503);
    }
    assert_eq!((store.reads(), server.components.service.misses.responses.under_way()), (3, 3));
    store.let_all_pass();
    for response in waiting {
        assert_eq!(response.await.unwrap().status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_shared_and_not_cached() {
    let store = Scripted::gated();
    store.set_behaviour(Behaviour::Fails);
    let server = server(config(), store.clone()).await;
    let ask = || {
        let address = server.addresses[0];
        tokio::spawn(async move { Client::connect(address).await.get(TARGET).await })
    };
    let requests = [ask(), ask(), ask()];
    eventually(|| server.components.service.misses.responses.waiting() == 3).await;
    store.let_all_pass();
    for response in requests {
        assert_eq!(response.await.unwrap().status, 503);
    }
    assert_eq!(store.reads(), 1);
    store.set_behaviour(Behaviour::Answers);
    assert_eq!(ask().await.unwrap().status, 200);
    assert_eq!(store.reads.load(Ordering::SeqCst), 2);
}

/// The value of a metric's line.
fn metric(server: &aqs_proxy::server::Server, name: &str) -> i64 {
    let mut text = String::new();
    let families = server.components.registry.gather();
    prometheus::TextEncoder::new().encode_utf8(&families, &mut text).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn a_miss_spawns_a_task_only_if_its_client_disconnects() {
    let store = Scripted::gated();
    let answer_within = Duration::from_millis(500);
    let server = server(Config { answer_within, ..config() }, store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    assert_eq!(client.get("/healthz").await.status, 200);
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    client.send(format!("GET {TARGET} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    eventually(|| store.inside.load(Ordering::SeqCst) == 1).await;
    assert_eq!((alive(), server.components.tasks.len()), (before, 0));
    // The answer is stored; one task runs the flights of the key and of its lookup.
    assert_eq!(client.response(false).await.unwrap().status, 504);
    assert_eq!(server.components.tasks.len(), 1);
    store.let_all_pass();
    eventually(|| server.components.tasks.is_empty()).await;
    assert!(client.get(TARGET).await.header("cache-status").unwrap().contains("; hit;"));
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn with_one_waiter_per_flight_only_the_leader_waits() {
    let store = Scripted::gated();
    let flights = SingleflightLimits { waiters_per_flight: 1, ..SingleflightLimits::default() };
    let server = server(Config { flights, ..config() }, store.clone()).await;
    let ask = |agent: &str| {
        let target = format!(
            "/metrics/pageviews/per-article/en.wikipedia/all-access/{agent}/Cat/daily/20240101/20240131"
        );
        let address = server.addresses[0];
        tokio::spawn(async move { Client::connect(address).await.get(&target).await.status })
    };
    // Two answers of one lookup.
    let first = ask("user");
    eventually(|| store.inside.load(Ordering::SeqCst) == 1).await;
    assert_eq!(ask("spider").await.unwrap(), 503);
    store.let_all_pass();
    assert_eq!(first.await.unwrap(), 200);
}
