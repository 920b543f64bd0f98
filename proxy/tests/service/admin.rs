//! The admin API: authorization, purges, readiness.

use crate::support::client::{Client, Response};
use crate::support::scripted::{Behaviour, Scripted};
use crate::support::{catalogue, config, eventually, server};
use aqs_proxy::config::{Config, StateDir};
use aqs_proxy::server::{Parts, Server, TOKEN_FILE};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

const DATA: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";
const PURGE: &str = "/admin/purge?scope=everything&depth=hard";

async fn with_token(store: Arc<Scripted>) -> (Server, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let config = Config { state: StateDir::At(state.clone()), ..config() };
    let server = server(config, store).await;
    let token = std::fs::read_to_string(state.join(TOKEN_FILE)).unwrap();
    (server, token.trim().to_owned(), folder)
}

/// A POST with exactly these headers.
async fn post(server: &Server, target: &str, headers: &[(&str, &str)]) -> Response {
    let mut client = Client::connect(server.admin_addresses[0]).await;
    let mut head = format!("POST {target} HTTP/1.1\r\ncontent-length: 0\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    client.send(format!("{head}\r\n").as_bytes()).await;
    client.response(false).await.unwrap()
}

#[tokio::test]
async fn writes_need_the_token_and_no_origin() {
    let (server, token, _folder) = with_token(Scripted::open()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.get(DATA).await;
    let bearer = format!("Bearer {token}");
    let (local, auth) = (("host", "localhost:8081"), ("authorization", bearer.as_str()));
    let epoch = server.components.origin.epochs.current();
    let in_query = format!("{PURGE}&token={token}");
    for (target, headers, status) in [
        (PURGE, vec![local], 401),
        (PURGE, vec![local, ("authorization", "Bearer wrong")], 401),
        (PURGE, vec![local, ("authorization", &bearer[..20])], 401),
        (PURGE, vec![local, ("authorization", token.as_str())], 401),
        (in_query.as_str(), vec![local], 401),
        (PURGE, vec![local, auth, ("authorization", "Bearer wrong")], 400),
        (PURGE, vec![local, auth, auth], 400),
        (PURGE, vec![("host", "evil.example"), auth], 403),
        (PURGE, vec![local, auth, ("origin", "http://localhost:8081")], 403),
        (PURGE, vec![local, auth, ("origin", "null")], 403),
        (in_query.as_str(), vec![local, auth], 400),
        ("/admin/purge?scope=nothing", vec![local, auth], 400),
        ("/admin/purge?scope=everything&name=x", vec![local, auth], 400),
        ("/admin/purges", vec![local, auth], 404),
        ("/metrics", vec![local, auth], 405),
    ] {
        let refused = post(&server, target, &headers).await;
        assert_eq!(refused.status, status, "{target} {headers:?}: {}", refused.text());
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        assert_eq!(refused.header("www-authenticate").is_some(), status == 401);
        assert_eq!(refused.json()["method"], "post", "{target}");
        assert!(!refused.text().contains(&token), "the token leaks");
    }
    assert_eq!(server.components.origin.epochs.current(), epoch, "something was purged");
    // The public listener has no such auth.
    let public = client.request("POST", PURGE.as_bytes(), &[auth]).await;
    assert_eq!(public.status, 405);
    let purged = post(&server, PURGE, &[local, auth]).await;
    assert_eq!((purged.status, purged.json()["depth"].as_str()), (200, Some("hard")));
    let again = client.get(DATA).await;
    assert_eq!(again.header("cache-status"), Some("aqs; fwd=stale; stored; detail=purged"));
}

#[tokio::test]
async fn every_scope_is_purged_by_its_name() {
    let (server, token, _folder) = with_token(Scripted::open()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let bearer = format!("Bearer {token}");
    let address = format!("name=http%3A%2F%2Fx.org{}", DATA.replace('/', "%2F"));
    for query in [
        "scope=endpoint&name=unique-devices",
        "scope=dataset&name=unique-devices-daily",
        "scope=project&name=EN.wikipedia.org",
        &format!("scope=address&{address}"),
    ] {
        client.get(DATA).await;
        let target = format!("/admin/purge?depth=hard&{query}");
        let headers = [("host", "127.0.0.1"), ("authorization", bearer.as_str())];
        let purged = post(&server, &target, &headers).await;
        assert_eq!(purged.status, 200, "{}", purged.text());
        assert_eq!(purged.json()["answers"], 1, "{query}");
        let again = client.get(DATA).await;
        assert!(again.header("cache-status").unwrap().ends_with("detail=purged"), "{query}");
    }
}

#[tokio::test]
async fn a_misspelt_project_is_not_purged() {
    let (server, token, _folder) = with_token(Scripted::open()).await;
    Client::connect(server.addresses[0]).await.get(DATA).await;
    let bearer = format!("Bearer {token}");
    let headers = [("host", "127.0.0.1"), ("authorization", bearer.as_str())];
    let purge = async |query: &str| {
        let purged = post(&server, &format!("/admin/purge?scope=project&{query}"), &headers).await;
        (purged.status, purged.json())
    };
    let (status, refused) = purge("name=en.wikipdia").await;
    let detail = refused["detail"].as_str().unwrap();
    assert!(status == 404 && detail.contains("did you mean en.wikipedia?"), "{status} {detail}");
    let (status, purged) = purge("name=en.wikipdia&force=true").await;
    assert_eq!((status, &purged["answers"]), (200, &0.into()));
    // One that is like no other.
    let (status, purged) = purge("name=wiki.example").await;
    assert_eq!((status, &purged["answers"]), (200, &0.into()));
}

#[tokio::test]
async fn a_token_that_others_can_read_ends_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let file = state.join(TOKEN_FILE);
    std::fs::write(&file, "a-token-that-is-long-enough\n").unwrap();
    for mode in [0o640, 0o604, 0o622] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let config = Config { state: StateDir::At(state.clone()), ..config() };
        let sockets = Server::bind(&config).unwrap();
        let started = Server::start(
            sockets,
            &config,
            Parts::new(aqs_origin::stores::StoreName::Embedded, catalogue(), Scripted::open()),
        )
        .await;
        let refusal = started.err().expect("it started").to_string();
        assert!(refusal.contains("can be read or written by others"), "{refusal}");
    }
}

#[tokio::test]
async fn writes_are_refused_without_a_state_directory() {
    let server = server(config(), Scripted::open()).await;
    let headers = [("host", "localhost"), ("authorization", "Bearer anything-at-all")];
    assert_eq!(post(&server, PURGE, &headers).await.status, 403);
}

#[tokio::test]
async fn the_server_is_ready_when_the_coverage_is_known() {
    let store = Scripted::open();
    store.set_behaviour(Behaviour::Fails);
    let server = server(config(), store.clone()).await;
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    let waiting = admin.get("/readyz").await;
    assert_eq!(waiting.status, 503);
    assert!(waiting.text().contains("what the store holds"), "{}", waiting.text());
    assert_eq!(admin.get("/healthz").await.status, 200);
    store.set_behaviour(Behaviour::Answers);
    eventually(|| server.components.readiness.missing().is_empty()).await;
    assert_eq!(admin.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn readiness_falls_while_the_server_drains() {
    let server = server(config(), Scripted::open()).await;
    let (public, admin) = (server.addresses[0], server.admin_addresses[0]);
    // A head that is not complete keeps the drain going.
    let mut unfinished = Client::connect(public).await;
    unfinished.send(b"GET /healthz HTTP/1.1\r\n").await;
    let ready = server.components.readiness.clone();
    let drained = tokio::spawn(server.drain());
    eventually(|| !ready.missing().is_empty()).await;
    let response = Client::connect(admin).await.get("/readyz").await;
    assert_eq!(response.status, 503);
    assert!(response.text().contains("draining"), "{}", response.text());
    unfinished.send(b"host: x\r\n\r\n").await;
    assert_eq!(unfinished.response(false).await.unwrap().status, 200);
    drop(unfinished);
    assert!(drained.await.unwrap());
}

/// A request with exactly these headers.
async fn request(server: &Server, first: &str, headers: &[(&str, &str)]) -> Response {
    let mut client = Client::connect(server.admin_addresses[0]).await;
    let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let lines: String = lines.collect();
    client.send(format!("{first} HTTP/1.1\r\n{lines}\r\n").as_bytes()).await;
    let response = client.response(first.starts_with("HEAD")).await.unwrap();
    let shared = response.headers.iter().find(|(name, _)| name.starts_with("access-control"));
    assert_eq!(shared, None, "{first} may be read by any page");
    response
}

#[tokio::test]
async fn no_web_page_may_read() {
    let (server, token, _folder) = with_token(Scripted::open()).await;
    let bearer = format!("Bearer {token}");
    let (local, auth) = (("host", "localhost:1"), ("authorization", bearer.as_str()));
    let (other, page) = (("host", "evil.example"), ("origin", "http://evil.example"));
    for target in [
        "/",
        "/metrics",
        "/admin/metrics",
        "/admin/log-level",
        "/admin/purge",
        "/admin/jobs",
        "/admin/jobs/1",
        "/admin/hot-set",
        "/none",
    ] {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let first = format!("{method} {target}");
            assert_eq!(request(&server, &first, &[other, auth]).await.status, 403, "{first}");
            assert_eq!(request(&server, &first, &[local, auth, page]).await.status, 403, "{first}");
        }
    }
    for host in ["localhost", "127.0.0.1:1", "[::1]:1", "10.0.0.5:8081", "[fd00::5]"] {
        assert_eq!(request(&server, "GET /metrics", &[("host", host)]).await.status, 200, "{host}");
    }
    // No web page has an IP address as its name, but writes need a known host.
    let purge = format!("POST {PURGE}");
    assert_eq!(request(&server, &purge, &[("host", "10.0.0.5:8081"), auth]).await.status, 403);
    // Probes send any host.
    for target in ["/healthz", "/readyz"] {
        let first = format!("GET {target}");
        assert_eq!(request(&server, &first, &[other, page]).await.status, 200, "{target}");
    }
    // Nor may pages read the answer to a malformed request.
    assert_eq!(request(&server, "nonsense", &[]).await.status, 400);
    let mut public = Client::connect(server.addresses[0]).await;
    assert_eq!(public.get(DATA).await.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn each_path_lists_its_methods() {
    let (server, token, _folder) = with_token(Scripted::open()).await;
    let bearer = format!("Bearer {token}");
    let headers = [("host", "localhost"), ("authorization", bearer.as_str())];
    for (target, wrong, allow) in [
        ("/admin/purge", "GET", "POST, OPTIONS"),
        ("/admin/purge", "HEAD", "POST, OPTIONS"),
        ("/admin/log-level", "DELETE", "GET, HEAD, POST, OPTIONS"),
        ("/admin/jobs", "DELETE", "GET, HEAD, POST, OPTIONS"),
        ("/admin/jobs/1", "POST", "GET, HEAD, DELETE, OPTIONS"),
        ("/admin/hot-set/verify", "GET", "POST, OPTIONS"),
        ("/metrics", "POST", "GET, HEAD, OPTIONS"),
        ("/healthz", "POST", "GET, HEAD, OPTIONS"),
    ] {
        let refused = request(&server, &format!("{wrong} {target}"), &headers).await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some(allow)), "{target}");
        if wrong != "HEAD" {
            let detail = format!("method not allowed, use {allow}");
            assert_eq!(refused.json()["detail"].as_str(), Some(detail.as_str()));
        }
        let options = request(&server, &format!("OPTIONS {target}"), &headers).await;
        assert_eq!((options.status, options.header("allow")), (204, Some(allow)), "{target}");
    }
}

#[tokio::test]
async fn the_host_of_the_target_overrides_the_header() {
    let (server, token, _folder) = with_token(Scripted::open()).await;
    let bearer = format!("Bearer {token}");
    for (authority, header, status) in [
        ("evil.example", "localhost", 403),
        ("localhost@evil.example", "localhost", 403),
        // hyper refuses an empty host.
        ("", "localhost", 400),
        ("localhost:1", "evil.example", 200),
    ] {
        let headers = [("host", header), ("authorization", bearer.as_str())];
        for first in ["GET http://AUTHORITY/metrics", &format!("POST http://AUTHORITY{PURGE}")] {
            let first = first.replace("AUTHORITY", authority);
            assert_eq!(request(&server, &first, &headers).await.status, status, "{first}");
        }
    }
}

#[tokio::test]
async fn a_purge_that_is_not_persisted_is_a_500() {
    let (server, token, folder) = with_token(Scripted::open()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.get(DATA).await;
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [("host", "localhost"), ("authorization", bearer.as_str())];
    let purged = post(&server, PURGE, &headers).await;
    assert_eq!(purged.status, 500);
    let detail = purged.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("could not be persisted and is lost at a restart"), "{detail}");
    let again = client.get(DATA).await;
    assert_eq!(again.header("cache-status"), Some("aqs; fwd=stale; stored; detail=purged"));
}

#[tokio::test]
async fn the_index_lists_every_path_with_its_methods() {
    let server = server(config(), Scripted::open()).await;
    let index = request(&server, "GET /", &[("host", "localhost")]).await;
    assert_eq!(index.text().lines().count(), 14);
    for line in index.text().lines() {
        let (method, path) = line.split_once(' ').unwrap_or(("GET", line));
        let first = format!("OPTIONS {}", path.replace("ID", "1"));
        let options = request(&server, &first, &[("host", "localhost")]).await;
        let mut methods = options.header("allow").unwrap_or_default().split(", ");
        assert!(methods.any(|allowed| allowed == method), "{line}");
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed() {
    let server = server(config(), Scripted::open()).await;
    let (admin, metrics) = (server.admin_addresses[0], &server.components.metrics);
    let open = metrics.connections.with_label_values(&["admin"]);
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = Client::connect(admin).await;
        assert_eq!(client.get("/healthz").await.status, 200);
        clients.push(client);
    }
    assert!(Client::connect(admin).await.is_closed().await);
    assert_eq!(metrics.connections_refused.with_label_values(&["admin"]).get(), 1);
    clients.pop();
    eventually(|| open.get() == 99).await;
    assert_eq!(Client::connect(admin).await.get("/healthz").await.status, 200);
}
