//! Readiness with a hot set and without a store, and metrics.

use super::{DEVICES, EN, FIRST, built, cache_status, hot, store_with_days, with_plans};
use crate::support::client::Client;
use crate::support::scripted::Behaviour;
use crate::support::{server, server_at};
use aqs_origin::Clock;
use aqs_proxy::config::{Config, StateDir};
use std::time::Duration;

#[test]
fn a_restored_hot_set_is_served_and_makes_ready_if_configured() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with_days();
    let config = |ready_alone| {
        let state = StateDir::At(folder.path().join("state"));
        let mut config = Config { state, ..with_plans(DEVICES) };
        config.hot_set.ready_alone = ready_alone;
        config
    };
    // Each runtime ends with all that runs on it.
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let ready = async |admin| Client::connect(admin).await.get("/readyz").await.status;

    store.set_behaviour(Behaviour::Fails);
    runtime().block_on(async {
        let server = server(config(true), store.clone()).await;
        assert_eq!(ready(server.admin_addresses[0]).await, 503, "there is none yet");
    });
    store.set_behaviour(Behaviour::Answers);
    let old = runtime().block_on(async { built(&server(config(true), store.clone()).await).await });
    store.set_behaviour(Behaviour::Fails);
    for (ready_alone, status) in [(true, 200), (false, 503)] {
        runtime().block_on(async {
            let server = server(config(ready_alone), store.clone()).await;
            assert_eq!(ready(server.admin_addresses[0]).await, status);
            let mut client = Client::connect(server.addresses[0]).await;
            for target in [EN, FIRST] {
                assert_eq!(cache_status(&client.get(target).await), hot(old));
            }
            assert_eq!(client.get(&EN.replace("29", "30")).await.status, 503);
        });
    }
}

/// The value of a line of the metrics.
async fn metric(admin: std::net::SocketAddr, labels: &[&str]) -> f64 {
    let page = Client::connect(admin).await.get("/metrics").await;
    let has = |line: &&str| labels.iter().all(|label| line.contains(label));
    let line = page.text().lines().find(|line| !line.starts_with('#') && has(line));
    line.and_then(|line| line.rsplit(' ').next()).map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn hot_set_hits_are_counted() {
    let store = store_with_days();
    let clock = Clock::set(aqs_origin::Moment(1_790_000_000_000));
    let server = server_at(with_plans(DEVICES), store.clone(), clock.clone()).await;
    let generation = built(&server).await;
    let admin = server.admin_addresses[0];
    let mut client = Client::connect(server.addresses[0]).await;
    for _ in 0..3 {
        client.get(EN).await;
    }
    let tag = client.get(EN).await.header("etag").unwrap().to_owned();
    client.request("GET", EN.as_bytes(), &[("if-none-match", &tag)]).await;
    client.request("HEAD", EN.as_bytes(), &[]).await;
    let counted = async |cache: &str, status: &str| {
        let (cache, status) = (format!("cache=\"{cache}\""), format!("status=\"{status}\""));
        let labels = ["aqs_requests_total{", &cache, &status, "unique-devices"];
        metric(admin, &labels).await
    };
    assert_eq!(counted("hotset", "200").await, 5.0);
    assert_eq!(counted("hotset", "304").await, 1.0);
    assert_eq!(metric(admin, &["aqs_hot_set_generation "]).await, generation as f64);
    assert_eq!(metric(admin, &["aqs_hot_set_keys "]).await, 2.0);

    store.hold(Some("first.wikipedia"));
    clock.advance(Duration::from_secs(27 * 3600));
    client.get(EN).await;
    assert_eq!(counted("hotset-stale", "200").await, 1.0);
    assert_eq!(counted("hotset", "200").await, 5.0);
    store.hold(None);
}
