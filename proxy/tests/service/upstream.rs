//! Pages and metrics that operators and dashboards of the upstream services use.

use crate::support::client::{Client, Response};
use crate::support::scripted::Scripted;
use crate::support::{config, eventually, server, server_at};
use aqs_origin::{Clock, Moment};
use aqs_proxy::build_info::RUST_VERSION;
use aqs_proxy::config::Config;
use aqs_proxy::server::Server;
use std::collections::BTreeMap;
use std::time::Duration;

const DATA: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";

async fn with_pages(upstream_health: bool, metrics: bool) -> Server {
    let service_name = upstream_health.then(|| "device-analytics".to_owned());
    let public_metrics = Some(metrics);
    server(Config { service_name, public_metrics, ..config() }, Scripted::open()).await
}

/// The samples of a page: name and labels, value.
fn samples(page: &Response) -> BTreeMap<String, f64> {
    let lines = page.text().lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.map(sample).collect()
}

/// Waits until this number of requests is counted: they are counted after their responses.
async fn counted(server: &Server, count: f64) {
    eventually(|| {
        let families = server.components.registry.gather();
        let family = families.iter().find(|family| family.name() == "http_requests_total");
        let sum: f64 = family.map_or(0.0, |family| {
            family.get_metric().iter().map(|metric| metric.get_counter().get_value()).sum()
        });
        sum == count
    })
    .await;
}

#[tokio::test]
async fn health_has_the_four_keys_of_upstream_in_order() {
    let server = with_pages(true, false).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let health = client.get("/healthz").await;
    let stamp = |name: Option<&'static str>| name.unwrap_or("unknown");
    let (date, host) = (stamp(option_env!("AQS_BUILD_DATE")), stamp(option_env!("AQS_BUILD_HOST")));
    let version = env!("CARGO_PKG_VERSION");
    let body = format!(
        "{{\n  \"version\": \"{version}\",\n  \"build_date\": \"{date}\",\n  \
         \"build_host\": \"{host}\",\n  \"go_version\": \"{RUST_VERSION}\"\n}}"
    );
    assert_eq!((health.status, health.text()), (200, body.as_str()));
    assert_eq!(health.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(health.header("cache-control"), Some("no-store"));
    let head = client.request("HEAD", b"/healthz", &[]).await;
    let length = body.len().to_string();
    assert_eq!((head.status, head.header("content-length")), (200, Some(length.as_str())));
    // The admin page is not affected.
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    assert_eq!(admin.get("/healthz").await.text(), "{\"status\":\"ok\"}\n");
}

#[tokio::test]
async fn public_metrics_are_served_only_if_enabled() {
    let off = with_pages(true, false).await;
    let on = with_pages(false, true).await;
    let (mut without, mut with) =
        (Client::connect(off.addresses[0]).await, Client::connect(on.addresses[0]).await);
    assert_eq!(with.get("/healthz").await.text(), "{\"status\":\"ok\"}\n");
    // The list of what is below.
    assert!(without.get("/metrics").await.json()["items"].is_array());
    assert_eq!(without.get("/admin/metrics").await.status, 404);
    for target in ["/metrics", "/admin/metrics"] {
        let page = with.get(target).await;
        assert_eq!(page.status, 200, "{target}");
        assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        assert!(samples(&page).contains_key("aqs_cache_entries"), "{}", page.text());
        // No other admin route is public.
        assert_eq!(with.get(&format!("{target}/x")).await.status, 404);
        assert_eq!(with.request("POST", target.as_bytes(), &[]).await.status, 405);
    }
    assert_eq!(with.get("/readyz").await.status, 404);
}

#[tokio::test]
async fn public_metrics_are_rendered_once_a_second() {
    let clock = Clock::set(Moment(1_800_000_000_000));
    let config = Config { public_metrics: Some(true), ..config() };
    let server = server_at(config, Scripted::open(), clock.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    let ok = "http_requests_total{code=\"200\",method=\"get\"}";
    let first = client.get("/metrics").await;
    clock.advance(Duration::from_millis(999));
    assert_eq!(client.get("/metrics").await.text(), first.text());
    counted(&server, 2.0).await;
    assert_eq!(samples(&admin.get("/metrics").await)[ok], 2.0);
    clock.advance(Duration::from_millis(1));
    assert_eq!(samples(&client.get("/metrics").await)[ok], 2.0);
}

#[tokio::test]
async fn upstream_metrics_equal_ours() {
    let server = with_pages(true, true).await;
    let mut client = Client::connect(server.addresses[0]).await;
    for _ in 0..3 {
        client.get(DATA).await;
    }
    client.request("HEAD", DATA.as_bytes(), &[]).await;
    client.request("DELETE", DATA.as_bytes(), &[]).await;
    client.get("/metrics/unique-devices/en.wikipedia/no-sites/daily/20240101/20240131").await;
    counted(&server, 6.0).await;
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    let page = admin.get("/metrics").await;
    let samples = samples(&page);
    for (code, method, count) in
        [("200", "get", 3.0), ("200", "head", 1.0), ("405", "delete", 1.0), ("400", "get", 1.0)]
    {
        let labels = format!("code=\"{code}\",method=\"{method}\"");
        assert_eq!(samples[&format!("http_requests_total{{{labels}}}")], count, "{labels}");
        let histogram = |part: &str| format!("http_request_duration_seconds{part}");
        assert_eq!(samples[&histogram(&format!("_count{{{labels}}}"))], count, "{labels}");
        let all = format!("_bucket{{{labels},le=\"+Inf\"}}");
        assert_eq!(samples[&histogram(&all)], count, "{labels}");
    }
    let sum = |name: &str| -> f64 {
        samples.iter().filter(|(held, _)| held.starts_with(name)).map(|(_, value)| value).sum()
    };
    for (ours, theirs) in [
        ("aqs_requests_total{", "http_requests_total{"),
        ("aqs_request_seconds_count{", "http_request_duration_seconds_count{"),
    ] {
        assert_eq!((sum(ours), sum(theirs)), (6.0, 6.0), "{ours}");
    }
    let (ours, theirs) =
        (sum("aqs_request_seconds_sum{"), sum("http_request_duration_seconds_sum{"));
    assert!((ours - theirs).abs() < 1e-9 && ours > 0.0, "{ours} {theirs}");
    let build = samples.iter().find(|(name, _)| name.starts_with("service_scaffold_golang_build"));
    let (name, value) = build.unwrap();
    assert_eq!(*value, 1.0);
    let version = env!("CARGO_PKG_VERSION");
    for label in
        [&format!("version=\"{version}\""), "build_date=", "build_host=", "go_version=\"rustc 1."]
    {
        assert!(name.contains(label), "{label} is not in {name}");
    }
}

#[tokio::test]
async fn process_metrics_have_standard_names() {
    let server = server(config(), Scripted::open()).await;
    let mut admin = Client::connect(server.admin_addresses[0]).await;
    let page = admin.get("/metrics").await;
    let samples = samples(&page);
    for name in [
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
        "process_threads",
    ] {
        assert!(samples[name] > 0.0, "{name}");
    }
    assert!(samples["process_cpu_seconds_total"] >= 0.0);
}
