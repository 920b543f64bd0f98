//! Missing, altered and unreachable tables and nodes, and coverage.

use crate::node::Node;
use crate::relay::{Mode, Relay};
use crate::rows::{create_tables, empty, insert, run};
use crate::service::{get, start, start_ready, wait_for_status, wait_for_uncached};
use crate::support::catalogue;
use aqs_api::tables::{PAGEVIEWS_PER_ARTICLE, TOP_BY_COUNTRY, TOP_PAGEVIEWS, UNIQUE_DEVICES};
use aqs_origin::store::cassandra::{ConfiguredExtent, Options, cql};
use aqs_proxy::server::Server;
use scylla::client::session::Session;
use std::net::SocketAddr;
use std::time::Duration;

const DEVICES: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240131";
const ARTICLE: &str = "/metrics/pageviews/per-article/en.wikipedia/all-access/all-agents/Main_Page/daily/20240101/20240131";

/// A node with all tables, which are empty.
async fn with_empty_tables() -> (Node, Session) {
    let node = Node::from_env().await;
    let session = node.session().await;
    // An earlier test may have left an altered table.
    let odd = format!("DROP TABLE IF EXISTS {}", cql::data(&UNIQUE_DEVICES));
    let _ = session.query_unpaged(odd, ()).await;
    create_tables(&session, &catalogue(), 1).await;
    empty(&session, &catalogue()).await;
    (node, session)
}

async fn devices(session: &Session, day: &str, count: u32) {
    let row = format!(
        r#"{{"project":"en.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"{day}","devices":{count}}}"#
    );
    insert(session, &UNIQUE_DEVICES, &row).await;
}

/// The `name` values of an answer's items.
async fn figures(address: SocketAddr, target: &str, name: &str) -> Vec<u64> {
    let answer = get(address, target).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let items = answer.json()["items"].clone();
    items.as_array().unwrap().iter().map(|item| item[name].as_u64().unwrap()).collect()
}

/// Waits until readiness fails for a reason.
async fn wait_for_issue(server: &Server, reason: &str) {
    let mut last = String::new();
    let polling = async {
        while !last.contains(reason) {
            let page = get(server.admin_addresses[0], "/readyz").await;
            assert_eq!(page.status, 503);
            last = page.text().to_owned();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reported = tokio::time::timeout(Duration::from_secs(60), polling).await;
    assert!(reported.is_ok(), "{last}");
}

async fn datasets(server: &Server) -> String {
    get(server.addresses[0], "/metrics/datasets").await.text().to_owned()
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn integers_of_another_width_and_nulls_are_read() {
    let (node, session) = with_empty_tables().await;
    let table = cql::data(&UNIQUE_DEVICES);
    // A table with another choice of integer types.
    run(&session, &format!("DROP TABLE {table}")).await;
    let narrow = cql::create_table(&UNIQUE_DEVICES)
        .replace("\"devices\" bigint", "\"devices\" int")
        .replace("\"offset\" bigint", "\"offset\" varint");
    run(&session, &narrow).await;
    insert(&session, &UNIQUE_DEVICES, r#"{"project":"en.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"20240101","devices":2147483647,"offset":70000,"underestimate":4294967296}"#).await;
    devices(&session, "20240102", 5).await;
    let server = start_ready(node.options()).await;
    let address = server.addresses[0];
    assert_eq!(figures(address, DEVICES, "devices").await, [2_147_483_647, 5]);
    assert_eq!(figures(address, DEVICES, "offset").await, [70_000, 0]);
    assert_eq!(figures(address, DEVICES, "underestimate").await, [4_294_967_296, 0]);
    assert!(server.drain().await);
    run(&session, &format!("DROP TABLE {table}")).await;
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_table_recreated_with_other_types_is_read() {
    let (node, session) = with_empty_tables().await;
    devices(&session, "20240101", 3).await;
    let server = start_ready(node.options()).await;
    assert_eq!(figures(server.addresses[0], DEVICES, "devices").await, [3]);
    let table = cql::data(&UNIQUE_DEVICES);
    run(&session, &format!("DROP TABLE {table}")).await;
    let narrow = cql::create_table(&UNIQUE_DEVICES).replace("bigint", "int");
    run(&session, &narrow).await;
    devices(&session, "20240101", 4).await;
    wait_for_uncached(&server, DEVICES, |answer| {
        assert_ne!(answer.status, 500, "{}", answer.text());
        answer.status == 200 && answer.json()["items"][0]["devices"] == 4
    })
    .await;
    assert!(server.drain().await);
    run(&session, &format!("DROP TABLE {table}")).await;
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_column_of_an_unfit_type_fails_alone_and_is_named() {
    let (node, session) = with_empty_tables().await;
    let table = cql::data(&UNIQUE_DEVICES);
    run(&session, &format!("DROP TABLE {table}")).await;
    let unfit =
        cql::create_table(&UNIQUE_DEVICES).replace("\"offset\" bigint", "\"offset\" boolean");
    run(&session, &unfit).await;
    let server = start_ready(node.options()).await;
    let failed = get(server.addresses[0], DEVICES).await;
    assert_eq!(failed.status, 500, "{}", failed.text());
    assert!(!failed.text().contains("boolean"), "{}", failed.text());
    let page = get(server.admin_addresses[0], "/readyz").await;
    let expected =
        "table unique_devices: column \\\"offset\\\" is of type boolean instead of an integer";
    assert!(page.text().contains(expected), "{}", page.text());
    assert_eq!(get(server.addresses[0], ARTICLE).await.status, 404);
    run(&session, &format!("DROP TABLE {table}")).await;
    create_tables(&session, &catalogue(), 1).await;
    wait_for_status(server.addresses[0], DEVICES, 404).await;
    assert!(server.drain().await);
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_node_that_starts_late_is_connected_to() {
    let (node, session) = with_empty_tables().await;
    devices(&session, "20240101", 3).await;
    let relay = Relay::start(&node.address).await;
    relay.set_mode(Mode::Reset);
    let options = Options { hosts: vec![relay.address.to_string()], ..node.options() };
    let server = start(options).await;
    assert_eq!(get(server.addresses[0], DEVICES).await.status, 503);
    wait_for_issue(&server, "Cassandra: ").await;
    relay.set_mode(Mode::Forward);
    wait_for_status(server.admin_addresses[0], "/readyz", 200).await;
    assert_eq!(figures(server.addresses[0], DEVICES, "devices").await, [3]);
    assert!(server.drain().await);
    relay.stop().await;
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn connection_failures_are_reported_with_the_likely_mistake() {
    let node = Node::from_env().await;
    let (_, port) = node.host_and_port();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (options, expected) in [
        (
            Options { hosts: vec![closed.to_string()], ..node.options() },
            "connection refused; does Cassandra run there",
        ),
        (
            Options { hosts: vec![format!("no.such.host.invalid:{port}")], ..node.options() },
            "failed to resolve all names in cassandra.hosts",
        ),
        (
            Options { local_dc: Some("eqiat".to_owned()), ..node.options() },
            "no node is in the data centre \\\"eqiat\\\" (cassandra.local_dc); there are: datacenter1",
        ),
    ] {
        let server = start(options).await;
        wait_for_issue(&server, expected).await;
        assert_eq!(get(server.addresses[0], DEVICES).await.status, 503);
        assert!(server.drain().await);
    }
    // One wrong name among several does no harm.
    let hosts = vec![format!("no.such.host.invalid:{port}"), node.address.clone()];
    let server = start_ready(Options { hosts, ..node.options() }).await;
    assert!(server.drain().await);
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn coverage_is_probed_and_changes_are_noticed() {
    let (node, session) = with_empty_tables().await;
    devices(&session, "20240105", 1).await;
    devices(&session, "20240108", 2).await;
    let months = [month_from_now(-3), month_from_now(-2)];
    for (year, month) in &months {
        let row = format!(
            r#"{{"project":"en.wikipedia","access":"all-access","year":"{year}","month":"{month}","countriesJSON":"[]"}}"#
        );
        insert(&session, &TOP_BY_COUNTRY, &row).await;
    }
    for (year, month, day) in [day_from_today(-4), day_from_today(-3), day_from_today(-2)] {
        let row = format!(
            r#"{{"project":"en.wikipedia","access":"all-access","year":"{year}","month":"{month}","day":"{day}","articlesJSON":"[]"}}"#
        );
        insert(&session, &TOP_PAGEVIEWS, &row).await;
    }
    let options = Options { probe_every: Duration::from_millis(200), ..node.options() };
    let server = start_ready(options).await;
    let page = datasets(&server).await;
    let line = |name: &str, granularity: &str, first: &str, last: &str| {
        format!(
            r#"{{"dataset":"{name}","granularity":"{granularity}","first":"{first}","last":"{last}","#
        )
    };
    let expected = line("unique-devices-daily", "daily", "2024-01-05", "2024-01-08");
    assert!(page.contains(&expected), "{page}");
    let digits = |(year, month, day): (String, String, String)| format!("{year}-{month}-{day}");
    let expected = line(
        "pageviews-top-daily",
        "daily",
        &digits(day_from_today(-4)),
        &digits(day_from_today(-2)),
    );
    assert!(page.contains(&expected), "{page}");
    let of = |(year, month): &(String, String)| format!("{year}-{month}");
    let expected =
        line("pageviews-top-by-country-monthly", "monthly", &of(&months[0]), &of(&months[1]));
    assert!(page.contains(&expected), "{page}");
    assert!(!page.contains("legacy"), "{page}");

    // Another partition may reach further: it is read all the same.
    insert(&session, &UNIQUE_DEVICES, r#"{"project":"de.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"20240110","devices":9}"#).await;
    let address = server.addresses[0];
    let further = "/metrics/unique-devices/de.wikipedia/all-sites/daily/20240110/20240110";
    assert_eq!(figures(address, further, "devices").await, [9]);
    let beyond = get(address, &DEVICES.replace("202401", "202403")).await;
    let status = beyond.header("cache-status").unwrap_or_default().to_owned();
    assert!(beyond.status == 404 && status.contains("not-loaded"), "{status}");
    let before = get(address, &DEVICES.replace("202401", "202301")).await;
    let status = before.header("cache-status").unwrap_or_default().to_owned();
    assert!(before.status == 404 && status.contains("out-of-range"), "{status}");

    // A new newest period makes cached answers stale, and they are refreshed.
    assert_eq!(figures(address, DEVICES, "devices").await, [1, 2]);
    devices(&session, "20240109", 3).await;
    let fresh = async {
        while figures(address, DEVICES, "devices").await != [1, 2, 3] {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), fresh).await.is_ok());
    assert!(datasets(&server).await.contains("\"last\":\"2024-01-09\""));
    assert!(server.drain().await);
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_configured_extent_clips_and_is_not_probed() {
    let (node, session) = with_empty_tables().await;
    devices(&session, "20240105", 1).await;
    devices(&session, "20240108", 2).await;
    let digits = |text: &str| aqs_api::calendar::Digits::from_text(text).unwrap();
    let known = ConfiguredExtent { first: digits("20240101"), last: Some(digits("20240105")) };
    let extents = [("unique-devices-daily".to_owned(), known)].into();
    let server = start_ready(Options { extents, ..node.options() }).await;
    assert_eq!(figures(server.addresses[0], DEVICES, "devices").await, [1]);
    assert!(server.drain().await);
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_long_series_is_read_over_many_pages() {
    let (node, session) = with_empty_tables().await;
    // More rows than two pages hold: every hour of 600 days.
    let day = |day: i64| jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(day);
    let insert = format!(
        r#"INSERT INTO {} ("_domain","project","article","granularity","timestamp","_tid","aa") VALUES ('analytics.wikimedia.org','en.wikipedia','Main_Page','daily',?,13814000-1dd2-11b2-8080-808080808080,1)"#,
        cql::data(&PAGEVIEWS_PER_ARTICLE)
    );
    let statement = session.prepare(insert).await.unwrap();
    for number in 0..600 {
        let day = day(number).strftime("%Y%m%d").to_string();
        let hours = (0..24).map(|hour| format!("{day}{hour:02}"));
        let writes = hours.map(|timestamp| {
            let (session, statement) = (&session, &statement);
            async move { session.execute_unpaged(statement, (timestamp,)).await.unwrap() }
        });
        for write in writes {
            write.await;
        }
    }
    let server = start_ready(node.options()).await;
    let target = ARTICLE.replace("20240101/20240131", "20200101/20211231");
    assert_eq!(figures(server.addresses[0], &target, "views").await.len(), 600 * 24);
    assert!(server.drain().await);
}

/// A day relative to today, as texts of a key.
fn day_from_today(days: i64) -> (String, String, String) {
    let date = today() + jiff::Span::new().days(days);
    (format!("{:04}", date.year()), format!("{:02}", date.month()), format!("{:02}", date.day()))
}

fn month_from_now(months: i64) -> (String, String) {
    let date = today().first_of_month() + jiff::Span::new().months(months);
    (format!("{:04}", date.year()), format!("{:02}", date.month()))
}

fn today() -> jiff::civil::Date {
    let days = aqs_origin::Clock::System.now().0 / 86_400_000;
    jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days as i64)
}
