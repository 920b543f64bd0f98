//! Three nodes, and what happens to them while clients ask.

mod faults;

use crate::load::Load;
use crate::nodes::Nodes;
use crate::running::{becomes, comes, comes_anew, get, over};
use crate::support::{catalogue, config, eventually, server};
use aqs_api::calendar::Digits;
use aqs_origin::Clock;
use aqs_origin::store::cassandra::{CassandraStore, ConfiguredExtent, Consistency, Options};
use std::sync::Arc;

/// Answers of the store in a round of load.
const ROUND: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn the_loss_of_one_node_is_not_noticed() {
    let nodes = Nodes::given().await;
    let server = over(nodes.options()).await;
    let load = Load::on(server.addresses[0]);
    load.goes_on_for(ROUND).await;

    nodes.script("down", &["--node", "2", "--kill"]).await;
    load.goes_on_for(ROUND).await;
    nodes.script("up", &[]).await;
    load.goes_on_for(ROUND).await;

    nodes.script("pause", &["--node", "3"]).await;
    load.goes_on_for(2 * ROUND).await;
    nodes.script("resume", &["--node", "3"]).await;
    load.goes_on_for(ROUND).await;
    load.end_without_failure().await;
    assert!(server.drain().await);
}

/// A read reaches the third node, whichever nodes it begins with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn two_stalled_nodes_of_three_are_got_round() {
    let nodes = Nodes::given().await;
    let options = Options { consistency: Consistency::LocalOne, ..nodes.options() };
    let server = over(options).await;
    let load = Load::on(server.addresses[0]);
    load.goes_on_for(ROUND).await;
    for node in ["1", "3"] {
        nodes.script("pause", &["--node", node]).await;
    }
    // Most reads need several attempts.
    load.goes_on_for(ROUND / 4).await;
    for node in ["1", "3"] {
        nodes.script("resume", &["--node", node]).await;
    }
    load.goes_on_for(ROUND).await;
    load.end_without_failure().await;
    assert!(server.drain().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Cassandra"]
async fn without_nodes_what_is_kept_is_served_until_they_are_back() {
    let nodes = Nodes::given().await;
    let server = over(nodes.options()).await;
    let address = server.addresses[0];
    let kept = Load::target(7);
    assert_eq!(get(address, &kept).await.status, 200);

    nodes.script("down", &["--kill"]).await;
    for number in 1000..1050 {
        let answer = get(address, &Load::target(number)).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some());
        assert_eq!(get(address, &kept).await.status, 200);
    }
    // It stays ready, so that cached answers are served, and reports what is wrong.
    let admin = server.admin_addresses[0];
    let told = comes(admin, "/readyz", |told| told.text().contains("no node is connected")).await;
    assert_eq!(told.status, 200);

    nodes.script("up", &[]).await;
    becomes(address, &Load::target(2000), 200).await;
    comes(admin, "/readyz", |told| !told.text().contains("warnings")).await;
    comes_anew(&server, &kept, |answer| answer.status == 200).await;
    let components = server.components.clone();
    eventually(|| {
        components.tasks.is_empty() && components.service.misses.responses.under_way() == 0
    })
    .await;
    let load = Load::on(address);
    load.goes_on_for(ROUND).await;
    load.end_without_failure().await;
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
async fn what_was_built_ahead_is_served_while_every_node_is_down() {
    let nodes = Nodes::given().await;
    let digits = |text| Digits::from_text(text).unwrap();
    let extent = ConfiguredExtent { first: digits("20240201"), last: Some(digits("20240228")) };
    let extents = [("unique-devices-daily".to_owned(), extent)].into();
    let options = Options { extents, ..nodes.options() };
    let store = CassandraStore::new(options, &catalogue(), Clock::System).unwrap();
    let mut config = config();
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
            let told = answer.header("cache-status").unwrap();
            assert_eq!(told, "aqs; hit; detail=\"hotset;gen=1\"", "{target}");
            assert_eq!(answer.json()["items"].as_array().unwrap().len(), days, "{target}");
        }
    }
    assert_eq!(get(server.addresses[0], &Load::target(7)).await.status, 503);
    nodes.script("up", &[]).await;
    assert!(server.drain().await);
}
