//! Request ids, traces and the lines of the log.

use crate::support::captured_log::CapturedLog;
use crate::support::client::{Client, Response};
use crate::support::scripted::{Behaviour, Scripted};
use crate::support::{config, eventually, server, server_at};
use aqs_origin::{Clock, Moment};
use aqs_proxy::config::{Config, StateDir};
use aqs_proxy::log::{AccessMode, ClientAddress};
use aqs_proxy::log::{Ecs, filter};
use aqs_proxy::server::Server;
use serde_json::{Value, json};
use std::time::Duration;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

const DATA: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";
const OTHER: &str = "/metrics/unique-devices/de.wikipedia/all-sites/daily/20240101/20240131";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Captures the log of this thread.
struct Log(CapturedLog);

impl Log {
    fn start() -> (Self, DefaultGuard) {
        Self::start_at("info")
    }

    fn start_at(text: &str) -> (Self, DefaultGuard) {
        let captured = CapturedLog::default();
        let ecs = Ecs { service: "aqs".to_owned(), clock: Clock::System };
        let layer =
            tracing_subscriber::fmt::layer().event_format(ecs).with_writer(captured.clone());
        let log = tracing_subscriber::registry().with(filter(text).unwrap()).with(layer);
        (Self(captured), tracing::subscriber::set_default(log))
    }

    fn lines(&self) -> Vec<Value> {
        self.0.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits for this number of access lines: a line is written after its response.
    async fn access(&self, count: usize) -> Vec<Value> {
        let access = || {
            let mut lines = self.lines();
            lines.retain(|line| line["aqs"]["target"] == "access");
            lines
        };
        eventually(|| access().len() >= count).await;
        let lines = access();
        assert_eq!(lines.len(), count, "{lines:?}");
        lines
    }
}

fn with_access(mode: AccessMode) -> Config {
    let mut config = config();
    config.log.access = mode;
    // No request is slow.
    config.log.slow = Duration::from_secs(600);
    config
}

async fn client(server: &Server) -> Client {
    Client::connect(server.addresses[0]).await
}

fn generated_id(response: &Response) -> String {
    let id = response.header("x-request-id").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    id.to_owned()
}

#[tokio::test]
async fn every_response_carries_a_request_id() {
    let server = server(config(), Scripted::open()).await;
    let mut client = client(&server).await;
    let mut ids = Vec::new();
    let any = ("if-none-match", "*");
    for (method, target, headers, status) in [
        ("GET", DATA, &[][..], 200),
        ("GET", DATA, &[], 200),
        ("HEAD", DATA, &[], 200),
        ("GET", DATA, &[any], 304),
        ("OPTIONS", DATA, &[], 204),
        ("GET", "/metrics/nothing", &[], 404),
        ("GET", "/healthz", &[], 200),
        ("DELETE", DATA, &[], 405),
        ("POST", DATA, &[("content-length", "0")], 405),
    ] {
        let response = client.request(method, target.as_bytes(), headers).await;
        assert_eq!(response.status, status, "{method} {target}");
        ids.push(generated_id(&response));
        let named = [headers, &[("X-Request-ID", "mine-1")]].concat();
        let response = client.request(method, target.as_bytes(), &named).await;
        assert_eq!(response.header("x-request-id"), Some("mine-1"), "{method} {target}");
    }
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), ids.len());
    let mut operator = Client::connect(server.admin_addresses[0]).await;
    let response = operator.request("GET", b"/healthz", &[("x-request-id", "mine-2")]).await;
    assert_eq!(response.header("x-request-id"), Some("mine-2"));
}

#[tokio::test]
async fn refused_requests_get_a_request_id() {
    let server = server(config(), Scripted::open()).await;
    let many = "a: b\r\n".repeat(101);
    for (text, status) in [
        (format!("GET / HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\n{many}\r\n"), 431),
        (format!("GET /{} HTTP/1.1\r\n", "x".repeat(9000)), 414),
        ("nonsense\r\n\r\n".to_owned(), 400),
    ] {
        let mut client = client(&server).await;
        client.send(text.as_bytes()).await;
        let response = client.response(false).await.unwrap();
        assert_eq!(response.status, status);
        generated_id(&response);
    }
    // With a head: only its body is refused.
    let mut client = client(&server).await;
    let expects = "POST / HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\nexpect: magic\r\ncontent-length: 3\r\n\r\n";
    client.send(expects.as_bytes()).await;
    let response = client.response(false).await.unwrap();
    assert_eq!((response.status, response.header("x-request-id")), (417, Some("mine")));
}

#[tokio::test]
async fn request_ids_that_need_quoting_are_replaced() {
    let server = server(config(), Scripted::open()).await;
    let mut client = client(&server).await;
    let long = "x".repeat(129);
    for name in ["", "a b", "a\"b", "a,b", "<b>", "{a}", "é", &long] {
        let response = client.request("GET", DATA.as_bytes(), &[("x-request-id", name)]).await;
        generated_id(&response);
    }
    let longest = &long[1..];
    let response = client.request("GET", DATA.as_bytes(), &[("x-request-id", longest)]).await;
    assert_eq!(response.header("x-request-id"), Some(longest));
}

#[tokio::test]
async fn a_failure_has_one_request_id_in_response_and_log() {
    let (log, _guard) = Log::start();
    let store = Scripted::open();
    let server = server(with_access(AccessMode::Off), store.clone()).await;
    let mut client = client(&server).await;
    client.get(OTHER).await;
    store.set_behaviour(Behaviour::Fails);
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let headers = [("x-request-id", "mine-1"), ("traceparent", traceparent.as_str())];
    let response = client.request("GET", DATA.as_bytes(), &headers).await;
    assert_eq!((response.status, response.header("x-request-id")), (503, Some("mine-1")));
    let detail = response.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with("(request mine-1)."), "{detail}");
    // Other requests are not logged.
    let access = log.access(1).await.remove(0);
    assert_eq!(access["http"]["request"]["id"], "mine-1");
    assert_eq!(access["trace"]["id"], TRACE);
    assert_eq!(access["aqs"]["parent_span"], PARENT);
    assert!(access["error"]["message"].as_str().unwrap().contains("scripted"), "{access}");
    assert_eq!(access["http"]["response"]["status_code"], 503);
    assert_eq!(access["url"]["original"], DATA);
    // It is logged once.
    let is_error = |line: &Value| line["log"]["level"] == "ERROR";
    assert_eq!(log.lines().into_iter().filter(is_error).collect::<Vec<_>>(), [access]);
}

#[tokio::test]
async fn a_failure_behind_a_stale_response_is_logged_once() {
    let (log, _guard) = Log::start();
    let store = Scripted::open();
    let clock = Clock::set(Moment(1_790_000_000_000));
    let config = with_access(AccessMode::Off);
    let server = server_at(config, store.clone(), clock.clone()).await;
    let mut client = client(&server).await;
    client.get(DATA).await;
    store.set_behaviour(Behaviour::Fails);
    let headers = [("x-request-id", "mine")];
    for (age, message) in [(10, "a refresh failed"), (120, "a stale answer was served")] {
        clock.advance(Duration::from_secs(60 * age));
        let response = client.request("GET", DATA.as_bytes(), &headers).await;
        assert_eq!(response.status, 200);
        let lines = || {
            let mut lines = log.lines();
            lines.retain(|line| line["message"] == message);
            lines
        };
        eventually(|| !lines().is_empty()).await;
        let [line] = &*lines() else { panic!("{message}: {:?}", lines()) };
        assert_eq!(line["log"]["level"], "WARNING", "{line}");
        assert_eq!(line["http"]["request"]["id"], "mine", "{line}");
        assert!(line["aqs"]["key"].as_str().unwrap().starts_with("/unique-devices/"), "{line}");
        assert!(line["error"]["message"].as_str().unwrap().contains("scripted"), "{line}");
    }
}

#[tokio::test]
async fn the_store_receives_request_id_and_trace() {
    let store = Scripted::open();
    let server = server(config(), store.clone()).await;
    let mut client = client(&server).await;
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let later = format!("cc-{TRACE}-{PARENT}-00-more");
    let wrong = format!("00-{TRACE}-{PARENT}-01-more");
    let trace = ("traceparent", traceparent.as_str());
    for (name, traces, expected) in [
        ("a", vec![trace], Some(traceparent.clone())),
        ("b", vec![("TraceParent", later.as_str())], Some(format!("00-{TRACE}-{PARENT}-00"))),
        ("c", vec![("traceparent", wrong.as_str())], None),
        ("d", vec![trace, trace], None),
        ("e", vec![], None),
    ] {
        let target = DATA.replace("en.wikipedia", &format!("{name}.wikipedia"));
        let headers = [&[("x-request-id", name)], traces.as_slice()].concat();
        client.request("GET", target.as_bytes(), &headers).await;
        assert_eq!(store.calls.lock().unwrap().pop(), Some((name.to_owned(), expected)));
    }
}

#[tokio::test]
async fn joined_requests_log_their_leader() {
    let (log, _guard) = Log::start();
    let store = Scripted::gated();
    let server = server(with_access(AccessMode::Full), store.clone()).await;
    let address = server.addresses[0];
    let ask = |name: &'static str| {
        tokio::spawn(async move {
            let headers = [("x-request-id", name)];
            Client::connect(address).await.request("GET", DATA.as_bytes(), &headers).await
        })
    };
    store.set_behaviour(Behaviour::Fails);
    let first = ask("first");
    eventually(|| store.reads() == 1).await;
    let second = ask("second");
    eventually(|| server.components.service.misses.responses.waiting() == 2).await;
    store.let_all_pass();
    for (request, name) in [(first, "first"), (second, "second")] {
        let response = request.await.unwrap();
        assert_eq!(response.header("x-request-id"), Some(name));
        let detail = response.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.ends_with(&format!("(request {name}).")), "{name}: {detail}");
    }
    for line in log.access(2).await {
        let leader =
            if line["http"]["request"]["id"] == "second" { json!("first") } else { json!(null) };
        assert_eq!(line["aqs"]["leader"], leader, "{line}");
    }
}

#[tokio::test]
async fn a_failed_read_whose_client_disconnected_is_logged_once() {
    let (log, _guard) = Log::start();
    let store = Scripted::gated();
    let server = server(config(), store.clone()).await;
    let mut client = client(&server).await;
    let head = format!("GET {DATA} HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\n\r\n");
    client.send(head.as_bytes()).await;
    eventually(|| store.reads() == 1).await;
    drop(client);
    let responses = &server.components.service.misses.responses;
    eventually(|| responses.waiting() == 0).await;
    store.set_behaviour(Behaviour::Fails);
    store.let_all_pass();
    eventually(|| responses.under_way() == 0).await;
    let mut lines = log.lines();
    lines.retain(|line| line["message"] == "a read that no request waits for failed");
    let [line] = &*lines else { panic!("{lines:?}") };
    assert_eq!(line["log"]["level"], "WARNING", "{line}");
    assert_eq!(line["http"]["request"]["id"], "mine", "{line}");
    assert!(line["error"]["message"].as_str().unwrap().contains("scripted"), "{line}");
}

#[tokio::test]
async fn a_request_that_timed_out_is_logged_once() {
    let (log, _guard) = Log::start();
    let store = Scripted::gated();
    let config = Config { answer_within: Duration::from_millis(200), ..config() };
    let server = server(config, store.clone()).await;
    let response = client(&server).await.get(DATA).await;
    assert_eq!(response.status, 504);
    // The read goes on, and fails later.
    store.set_behaviour(Behaviour::Fails);
    store.let_all_pass();
    let responses = &server.components.service.misses.responses;
    eventually(|| responses.under_way() == 0).await;
    let mut lines = log.lines();
    lines.retain(|line| line["http"]["request"]["id"] == response.header("x-request-id").unwrap());
    lines.retain(|line| line["log"]["level"] != "INFO");
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[tokio::test]
async fn requests_and_refusals_are_in_the_access_log() {
    let (log, _guard) = Log::start();
    let server = server(with_access(AccessMode::Full), Scripted::open()).await;
    let mut connection = client(&server).await;
    for (method, target) in [("GET", DATA), ("HEAD", DATA), ("POST", "/metrics/nothing")] {
        connection.request(method, target.as_bytes(), &[("x-forwarded-for", "192.0.2.7")]).await;
    }
    // A request with a body takes another path.
    connection
        .send(format!("PUT {DATA} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx").as_bytes())
        .await;
    connection.response(false).await.unwrap();
    let mut nonsense = client(&server).await;
    nonsense.send(b"nonsense\r\n\r\n").await;
    nonsense.response(false).await.unwrap();
    let lines = log.access(5).await;
    let logged: Vec<_> = lines
        .iter()
        .map(|line| {
            let (http, aqs) = (&line["http"], &line["aqs"]);
            json!([
                http["request"]["method"],
                line["url"]["original"],
                http["response"]["status_code"],
                aqs["cache"],
                aqs["endpoint"],
            ])
        })
        .collect();
    assert_eq!(
        logged,
        [
            json!(["GET", DATA, 200, "miss-cold", "unique-devices"]),
            json!(["HEAD", DATA, 200, "fresh", "unique-devices"]),
            json!(["POST", "/metrics/nothing", 405, "generated", null]),
            json!(["PUT", DATA, 405, "generated", null]),
            json!([null, null, 400, "generated", null]),
        ]
    );
    for line in &lines {
        assert_eq!(line["http"]["request"]["id"].as_str().unwrap().len(), 32);
        assert!(line["http"]["response"]["bytes"].as_u64().unwrap() > 100, "{line}");
        assert!(line.get("client").is_none() && !line.to_string().contains("192.0.2.7"), "{line}");
    }
    assert!(lines[..4].iter().all(|line| line["event"]["duration"].is_u64()), "{lines:?}");
}

#[tokio::test]
async fn slow_requests_are_logged_without_an_access_log() {
    let (log, _guard) = Log::start();
    let store = Scripted::gated();
    let mut config = with_access(AccessMode::Off);
    config.log.slow = Duration::from_millis(300);
    let server = server(config, store.clone()).await;
    let address = server.addresses[0];
    let request = tokio::spawn(async move { Client::connect(address).await.get(DATA).await });
    eventually(|| store.reads() == 1).await;
    tokio::time::sleep(Duration::from_millis(350)).await;
    store.let_all_pass();
    assert_eq!(request.await.unwrap().status, 200);
    let line = log.access(1).await.remove(0);
    assert_eq!((&line["message"], &line["log"]["level"]), (&json!("slow"), &json!("WARNING")));
}

#[tokio::test]
async fn client_addresses_are_logged_as_configured() {
    let chain = [("x-forwarded-for", "6.6.6.6"), ("X-Forwarded-For", "192.0.2.7, 127.0.0.2")];
    let local = "127.0.0.0/8";
    for (client_address, trusted, expected) in [
        (ClientAddress::None, local, json!(null)),
        (ClientAddress::Peer, local, json!("127.0.0.1")),
        (ClientAddress::Forwarded, local, json!("192.0.2.7")),
        (ClientAddress::Forwarded, "10.0.0.0/8", json!("127.0.0.1")),
    ] {
        let (log, _guard) = Log::start();
        let mut config = with_access(AccessMode::Full);
        config.log.client_address = client_address;
        config.log.trusted_proxies = vec![trusted.parse().unwrap()];
        let server = server(config, Scripted::open()).await;
        client(&server).await.request("GET", DATA.as_bytes(), &chain).await;
        let line = log.access(1).await.remove(0);
        assert_eq!(line["client"]["address"], expected, "{client_address:?} {trusted}");
    }
}

#[tokio::test]
async fn refused_admin_requests_are_logged_at_any_level_and_counted() {
    let (log, _guard) = Log::start_at("error");
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::At(folder.path().join("state"));
    let server = server(Config { state, ..config() }, Scripted::open()).await;
    let mut operator = Client::connect(server.admin_addresses[0]).await;
    let purge = "/admin/purge?scope=everything&token=secret-in-a-query";
    let wrong = ("authorization", "Bearer a-secret");
    for (method, target, headers, reason) in [
        ("POST", purge, [("origin", "http://x"), wrong], "origin"),
        ("POST", purge, [("a", "b"), ("a", "b")], "no-token"),
        ("POST", purge, [("a", "b"), wrong], "wrong-token"),
        ("POST", "/admin/log-level", [("a", "b"), wrong], "wrong-token"),
        ("GET", "http://evil.example/metrics", [("a", "b"), wrong], "host"),
    ] {
        let named = [headers.as_slice(), &[("x-request-id", "mine-1")]].concat();
        let refused = operator.request(method, target.as_bytes(), &named).await;
        assert!(matches!(refused.status, 401 | 403), "{target}");
        let line = log.lines().pop().unwrap_or_default();
        assert_eq!(line["message"], "an admin request was refused", "{reason}");
        let (level, aqs) = (&line["log"]["level"], &line["aqs"]);
        assert_eq!((level, &aqs["reason"]), (&json!("WARNING"), &json!(reason)));
        assert_eq!(line["http"]["request"], json!({"id": "mine-1", "method": method}));
        let path = target.trim_start_matches("http://evil.example").split('?').next();
        assert_eq!(aqs["path"].as_str(), path);
        assert!(!line.to_string().contains("secret"), "{line}");
    }
    assert_eq!(log.lines().len(), 5);
    let metrics = operator.get("/metrics").await;
    for (reason, count) in [("origin", 1), ("no-token", 1), ("wrong-token", 2), ("host", 1)] {
        let line = format!("\naqs_admin_refused_total{{reason=\"{reason}\"}} {count}\n");
        assert!(metrics.text().contains(&line), "{line}");
    }
}

#[tokio::test]
async fn a_flood_of_rejected_connections_is_logged_once() {
    let (log, _guard) = Log::start();
    let mut config = with_access(AccessMode::Full);
    config.limits.connections = 1;
    let server = server(config, Scripted::open()).await;
    let mut held = client(&server).await;
    held.get(DATA).await;
    for _ in 0..20 {
        let refused = client(&server).await.response(false).await.unwrap();
        assert_eq!(refused.status, 503);
    }
    // Only the accepted connection has an access line.
    assert_eq!(log.access(1).await[0]["url"]["original"], DATA);
    let lines = log.lines().into_iter().filter(|line| {
        line["message"]
            .as_str()
            .is_some_and(|message| message.starts_with("connections were rejected"))
    });
    let lines: Vec<Value> = lines.collect();
    // The minute may have changed.
    assert!((1..=2).contains(&lines.len()), "{lines:?}");
    assert_eq!(lines[0]["log"]["level"], "WARNING");
}
