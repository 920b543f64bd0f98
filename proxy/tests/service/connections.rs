//! Connections: pipelining, bodies, limits, keep-alive.

use crate::support::client::Client;
use aqs_proxy::config::Config;
use aqs_proxy::net::Limits;
use aqs_proxy::server::Server;
use std::time::Duration;

const DATA: &str = "/metrics/pageviews/top/en.wikipedia/all-access/2024/01/all-days";

async fn server_with(config: Config) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let rows = aqs_scenarios::rows("top");
    let server =
        crate::support::server(config, crate::support::store_of(&rows, folder.path())).await;
    (server, folder)
}

pub(crate) async fn server() -> (Server, tempfile::TempDir) {
    server_with(crate::support::config()).await
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let mut heads = String::new();
    for number in 0..100 {
        heads.push_str(&format!("GET /nothing/{number} HTTP/1.1\r\nhost: x\r\n\r\n"));
    }
    client.send(heads.as_bytes()).await;
    for number in 0..100 {
        let response = client.response(false).await.unwrap();
        assert_eq!(response.json()["uri"], format!("/nothing/{number}"));
    }
}

#[tokio::test]
async fn bodies_with_a_length_are_skipped() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let post = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello";
    let plain = "GET /b HTTP/1.1\r\nhost: x\r\n\r\n";
    client.send(format!("{post}{plain}").as_bytes()).await;
    for (status, uri) in [(405, "/a"), (404, "/b")] {
        let response = client.response(false).await.unwrap();
        assert_eq!((response.status, response.json()["uri"].as_str()), (status, Some(uri)));
    }
    // The answer does not wait for the body.
    client.send(b"PUT /c HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n").await;
    assert_eq!(client.response(false).await.unwrap().status, 405);
    client.send(&vec![b'x'; 60_000]).await;
    assert_eq!(client.get(DATA).await.status, 200);
}

#[tokio::test]
async fn chunked_bodies_end_the_connection_after_the_answer() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let chunked =
        "GET /b HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let plain = "GET /c HTTP/1.1\r\nhost: x\r\n\r\n";
    client.send(format!("{chunked}{plain}").as_bytes()).await;
    let response = client.response(false).await.unwrap();
    assert_eq!((response.status, response.json()["uri"].as_str()), (404, Some("/b")));
    assert_eq!(response.header("connection"), Some("close"));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_last_request_with_a_body_is_answered() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    client
        .send(b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi")
        .await;
    let response = client.response(false).await.unwrap();
    assert_eq!((response.status, response.header("connection")), (404, Some("close")));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_body_is_never_asked_for() {
    let (server, _folder) = server().await;
    for (line, status) in [
        ("GET /a HTTP/1.1\r\ncontent-length: 2", 404),
        ("POST /a HTTP/1.1\r\ncontent-length: 2", 405),
        ("POST /a HTTP/1.1\r\ntransfer-encoding: chunked", 405),
        ("POST /a HTTP/1.1\r\ncontent-length: 2000000", 413),
    ] {
        let mut client = Client::connect(server.addresses[0]).await;
        let head = format!("{line}\r\nhost: x\r\nexpect: 100-continue\r\n\r\n");
        client.send(head.as_bytes()).await;
        let response = client.response(false).await.unwrap();
        assert_eq!((response.status, response.header("connection")), (status, Some("close")));
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.send(b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n").await;
    client.send(&vec![b'x'; 100_000]).await;
    let response = client.response(false).await.unwrap();
    assert_eq!((response.status, response.header("connection")), (413, Some("close")));
}

#[tokio::test]
async fn malformed_requests_get_a_problem_and_close_the_connection() {
    let (server, _folder) = server().await;
    for (bytes, status) in [
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nhost: x\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\ncontent-length: two\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n", 501),
        (
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("POST / HTTP/1.1\r\nhost: x\r\nexpect: tea\r\ncontent-length: 3\r\n\r\n", 417),
    ] {
        let mut client = Client::connect(server.addresses[0]).await;
        client.send(bytes.as_bytes()).await;
        let response =
            client.response(false).await.unwrap_or_else(|| panic!("no answer to {bytes:?}"));
        assert_eq!(response.status, status, "{bytes:?}");
        assert_eq!(response.header("content-type"), Some("application/problem+json"), "{bytes:?}");
        assert_eq!(response.json()["status"], status);
        assert_eq!(response.header("connection"), Some("close"));
        assert!(client.is_closed().await, "{bytes:?}");
    }
}

#[tokio::test]
async fn a_head_that_grows_too_large_is_refused() {
    let (server, _folder) = server().await;
    for (start, filler, status) in [
        ("GET /", "a".repeat(20_000), 414),
        ("GET / HTTP/1.1\r\nhost: x\r\nfiller: ", "a".repeat(20_000), 431),
        ("GET / HTTP/1.1\r\nhost: x\r\n", "a: b\r\n".repeat(300), 431),
    ] {
        let mut client = Client::connect(server.addresses[0]).await;
        client.send(start.as_bytes()).await;
        client.send(filler.as_bytes()).await;
        assert_eq!(client.response(false).await.unwrap().status, status);
    }
}

#[tokio::test]
async fn incomplete_heads_time_out_with_408_and_idle_connections_silently() {
    let limits = Limits {
        head: Duration::from_millis(600),
        idle: Duration::from_millis(100),
        ..Limits::default()
    };
    let (server, _folder) = server_with(Config { limits, ..crate::support::config() }).await;
    let mut slow = Client::connect(server.addresses[0]).await;
    slow.send(b"GET / HTT").await;
    assert_eq!(slow.response(false).await.unwrap().status, 408);
    assert!(slow.is_closed().await);
    let mut silent = Client::connect(server.addresses[0]).await;
    assert_eq!(silent.response(false).await.unwrap().status, 408);
    let mut idle = Client::connect(server.addresses[0]).await;
    assert_eq!(idle.get(DATA).await.status, 200);
    assert!(idle.is_closed().await);
}

#[tokio::test]
async fn each_head_has_its_own_deadline() {
    let limits = Limits { head: Duration::from_millis(1500), ..Limits::default() };
    let (server, _folder) = server_with(Config { limits, ..crate::support::config() }).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let request = format!("GET {DATA} HTTP/1.1\r\nhost: x\r\n\r\n");
    let (first, rest) = request.split_at(20);
    // The next head has always begun, and each is complete in time.
    client.send(first.as_bytes()).await;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.send(format!("{rest}{first}").as_bytes()).await;
        assert_eq!(client.response(false).await.unwrap().status, 200);
    }
    // An incomplete one gets 408, not the timeout of an idle connection.
    assert_eq!(client.response(false).await.unwrap().status, 408);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_rejected_until_others_close() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let config = Config { limits, ..crate::support::config() };
    let (server, _folder) = server_with(config).await;
    let mut held =
        [Client::connect(server.addresses[0]).await, Client::connect(server.addresses[0]).await];
    for client in &mut held {
        assert_eq!(client.get(DATA).await.status, 200);
    }
    let mut third = Client::connect(server.addresses[0]).await;
    let refused = third.response(false).await.unwrap();
    assert_eq!((refused.status, refused.header("connection")), (503, Some("close")));
    assert!(refused.header("retry-after").is_some());
    let rejected = &server.components.metrics.connections_refused;
    assert_eq!(rejected.with_label_values(&["public"]).get(), 1);
    assert_eq!(rejected.with_label_values(&["admin"]).get(), 0);
    // The admin listener has a limit of its own.
    assert_eq!(Client::connect(server.admin_addresses[0]).await.get("/healthz").await.status, 200);
    drop(held);
    let gauge = server.components.metrics.connections.with_label_values(&["public"]);
    crate::support::eventually(|| gauge.get() == 0).await;
    assert_eq!(Client::connect(server.addresses[0]).await.get(DATA).await.status, 200);
}

#[tokio::test]
async fn a_connection_closes_after_its_last_allowed_request() {
    let limits = Limits { requests: 3, ..Limits::default() };
    let (server, _folder) = server_with(Config { limits, ..crate::support::config() }).await;
    let mut client = Client::connect(server.addresses[0]).await;
    for expected in [None, None, Some("close")] {
        assert_eq!(client.get(DATA).await.header("connection"), expected);
    }
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn a_head_may_arrive_byte_by_byte() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    for byte in format!("GET {DATA} HTTP/1.1\r\nhost: x\r\n\r\n").bytes() {
        client.send(&[byte]).await;
    }
    assert_eq!(client.response(false).await.unwrap().status, 200);
}

#[tokio::test]
async fn http_1_0_clients_learn_whether_the_connection_stays_open() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.send(b"GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").await;
    assert_eq!(client.response(false).await.unwrap().header("connection"), Some("keep-alive"));
    client.send(b"GET /a HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.response(false).await.unwrap().header("connection"), Some("close"));
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn absolute_targets_are_accepted() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let absolute = client.get(&format!("http://wikimedia.org{DATA}")).await;
    assert_eq!(absolute.status, 200);
    assert_eq!(absolute.body, client.get(DATA).await.body);
}

#[tokio::test]
async fn the_second_response_comes_from_the_cache() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let first = client.get(DATA).await;
    let second = client.get(DATA).await;
    assert_eq!(first.header("cache-status"), Some("aqs; fwd=miss; stored"));
    assert!(second.header("cache-status").unwrap().starts_with("aqs; hit; ttl="));
    assert_eq!(first.body, second.body);
    // An alias has the same entry.
    let spelled =
        client.get(&format!("/api/rest_v1{}?x=y", DATA.replace("en.wiki", "EN.wiki"))).await;
    assert!(spelled.header("cache-status").unwrap().starts_with("aqs; hit"), "{spelled:?}");
    for response in [&first, &second, &spelled] {
        let value = response.header("cache-status").unwrap();
        sfv::Parser::new(value)
            .parse_list::<sfv::List>()
            .unwrap_or_else(|error| panic!("{value}: {error}"));
    }
}

#[tokio::test]
async fn if_none_match_accepts_every_form_of_the_etag() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let full = client.get(DATA).await;
    let etag = full.header("etag").unwrap().to_owned();
    let hash = etag.trim_matches('"');
    for value in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        format!("\"{hash}-gz\""),
        "*".to_owned(),
    ] {
        let response = client.request("GET", DATA.as_bytes(), &[("if-none-match", &value)]).await;
        assert_eq!((response.status, response.body.len()), (304, 0), "{value}");
        assert_eq!(response.header("etag"), Some(etag.as_str()));
        for name in ["vary", "cache-control"] {
            assert_eq!(response.header(name), full.header(name));
        }
        assert_eq!(response.header("content-length"), None);
    }
    for value in ["\"other\"", hash, "\"\"", &etag[..8], ""] {
        let response = client.request("GET", DATA.as_bytes(), &[("if-none-match", value)]).await;
        assert_eq!(response.status, 200, "{value}");
    }
}

#[tokio::test]
async fn a_drain_finishes_requests_and_closes_idle_connections() {
    let (server, _folder) = server().await;
    let address = server.addresses[0];
    let mut idle = Client::connect(address).await;
    assert_eq!(idle.get(DATA).await.status, 200);
    let mut halfway = Client::connect(address).await;
    halfway.send(b"GET /a HTTP/1.1\r\n").await;
    let mut fresh = Client::connect(address).await;
    let drained = tokio::spawn(server.drain());
    assert!(idle.is_closed().await);
    halfway.send(b"host: x\r\n\r\n").await;
    assert_eq!(halfway.response(false).await.unwrap().header("connection"), Some("close"));
    assert_eq!(fresh.get(DATA).await.header("connection"), Some("close"));
    drop((idle, halfway, fresh));
    assert!(drained.await.unwrap());
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "still accepting");
}

#[tokio::test]
async fn the_admin_listener_serves_the_metrics() {
    let (server, _folder) = server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    for _ in 0..3 {
        client.get(DATA).await;
    }
    client.get("/nothing").await;
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    assert_eq!(admin.get("/healthz").await.status, 200);
    assert_eq!(client.get("/healthz").await.status, 200);
    let listing = client.get("/metrics").await;
    assert!(listing.text().starts_with("{\"items\":["), "metrics are for operators");
    let page = admin.get("/metrics").await;
    let template = "/pageviews/top/{project}/{access}/{year}/{month}/{day}";
    for line in [
        format!("aqs_requests_total{{cache=\"fresh\",endpoint=\"{template}\",status=\"200\"}} 2"),
        format!(
            "aqs_requests_total{{cache=\"miss-cold\",endpoint=\"{template}\",status=\"200\"}} 1"
        ),
        "aqs_requests_total{cache=\"generated\",endpoint=\"none\",status=\"404\"} 1".to_owned(),
        "aqs_store_reads_total{dataset=\"pageviews-top-monthly\",outcome=\"rows\",store=\"embedded\"} 1".to_owned(),
        "aqs_cache_entries 1".to_owned(),
        "aqs_cache_evictions_total 0".to_owned(),
    ] {
        assert!(page.text().lines().any(|held| held == line), "{line} is not in\n{}", page.text());
    }
}
