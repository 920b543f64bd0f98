//! Three nodes that are stopped and stalled under load.

mod faults;

use crate::load::Load;
use crate::nodes::Nodes;
use crate::service::{get, start_ready, wait_for, wait_for_status, wait_for_uncached};
use crate::support::{catalogue, config, eventually, server};
use aqs_api::calendar::Digits;
use aqs_origin::Clock;
use aqs_origin::store::cassandra::{CassandraStore, ConfiguredExtent, Consistency, Options};
use aqs_proxy::config::Config;
use std::sync::Arc;

/// Answers of the store in a round of load.
const ROUND: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn the_loss_of_one_node_fails_no_request() {
    let nodes = Nodes::from_env().await;
    let server = start_ready(nodes.options()).await;
    let load = Load::start(server.addresses[0]);
    load.wait_for_answers(ROUND).await;

    nodes.script("down", &["--node", "2", "--kill"]).await;
    load.wait_for_answers(ROUND).await;
    nodes.script("up", &[]).await;
    load.wait_for_answers(ROUND).await;

    nodes.script("pause", &["--node", "3"]).await;
    load.wait_for_answers(2 * ROUND).await;
    nodes.script("resume", &["--node", "3"]).await;
    load.wait_for_answers(ROUND).await;
    load.stop_without_failure().await;
    assert!(server.drain().await);
}

/// A read reaches the third node, whichever node is tried first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn two_stalled_nodes_of_three_fail_no_request() {
    let nodes = Nodes::from_env().await;
    let options = Options { consistency: Consistency::LocalOne, ..nodes.options() };
    let server = start_ready(options).await;
    let load = Load::start(server.addresses[0]);
    load.wait_for_answers(ROUND).await;
    for node in ["1", "3"] {
        nodes.script("pause", &["--node", node]).await;
    }
    // Most reads need several attempts.
    load.wait_for_answers(ROUND / 4).await;
    for node in ["1", "3"] {
        nodes.script("resume", &["--node", node]).await;
    }
    load.wait_for_answers(ROUND).await;
    load.stop_without_failure().await;
    assert!(server.drain().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn cached_answers_are_served_while_every_node_is_down() {
    let nodes = Nodes::from_env().await;
    let server = start_ready(nodes.options()).await;
    let address = server.addresses[0];
    let cached = Load::target(7);
    assert_eq!(get(address, &cached).await.status, 200);

    nodes.script("down", &["--kill"]).await;
    for number in 1000..1050 {
        let answer = get(address, &Load::target(number)).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
        assert_eq!(get(address, &cached).await.status, 200);
    }
    // It stays ready, so that cached answers are served, and reports what is wrong.
    let admin = server.admin_addresses[0];
    let ready =
        wait_for(admin, "/readyz", |page| page.text().contains("no node is connected")).await;
    assert_eq!(ready.status, 200);

    nodes.script("up", &[]).await;
    wait_for_status(address, &Load::target(2000), 200).await;
    wait_for(admin, "/readyz", |page| !page.text().contains("warnings")).await;
    wait_for_uncached(&server, &cached, |answer| answer.status == 200).await;
    let components = server.components.clone();
    eventually(|| {
        components.tasks.is_empty() && components.service.misses.responses.under_way() == 0
    })
    .await;
    let load = Load::start(address);
    load.wait_for_answers(ROUND).await;
    load.stop_without_failure().await;
    assert!(server.drain().await);
}

/// A plan over the rows that load requests.
const PLAN: &str = "
- name: devices
  items:
    - endpoint: unique-devices
      values:
        project: [p0.wikipedia, p1.wikipedia, p2.wikipedia, p3.wikipedia]
        access-site: [all-sites]
        granularity: [daily]
      windows: [last 7 days, everything]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn the_hot_set_is_served_while_every_node_is_down() {
    let nodes = Nodes::from_env().await;
    let digits = |text| Digits::from_text(text).unwrap();
    let extent = ConfiguredExtent { first: digits("20240201"), last: Some(digits("20240228")) };
    let extents = [("unique-devices-daily".to_owned(), extent)].into();
    let options = Options { extents, ..nodes.options() };
    let cassandra = Some(options.clone());
    let store = CassandraStore::new(options, catalogue().datasets(), Clock::System).unwrap();
    let mut config = Config { cassandra, ..config() };
    config.hot_set.plans = serde_saphyr::from_str(PLAN).unwrap();
    let server = server(config, Arc::new(store)).await;
    let hot_set = Arc::clone(&server.components.service.lookup.hot_set);
    eventually(|| hot_set.live().is_some()).await;
    nodes.script("down", &["--kill"]).await;
    for project in 0..4 {
        for (days, first) in [(7, "20240222"), (28, "20240201")] {
            let target = format!(
                "/metrics/unique-devices/p{project}.wikipedia/all-sites/daily/{first}/20240228"
            );
            let answer = get(server.addresses[0], &target).await;
            let status = answer.header("cache-status").unwrap();
            assert_eq!(status, "aqs; hit; detail=\"hotset;gen=1\"", "{target}");
            assert_eq!(answer.json()["items"].as_array().unwrap().len(), days, "{target}");
        }
    }
    assert_eq!(get(server.addresses[0], &Load::target(7)).await.status, 503);
    nodes.script("up", &[]).await;
    assert!(server.drain().await);
}
