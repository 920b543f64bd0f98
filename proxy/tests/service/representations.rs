//! Gzip, entity tags, aliases, coverage.

use crate::support::client::{Client, Response};
use crate::support::{config, eventually, server, store_of};
use aqs_proxy::server::Server;
use flate2::read::GzDecoder;
use std::io::Read;

const LONG: &str =
    "/metrics/pageviews/per-article/en.wikipedia/all-access/user/Long/daily/20240101/20241231";
const SHORT: &str =
    "/metrics/pageviews/per-article/en.wikipedia/all-access/user/Long/daily/20240101/20240101";

/// A server with a year of days of one article.
async fn server_with_a_year() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows");
    std::fs::create_dir(&rows).unwrap();
    let mut lines = String::new();
    for month in 1..=12 {
        for day in 1..=28 {
            lines.push_str(&format!(
                r#"{{"project":"en.wikipedia","article":"Long","granularity":"daily","timestamp":"2024{month:02}{day:02}00","au":{}}}"#,
                month * 1000 + day
            ));
            lines.push('\n');
        }
    }
    std::fs::write(rows.join("pageviews_per_article_flat.ndjson"), lines).unwrap();
    let server = server(config(), store_of(&rows, folder.path())).await;
    (server, folder)
}

async fn get(client: &mut Client, target: &str, accept: &str) -> Response {
    client.request("GET", target.as_bytes(), &[("accept-encoding", accept)]).await
}

#[tokio::test]
async fn gzip_is_made_once_and_sent_to_clients_that_accept_it() {
    let (server, _folder) = server_with_a_year().await;
    let mut client = Client::connect(server.addresses[0]).await;
    // The first request gets the identity form.
    let identity = get(&mut client, LONG, "gzip").await;
    assert_eq!(identity.header("content-encoding"), None);
    eventually(|| server.components.tasks.is_empty()).await;
    let coded = get(&mut client, LONG, "br, gzip;q=0.5").await;
    assert_eq!(coded.header("content-encoding"), Some("gzip"));
    assert!(coded.body.len() * 4 < identity.body.len());
    let mut decoded = Vec::new();
    GzDecoder::new(coded.body.as_slice()).read_to_end(&mut decoded).unwrap();
    assert_eq!(decoded, identity.body);
    for accept in ["identity", "gzip;q=0", "br"] {
        let plain = get(&mut client, LONG, accept).await;
        assert_eq!(
            (plain.header("content-encoding"), &plain.body),
            (None, &identity.body),
            "{accept}"
        );
    }
    assert_eq!(identity.header("vary"), Some("Accept-Encoding"));
    assert_eq!(coded.header("vary"), Some("Accept-Encoding"));
    assert_eq!(server.components.metrics.compressions.get(), 1);
    let head = client.request("HEAD", LONG.as_bytes(), &[("accept-encoding", "gzip")]).await;
    assert_eq!(head.header("content-length"), Some(coded.body.len().to_string().as_str()));
}

#[tokio::test]
async fn either_etag_validates_both_codings() {
    let (server, _folder) = server_with_a_year().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let plain_tag = get(&mut client, LONG, "gzip").await.header("etag").unwrap().to_owned();
    eventually(|| server.components.tasks.is_empty()).await;
    let gzip_tag = get(&mut client, LONG, "gzip").await.header("etag").unwrap().to_owned();
    assert_eq!(gzip_tag, format!("{}-gz\"", plain_tag.trim_end_matches('"')));
    for (accept, selected) in [("gzip", &gzip_tag), ("identity", &plain_tag)] {
        for tag in [&plain_tag, &gzip_tag] {
            let headers = [("accept-encoding", accept), ("if-none-match", tag.as_str())];
            let response = client.request("GET", LONG.as_bytes(), &headers).await;
            assert_eq!((response.status, response.header("etag")), (304, Some(selected.as_str())));
        }
    }
}

#[tokio::test]
async fn short_bodies_and_problems_are_not_compressed() {
    let (server, _folder) = server_with_a_year().await;
    let mut client = Client::connect(server.addresses[0]).await;
    for target in [
        SHORT,
        "/metrics/nothing",
        "/metrics/pageviews/per-article/en.wikipedia/all-access/user/None/daily/20240101/20240101",
    ] {
        for _ in 0..2 {
            let response = get(&mut client, target, "gzip").await;
            assert_eq!(response.header("content-encoding"), None, "{target}");
            eventually(|| server.components.tasks.is_empty()).await;
        }
    }
    assert_eq!(server.components.metrics.compressions.get(), 0);
}

#[tokio::test]
async fn an_alias_is_stored_once() {
    let (server, _folder) = server_with_a_year().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let alias =
        LONG.replace("en.wikipedia", "www.EN.wikipedia.org").replace("20241231", "2024123107");
    let first = client.get(&alias).await;
    assert!(server.components.service.aliases.bytes() > 0);
    let bytes = server.components.service.aliases.bytes();
    let second = client.get(&alias).await;
    assert_eq!(first.body, second.body);
    assert!(second.header("cache-status").unwrap().starts_with("aqs; hit"));
    assert_eq!(server.components.service.aliases.bytes(), bytes);
    assert!(client.get(LONG).await.header("cache-status").unwrap().starts_with("aqs; hit"));
    assert_eq!(server.components.service.lookup.cache.len(), 1);
    // An invalid route is no alias.
    client.get("/metrics/nothing").await;
    assert_eq!(server.components.service.aliases.bytes(), bytes);
}

#[tokio::test]
async fn ranges_outside_the_coverage_are_not_read() {
    let (server, _folder) = server_with_a_year().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let range = |range: &str| LONG.replace("20240101/20241231", range);
    let reads = || -> u64 {
        let families = server.components.registry.gather();
        let family = families.iter().find(|family| family.name() == "aqs_store_reads_total");
        family.map_or(0, |family| {
            family.get_metric().iter().map(|metric| metric.get_counter().get_value() as u64).sum()
        })
    };
    for (requested, detail) in
        [("20250101/20250201", "not-loaded"), ("20230101/20231231", "out-of-range")]
    {
        let response = client.get(&range(requested)).await;
        assert_eq!(response.status, 404);
        assert!(response.text().contains("The date(s) you used are valid"));
        let expected = format!("aqs; fwd=miss; stored; detail={detail}");
        assert_eq!(response.header("cache-status"), Some(expected.as_str()));
        let again = client.get(&range(requested)).await;
        assert!(again.header("cache-status").unwrap().ends_with(&format!("; detail={detail}")));
    }
    assert_eq!(reads(), 0);
    // A range of ten thousand years is clipped to the coverage.
    let absurd = client.get(&range("00000101/99991231")).await;
    assert_eq!(absurd.body, client.get(LONG).await.body);
    assert_eq!(reads(), 2);
}

#[tokio::test]
async fn an_unknown_project_is_named_with_the_nearest() {
    let (server, _folder) = server_with_a_year().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let of = |project: &str| LONG.replace("en.wikipedia", project);
    let nearest = r#","reason":"unknown-project","nearest":"en.wikipedia"}"#;
    for (project, ending) in [
        ("en.wikipeda", nearest),
        ("zebra", r#","reason":"unknown-project"}"#),
        // Sums are no projects.
        ("all-wikipedia-projects", r#","reason":"no-data"}"#),
    ] {
        // Also from the cache.
        for _ in 0..2 {
            let response = client.get(&of(project)).await;
            assert_eq!(response.status, 404);
            assert!(response.text().ends_with(ending), "{project}: {}", response.text());
        }
    }
    let status = client.get(&of("zebra")).await;
    let status = status.header("cache-status").unwrap();
    assert!(status.ends_with("; detail=unknown-project"), "{status}");
}

#[tokio::test]
async fn the_datasets_page_lists_first_and_last_periods() {
    let (server, _folder) = server_with_a_year().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let expected = r#"{"items":[{"dataset":"pageviews-per-article-daily","granularity":"daily","first":"2024-01-01","last":"2024-12-28","endpoints":[{"endpoint":"pageviews/per-article","granularities":["daily","monthly"]}]}]}"#;
    for prefix in ["/metrics", "/api/rest_v1/metrics", "/wikimedia.org/v1/metrics"] {
        let page = client.get(&format!("{prefix}/datasets")).await;
        assert_eq!((page.status, page.text()), (200, expected));
        assert_eq!(page.header("content-type"), Some("application/json; charset=utf-8"));
    }
}

#[tokio::test]
async fn purges_survive_a_restart() {
    use aqs_origin::epochs::{PurgeMode, Scope, Validity};
    use aqs_proxy::config::{Config, StateDir};
    use aqs_proxy::server::Parts;
    let folder = tempfile::tempdir().unwrap();
    let rows = aqs_scenarios::rows("per_article");
    let store = store_of(&rows, folder.path());
    let state = StateDir::At(folder.path().join("state"));
    let with_state = || Config { state: state.clone(), ..config() };
    let first = server(with_state(), store.clone()).await;
    let query = {
        let target = aqs_api::Target::parse(LONG).unwrap();
        first.components.origin.catalogue().resolve(target).unwrap()
    };
    let tags = aqs_origin::ReadPlan::new(query.clone(), first.components.origin.catalogue()).tags();
    let before = first.components.origin.epochs.current();
    first
        .components
        .origin
        .purge(Scope::Endpoint("pageviews/per-article"), PurgeMode::Hard)
        .unwrap();
    let after = first.components.origin.epochs.current();
    assert!(first.drain().await);
    let second = server(with_state(), store).await;
    let epochs = &second.components.origin.epochs;
    assert_eq!(epochs.validity(before, &tags), Validity::Invalid);
    assert_eq!(epochs.validity(after, &tags), Validity::Valid);
    // The directory is in use.
    let sockets = Server::bind(&config()).unwrap();
    let third = Server::start(
        sockets,
        &with_state(),
        Parts::new(
            aqs_origin::stores::StoreName::Embedded,
            crate::support::catalogue(),
            store_of(&rows, tempfile::tempdir().unwrap().path()),
        ),
    )
    .await;
    assert!(matches!(third, Err(aqs_proxy::server::StartError::State(_))));
}

#[tokio::test]
async fn if_match_is_a_condition() {
    let (server, _folder) = super::connections::server().await;
    let mut client = Client::connect(server.addresses[0]).await;
    let target = "/metrics/pageviews/top/en.wikipedia/all-access/2024/01/all-days";
    let etag = client.get(target).await.header("etag").unwrap().to_owned();
    let weak = format!("W/{etag}");
    let absent = "/metrics/pageviews/top/en.wikipedia/all-access/2031/01/all-days";
    for (target, lines, status) in [
        (target, vec![("if-match", etag.as_str())], 200),
        (target, vec![("if-match", "*")], 200),
        (target, vec![("if-match", "\"x\""), ("if-match", etag.as_str())], 200),
        (target, vec![("if-match", "\"x\"")], 412),
        (target, vec![("if-match", weak.as_str())], 412),
        (target, vec![("if-match", "\"x\""), ("if-none-match", etag.as_str())], 412),
        (target, vec![("if-match", etag.as_str()), ("if-none-match", weak.as_str())], 304),
        (target, vec![("if-none-match", "\"x\""), ("if-none-match", etag.as_str())], 304),
        (absent, vec![("if-match", "\"x\"")], 404),
    ] {
        let response = client.request("GET", target.as_bytes(), &lines).await;
        assert_eq!(response.status, status, "{lines:?}");
    }
}
