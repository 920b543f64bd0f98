//! A node with passwords and TLS.

use crate::node::Node;
use crate::relay::Relay;
use crate::rows::{create_tables, insert, replace, run};
use crate::service::{Program, get, start, start_ready, wait_for, wait_for_status};
use crate::support::catalogue;
use crate::support::scenario::run as run_scenarios;
use aqs_api::tables::UNIQUE_DEVICES;
use aqs_origin::store::cassandra::{Credentials, Options, Tls, cql};
use aqs_scenarios::{Outcome, topics};

const DEVICES: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240101/20240101";
const ROW: &str = r#"{"project":"en.wikipedia","access-site":"all-sites","granularity":"daily","timestamp":"20240101","devices":3}"#;

/// Runs the first two scenarios with data of each topic, and the first without.
#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn some_scenarios_answer_as_on_the_embedded_store() {
    let node = Node::from_env().await;
    assert!(node.ca.is_some() && node.credentials.is_some(), "this node is not a secured one");
    let session = node.session().await;
    create_tables(&session, &catalogue(), 1).await;
    let mut outcome = Outcome::default();
    for topic in topics() {
        replace(&session, &catalogue(), &topic).await;
        let server = start_ready(node.options()).await;
        let with = |status| topic.scenarios.iter().filter(move |each| each.status == status);
        let some = with(200).take(2).chain(with(404).take(1));
        run_scenarios(some, server.addresses[0], &mut outcome).await;
        assert!(server.drain().await, "connections were left");
    }
    outcome.assert(18);
}

/// The values of production's chart, but for the address.
const PRODUCTION: &str = include_str!("../fixtures/production.yaml");

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn the_production_configuration_and_user_suffice() {
    let node = Node::from_env().await;
    let session = node.with_empty_tables().await;
    insert(&session, &UNIQUE_DEVICES, ROW).await;
    let role = "CREATE ROLE IF NOT EXISTS device_analytics WITH LOGIN = true AND PASSWORD = ";
    run(&session, &format!("{role}'geheim'")).await;
    run(&session, &cql::grant(&cql::keyspace(&UNIQUE_DEVICES), "device_analytics")).await;
    let (host, port) = node.host_and_port();
    let config = PRODUCTION
        .replace("9042", port)
        .replace("aqs1010-a.eqiad.wmnet", host)
        .replace("local_dc: eqiad", "local_dc: datacenter1")
        .replace(
            "/etc/ssl/certs/wmf-ca-certificates.crt",
            node.ca.as_ref().unwrap().to_str().unwrap(),
        );
    let home = tempfile::tempdir().unwrap();
    let program = Program::start(home.path(), &config);
    let answer = wait_for_status(program.address, DEVICES, 200).await;
    assert_eq!(answer.json()["items"][0]["devices"], 3);
    // A forbidden table is not one without data, and waiting doesn't help.
    let views = "/metrics/pageviews/aggregate/en.wikipedia/all-access/user/daily/20240101/20240101";
    assert_eq!(get(program.address, views).await.status, 500);
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_node_with_a_certificate_for_another_name_is_refused_unless_names_are_not_checked() {
    let node = Node::from_env().await;
    let session = node.with_empty_tables().await;
    insert(&session, &UNIQUE_DEVICES, ROW).await;
    // The certificate of the test environment names 127.0.0.1 to 127.0.0.9.
    // The node reports its own address, and the driver takes the port of the contact point.
    let own = Relay::start(&node.address).await;
    let other = ([127, 0, 0, 99], own.address.port()).into();
    let relay = Relay::listen_on(other, &node.address).await;
    let options = |check_names| Options {
        hosts: vec![relay.address.to_string()],
        tls: Tls { check_names, ..node.options().tls },
        ..node.options()
    };
    let server = start(options(true)).await;
    let refused =
        wait_for(server.admin_addresses[0], "/readyz", |page| page.text().contains("check_names"));
    assert_eq!(refused.await.status, 503);
    assert_eq!(get(server.addresses[0], DEVICES).await.status, 503);
    assert!(server.drain().await);
    let server = start_ready(options(false)).await;
    assert_eq!(get(server.addresses[0], DEVICES).await.status, 200);
    assert!(server.drain().await);
    relay.stop().await;
    own.stop().await;
}

#[tokio::test]
#[ignore = "needs a Cassandra"]
async fn a_wrong_password_is_reported_and_retried() {
    let node = Node::from_env().await;
    let session = node.with_empty_tables().await;
    insert(&session, &UNIQUE_DEVICES, ROW).await;
    run(&session, "DROP ROLE IF EXISTS latecomer").await;
    let password = "noch nicht";
    let credentials =
        Credentials { username: "latecomer".to_owned(), password: password.to_owned() };
    let server = start(Options { credentials: Some(credentials), ..node.options() }).await;
    let refused = wait_for_status(server.addresses[0], DEVICES, 503).await;
    assert!(!refused.text().contains("latecomer"), "{}", refused.text());
    let refused =
        wait_for(server.admin_addresses[0], "/readyz", |page| page.text().contains("latecomer"))
            .await;
    assert_eq!(refused.status, 503);
    assert!(!refused.text().contains(password), "{}", refused.text());

    let role = format!("CREATE ROLE latecomer WITH LOGIN = true AND PASSWORD = '{password}'");
    run(&session, &role).await;
    for table in catalogue().tables() {
        run(&session, &cql::grant(&cql::keyspace(table), "latecomer")).await;
    }
    assert_eq!(
        wait_for_status(server.addresses[0], DEVICES, 200).await.json()["items"][0]["devices"],
        3
    );
    wait_for_status(server.admin_addresses[0], "/readyz", 200).await;
    assert!(server.drain().await);
}
