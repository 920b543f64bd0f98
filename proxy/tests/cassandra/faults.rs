//! Faults of a node and of its connection: what clients get, and that no resource leaks.

use crate::node::Node;
use crate::relay::{Mode, Relay};
use crate::rows::{insert, run};
use crate::service::{get, start, start_ready, wait_for, wait_for_status};
use crate::support::client::Response;
use crate::support::{catalogue, eventually};
use aqs_api::Target;
use aqs_api::table::DOMAIN;
use aqs_api::tables::UNIQUE_DEVICES;
use aqs_origin::store::cassandra::{Options, cql};
use aqs_origin::{Priority, RequestContext};
use aqs_proxy::server::Server;
use scylla_proxy::{
    Condition, Node as Proxied, Proxy, Reaction, RequestOpcode, RequestReaction, RequestRule,
    RunningProxy, ShardAwareness,
};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const CACHED: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240102";
const ROW: &str = r#"{"project":"en.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"20240101","devices":3}"#;

/// A server over an address that forwards to the node, with one answer cached.
async fn server_over(node: &Node, address: SocketAddr) -> Server {
    let options = Options {
        hosts: vec![address.to_string()],
        read_within: Duration::from_secs(2),
        // The tests are about timeouts, not about lost heartbeats.
        keep_alive: None,
        ..node.options()
    };
    let server = start_ready(options).await;
    assert_eq!(get(server.addresses[0], CACHED).await.status, 200);
    server
}

async fn insert_row(node: &Node) {
    let session = node.with_empty_tables().await;
    insert(&session, &UNIQUE_DEVICES, ROW).await;
}

/// A target that has data; each case has its own.
fn target(case: usize, number: usize) -> String {
    CACHED.replace("20240101/", &format!("{}01{:02}/", 2000 + case, 1 + number))
}

/// Many clients request the same and other targets at once.
async fn get_all(server: &Server, case: usize, statuses: &[u16]) -> Vec<Response> {
    let address = server.addresses[0];
    let request = |number: usize| {
        let target = target(case, number % 10);
        tokio::spawn(async move { get(address, &target).await })
    };
    let requests: Vec<_> = (0..20).map(request).collect();
    let mut answers = Vec::new();
    for request in requests {
        let answer = request.await.unwrap();
        assert!(statuses.contains(&answer.status), "{}: {}", answer.status, answer.text());
        answers.push(answer);
    }
    // Cached answers are served all the time.
    assert_eq!(get(address, CACHED).await.status, 200);
    answers
}

/// Waits until it answers again, with no waiters and no tasks but the permanent ones.
async fn recovers(server: &Server, case: usize) {
    wait_for_status(server.addresses[0], &target(case, 20), 200).await;
    let components = &server.components;
    eventually(|| {
        let mut text = String::new();
        prometheus::TextEncoder::new()
            .encode_utf8(&components.registry.gather(), &mut text)
            .unwrap();
        let level = |gauge: &str| {
            let mut lines = text.lines().filter_map(|line| line.strip_prefix(gauge));
            lines.find_map(|level| level.trim().parse::<u64>().ok()).expect(gauge)
        };
        components.tasks.is_empty() && GAUGES.iter().all(|gauge| level(gauge) == 0)
    })
    .await;
}

/// The number of all tasks.
fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Gauges that are zero while nothing is requested.
const GAUGES: [&str; 6] = [
    r#"aqs_connections{listener="public"}"#,
    r#"aqs_singleflight_in_flight{kind="key"}"#,
    r#"aqs_singleflight_in_flight{kind="lookup"}"#,
    r#"aqs_singleflight_waiters{kind="key"}"#,
    r#"aqs_singleflight_waiters{kind="lookup"}"#,
    r#"aqs_store_queue{store="cassandra"}"#,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn a_bad_connection_fails_requests_and_leaves_nothing_behind() {
    let node = Node::from_env().await;
    insert_row(&node).await;
    let relay = Relay::start(&node.address).await;
    let server = server_over(&node, relay.address).await;
    // Waits for the end of what the start and its clients began.
    recovers(&server, 9).await;
    let (connections, tasks) = (relay.connections(), alive());
    let lines: [(Mode, &[u16]); 4] = [
        (Mode::Reset, &[503]),
        (Mode::Truncate, &[503]),
        (Mode::Silent, &[504]),
        (Mode::Slow, &[200, 504]),
    ];
    for (case, (line, statuses)) in lines.into_iter().enumerate() {
        relay.set_mode(line);
        let answers = get_all(&server, case, statuses).await;
        for answer in answers.iter().filter(|answer| answer.status >= 500) {
            assert!(!answer.text().contains("127.0.0.1"), "{line:?}: {}", answer.text());
        }
        relay.set_mode(Mode::Forward);
        recovers(&server, case).await;
        // No connection of the driver and no task is left.
        eventually(|| relay.connections() == connections && alive() <= tasks).await;
    }
    assert!(server.drain().await, "connections were left");
    eventually(|| relay.connections() == 0).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn errors_of_a_node_have_their_statuses() {
    let node = Node::from_env().await;
    insert_row(&node).await;
    let (address, mut proxy) = proxy_for(&node).await;
    let server = server_over(&node, address).await;
    let forge = RequestReaction::forge;
    let reactions = [
        ("overloaded", forge().overloaded(), 503),
        ("unavailable", forge().unavailable(), 503),
        ("is bootstrapping", forge().is_bootstrapping(), 503),
        ("connection dropped", RequestReaction::drop_connection(), 503),
        ("read timeout", forge().read_timeout(), 504),
        ("no answer", RequestReaction::drop_frame(), 504),
        ("server error", forge().server_error(), 500),
        ("read failure", forge().read_failure(), 500),
    ];
    for (case, (name, reaction, status)) in reactions.into_iter().enumerate() {
        proxy.running_nodes[0].change_request_rules(Some(vec![RequestRule(reads(), reaction)]));
        for answer in get_all(&server, case, &[status]).await {
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("(request "), "{name}: {detail}");
            for inside in ["127.0.0.1", "cassandra", "unique", "Proxy"] {
                assert!(!detail.contains(inside), "{name}: {detail}");
            }
            assert_eq!(answer.header("retry-after").is_some(), status == 503, "{name}");
        }
        proxy.running_nodes[0].change_request_rules(None);
        recovers(&server, case).await;
    }
    assert!(server.drain().await, "connections were left");
    // It ends with the runtime: `finish` panics if a worker is late with its error log.
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn a_store_that_cannot_read_is_not_ready() {
    let node = Node::from_env().await;
    insert_row(&node).await;
    let (address, mut proxy) = proxy_for(&node).await;
    // The schema can be read.
    let of_tables = Condition::BodyContainsCaseSensitive(DOMAIN.as_bytes().into());
    let broken = RequestRule(reads().and(of_tables), RequestReaction::forge().server_error());
    proxy.running_nodes[0].change_request_rules(Some(vec![broken]));
    // A table that counts as empty is no answer of a node.
    let session = node.session().await;
    let keyspace = cql::quote(&cql::keyspace(&UNIQUE_DEVICES));
    run(&session, &format!("DROP KEYSPACE {keyspace}")).await;
    let absent = vec![UNIQUE_DEVICES.name.to_owned()];
    let options = Options { hosts: vec![address.to_string()], absent, ..node.options() };
    let server = start(options).await;
    let page = wait_for(server.admin_addresses[0], "/readyz", |page| {
        page.text().contains("failed to probe its coverage")
    });
    assert_eq!(page.await.status, 503);
    // Longer than it would take to be known.
    let known =
        tokio::time::timeout(Duration::from_secs(2), server.components.origin.known()).await;
    assert!(known.is_err(), "the coverage counts as known though no probe was answered");
    proxy.running_nodes[0].change_request_rules(None);
    wait_for_status(server.admin_addresses[0], "/readyz", 200).await;
    assert!(server.drain().await, "connections were left");
}

/// It may be slow because of too many requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn a_single_slow_node_gets_one_request() {
    let node = Node::from_env().await;
    insert_row(&node).await;
    let (address, mut proxy) = proxy_for(&node).await;
    let server = server_over(&node, address).await;
    let (feedback, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let of_rows = reads().and(Condition::BodyContainsCaseSensitive(b"en.wikipedia"[..].into()));
    let lost = RequestReaction::drop_frame().with_feedback_when_performed(feedback);
    proxy.running_nodes[0].change_request_rules(Some(vec![RequestRule(of_rows, lost)]));
    assert_eq!(get(server.addresses[0], &target(0, 0)).await.status, 504);
    assert!(requests.try_recv().is_ok(), "the node got no request");
    assert!(requests.try_recv().is_err(), "the node got more than one request");

    // The log names the node.
    let target = target(0, 1);
    let query = catalogue().resolve(Target::parse(&target).unwrap()).unwrap();
    let ctx = RequestContext::new(Instant::now() + Duration::from_secs(10), Priority::Live, 0);
    let error = server.components.origin.answer(&query, &ctx).await.unwrap_err().error.to_string();
    assert!(error.contains(&format!("no answer in time from {address}")), "{error}");
    proxy.running_nodes[0].change_request_rules(None);
    recovers(&server, 0).await;
    assert!(server.drain().await, "connections were left");
}

/// A proxy on the level of frames, on a free port.
async fn proxy_for(node: &Node) -> (SocketAddr, RunningProxy) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let proxied = behind(address, node.address.parse().unwrap());
    (address, Proxy::new([proxied]).run().await.unwrap())
}

/// A node behind a proxy.
pub(crate) fn behind(address: SocketAddr, node: SocketAddr) -> Proxied {
    Proxied::builder()
        .real_address(node)
        .proxy_address(address)
        .shard_awareness(ShardAwareness::Unaware)
        .build()
}

/// Reads of tables; requests of the driver itself pass.
pub(crate) fn reads() -> Condition {
    Condition::RequestOpcode(RequestOpcode::Execute)
        .and(Condition::not(Condition::ConnectionRegisteredAnyEvent))
}
