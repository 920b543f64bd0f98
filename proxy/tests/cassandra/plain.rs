//! A node without passwords and TLS.

use crate::node::Node;
use crate::rows::{create_tables, insert, replace, run};
use crate::service::{Program, get, start_ready, wait_for, wait_for_status, wait_for_uncached};
use crate::support::catalogue;
use crate::support::scenario::run as run_scenarios;
use aqs_api::tables::{PAGEVIEWS_PER_PROJECT, UNIQUE_DEVICES};
use aqs_origin::store::cassandra::{Options, cql};
use aqs_scenarios::{Outcome, topics};
use std::time::Duration;

const DEVICES: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240101";
const VIEWS: &str =
    "/metrics/pageviews/aggregate/en.wikipedia/all-access/user/daily/20240101/20240101";

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn every_scenario_answers_as_on_the_embedded_store() {
    let node = Node::from_env().await;
    let session = node.session().await;
    create_tables(&session, &catalogue(), 1).await;
    let mut outcome = Outcome::default();
    for topic in topics() {
        replace(&session, &catalogue(), &topic).await;
        let server = start_ready(node.options()).await;
        run_scenarios(&topic.scenarios, server.addresses[0], &mut outcome).await;
        assert!(server.drain().await, "connections were left");
    }
    outcome.assert(380);
}

/// The configuration of a service's repository for its own tests.
const UPSTREAM: &str = "\
service_name: device-analytics
base_uri: /metrics/unique-devices
listen_address: localhost
listen_port: 0
log_level: info
context_timeout: 40
cassandra:
  port: 9042
  consistency: one
  hosts:
    - localhost
  local_dc: datacenter1
  authentication:
    username: cassandra
    password: cassandra
  tls:
    ca:
";

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn the_configuration_of_an_upstream_service_starts_the_program() {
    let node = Node::from_env().await;
    let session = node.with_empty_tables().await;
    insert(&session, &UNIQUE_DEVICES, &devices(3)).await;
    let (host, port) = node.host_and_port();
    let config = UPSTREAM.replace("9042", port).replace("- localhost", &format!("- {host}"));
    let home = tempfile::tempdir().unwrap();
    let program = Program::start(home.path(), &config);
    let answer = wait_for_status(program.address, DEVICES, 200).await;
    assert_eq!(
        answer.text(),
        r#"{"items":[{"project":"en.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"20240101","devices":3,"offset":1,"underestimate":2}]}"#
    );
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn the_newest_of_rows_that_differ_only_in_tid_is_served() {
    let node = Node::from_env().await;
    let session = node.with_empty_tables().await;
    insert(&session, &UNIQUE_DEVICES, &devices(3)).await;
    for (tid, count) in [
        ("c0000000-1dd2-11b2-8080-808080808080", 2),
        ("00000000-7de2-11ef-8080-808080808080", 4),
        ("00000000-5de2-11ee-8080-808080808080", 3),
    ] {
        let row = devices(count).replace('}', &format!(",\"_tid\":\"{tid}\"}}"));
        insert(&session, &UNIQUE_DEVICES, &row).await;
    }
    let server = start_ready(node.options()).await;
    let answer = get(server.addresses[0], DEVICES).await;
    assert_eq!(answer.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(answer.json()["items"][0]["devices"], 4);
    assert!(server.drain().await);
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_dropped_keyspace_answers_503_until_it_is_recreated() {
    let node = Node::from_env().await;
    let session = node.with_empty_tables().await;
    insert(&session, &UNIQUE_DEVICES, &devices(3)).await;
    insert(&session, &PAGEVIEWS_PER_PROJECT, &views(r#""v":7"#)).await;
    let server = start_ready(with_frequent_refreshes(&node)).await;
    let (address, admin) = (server.addresses[0], server.admin_addresses[0]);
    assert_eq!(get(address, VIEWS).await.status, 200);

    let keyspace = cql::keyspace(&UNIQUE_DEVICES);
    run(&session, &format!("DROP KEYSPACE {}", cql::quote(&keyspace))).await;
    let missing = wait_for_status(address, DEVICES, 503).await;
    assert!(!missing.text().contains(&keyspace), "{}", missing.text());
    // It is ready: all other tables can be read.
    let warned = wait_for(admin, "/readyz", |page| page.text().contains(UNIQUE_DEVICES.name)).await;
    assert_eq!(warned.status, 200);
    // Other tables are read from the store.
    let other = VIEWS.replace("/user/", "/spider/");
    assert_eq!(get(address, &other).await.status, 404);
    assert_eq!(get(address, VIEWS).await.status, 200);

    create_tables(&session, &catalogue(), 1).await;
    insert(&session, &UNIQUE_DEVICES, &devices(5)).await;
    let restored = wait_for_status(address, DEVICES, 200).await;
    assert_eq!(restored.json()["items"][0]["devices"], 5);
    wait_for(admin, "/readyz", |page| !page.text().contains("warnings")).await;
    assert!(server.drain().await);
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_table_that_is_configured_as_absent_is_empty() {
    let node = Node::from_env().await;
    let session = node.with_empty_tables().await;
    let keyspace = cql::quote(&cql::keyspace(&UNIQUE_DEVICES));
    run(&session, &format!("DROP KEYSPACE {keyspace}")).await;
    let absent = vec![UNIQUE_DEVICES.name.to_owned()];
    let server = start_ready(Options { absent, ..with_frequent_refreshes(&node) }).await;
    assert_eq!(get(server.addresses[0], DEVICES).await.status, 404);

    create_tables(&session, &catalogue(), 1).await;
    insert(&session, &UNIQUE_DEVICES, &devices(5)).await;
    let answer = wait_for_uncached(&server, DEVICES, |answer| answer.status == 200).await;
    assert_eq!(answer.json()["items"][0]["devices"], 5);
    assert!(server.drain().await);
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_column_that_is_added_is_read_without_a_restart() {
    let node = Node::from_env().await;
    let session = node.with_empty_tables().await;
    let table = cql::data(&PAGEVIEWS_PER_PROJECT);
    // The table before `v` was added.
    run(&session, &format!("ALTER TABLE {table} DROP v")).await;
    insert(&session, &PAGEVIEWS_PER_PROJECT, &views(r#""views":7"#)).await;
    let server = start_ready(with_frequent_refreshes(&node)).await;
    let address = server.addresses[0];
    let old = get(address, VIEWS).await;
    assert_eq!(old.json()["items"][0]["views"], 7, "{}", old.text());

    run(&session, &format!("ALTER TABLE {table} ADD v bigint")).await;
    insert(&session, &PAGEVIEWS_PER_PROJECT, &views(r#""v":9,"views":null"#)).await;
    wait_for_uncached(&server, VIEWS, |answer| {
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["items"][0]["views"] == 9
    })
    .await;
    assert!(server.drain().await);
}

/// Options with frequent refreshes.
fn with_frequent_refreshes(node: &Node) -> Options {
    Options { probe_every: Duration::from_millis(200), ..node.options() }
}

fn devices(count: u32) -> String {
    format!(
        r#"{{"project":"en.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"20240101","devices":{count},"offset":1,"underestimate":2}}"#
    )
}

fn views(values: &str) -> String {
    format!(
        r#"{{"project":"en.wikipedia","access":"all-access","agent":"user","granularity":"daily","timestamp":"2024010100",{values}}}"#
    )
}
