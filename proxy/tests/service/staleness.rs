//! Stale and purged entries, and failing stores.

use crate::support::client::{Client, Response};
use crate::support::scripted::{Behaviour, Scripted};
use crate::support::{config, eventually, server, server_at};
use aqs_api::Target;
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_origin::{Clock, Moment};
use aqs_proxy::config::Config;
use aqs_proxy::server::Server;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DATASET: &str = "pageviews-aggregate-daily";

fn target(project: &str) -> String {
    format!(
        "/metrics/pageviews/aggregate/{project}.wikipedia/all-access/user/daily/20240101/20240131"
    )
}

fn views(response: &Response) -> u64 {
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()["items"][0]["views"].as_u64().unwrap()
}

fn cache_status(response: &Response) -> &str {
    response.header("cache-status").unwrap()
}

/// A server whose clock the test advances.
async fn server_with_clock(store: &Arc<Scripted>) -> (Server, Clock) {
    let clock = Clock::set(Moment(1_790_000_000_000));
    let server = server_at(config(), store.clone(), clock.clone()).await;
    (server, clock)
}

#[tokio::test]
async fn a_stale_response_is_served_while_one_refresh_runs() {
    let store = Scripted::open();
    let (server, clock) = server_with_clock(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    assert_eq!(views(&client.get(&target("en")).await), 1);
    store.value.store(2, Ordering::SeqCst);
    clock.advance(6 * MINUTE);
    let stale = client.get(&target("en")).await;
    assert_eq!((views(&stale), cache_status(&stale)), (1, "aqs; hit; ttl=-60"));
    assert_eq!(stale.header("cache-control"), Some("s-maxage=60"));
    eventually(|| {
        store.reads() == 2 && server.components.service.misses.responses.under_way() == 0
    })
    .await;
    let fresh = client.get(&target("en")).await;
    assert_eq!((views(&fresh), cache_status(&fresh)), (2, "aqs; hit; ttl=300"));
    assert_eq!(store.reads(), 2);
}

#[tokio::test]
async fn a_refresh_outlives_its_client_and_starts_once() {
    let store = Scripted::gated();
    let (server, clock) = server_with_clock(&store).await;
    store.let_one_pass();
    let mut client = Client::connect(server.addresses[0]).await;
    assert_eq!(views(&client.get(&target("en")).await), 1);
    clock.advance(6 * MINUTE);
    for _ in 0..20 {
        let mut client = Client::connect(server.addresses[0]).await;
        assert_eq!(views(&client.get(&target("en")).await), 1);
    }
    drop(client);
    store.value.store(2, Ordering::SeqCst);
    store.let_all_pass();
    eventually(|| server.components.service.misses.responses.under_way() == 0).await;
    assert_eq!(store.reads(), 2);
}

#[tokio::test]
async fn expired_entries_are_served_only_if_the_store_fails() {
    let store = Scripted::open();
    let (server, clock) = server_with_clock(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.get(&target("en")).await;
    clock.advance(120 * MINUTE);
    store.set_behaviour(Behaviour::Fails);
    let old = client.get(&target("en")).await;
    assert_eq!((views(&old), cache_status(&old)), (1, "aqs; hit; ttl=-6900; detail=store-error"));
    store.set_behaviour(Behaviour::Answers);
    store.value.store(2, Ordering::SeqCst);
    clock.advance(Duration::from_secs(6));
    let new = client.get(&target("en")).await;
    assert_eq!((views(&new), cache_status(&new)), (2, "aqs; fwd=stale; stored"));
    clock.advance(25 * 60 * MINUTE);
    store.set_behaviour(Behaviour::Fails);
    assert_eq!(client.get(&target("en")).await.status, 503);
}

#[tokio::test]
async fn a_refresh_under_way_is_neither_deferred_nor_a_store_error() {
    let store = Scripted::gated();
    let clock = Clock::set(Moment(1_790_000_000_000));
    let config = Config { refreshes: 1, ..config() };
    let server = server_at(config, store.clone(), clock.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    store.let_one_pass();
    client.get(&target("en")).await;
    // In the last second in which it may be refreshed in the background.
    clock.advance(60 * MINUTE - Duration::from_secs(1));
    for _ in 0..5 {
        let stale = client.get(&target("en")).await;
        assert_eq!((views(&stale), cache_status(&stale)), (1, "aqs; hit; ttl=-3299"));
    }
    // The one permit is taken, and hits on the entry do not ask for it.
    let metrics = &server.components.metrics;
    assert_eq!((metrics.refreshes.get(), metrics.refreshes_deferred.get()), (1, 0));
    clock.advance(Duration::from_secs(2));
    let stale = client.get(&target("en")).await;
    assert_eq!((views(&stale), cache_status(&stale)), (1, "aqs; hit; ttl=-3301"));
    store.let_all_pass();
}

#[tokio::test]
async fn a_store_timeout_is_a_store_error() {
    let store = Scripted::gated();
    let clock = Clock::set(Moment(1_790_000_000_000));
    let server = server_at(config(), store.clone(), clock.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    store.let_one_pass();
    client.get(&target("en")).await;
    clock.advance(120 * MINUTE);
    let stale = client.get(&target("en")).await;
    let expected = "aqs; hit; ttl=-6900; detail=store-error";
    assert_eq!((views(&stale), cache_status(&stale)), (1, expected));
    store.let_all_pass();
}

#[tokio::test]
async fn overload_is_not_a_store_error() {
    let store = Scripted::gated();
    let clock = Clock::set(Moment(1_790_000_000_000));
    let mut config = config();
    config.flights.waiters = 1;
    let server = server_at(config, store.clone(), clock.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    store.let_one_pass();
    client.get(&target("en")).await;
    clock.advance(120 * MINUTE);
    let mut waiting = Client::connect(server.addresses[0]).await;
    waiting.send(format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", target("de")).as_bytes()).await;
    eventually(|| server.components.service.misses.responses.waiting() == 1).await;
    let stale = client.get(&target("en")).await;
    assert_eq!((views(&stale), cache_status(&stale)), (1, "aqs; hit; ttl=-6900"));
    store.let_all_pass();
}

#[tokio::test]
async fn no_data_has_its_own_freshness_times() {
    let store = Scripted::open();
    store.set_behaviour(Behaviour::IsEmpty);
    let (server, clock) = server_with_clock(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    assert_eq!(client.get(&target("en")).await.status, 404);
    clock.advance(Duration::from_secs(59));
    assert_eq!(cache_status(&client.get(&target("en")).await), "aqs; hit; ttl=1");
    clock.advance(Duration::from_secs(2));
    store.set_behaviour(Behaviour::Fails);
    let old = client.get(&target("en")).await;
    assert_eq!((old.status, old.header("cache-control")), (404, Some("s-maxage=60")));
    store.set_behaviour(Behaviour::Answers);
    clock.advance(Duration::from_secs(6));
    assert_eq!(client.get(&target("en")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_minutes_without_a_store_fail_no_cached_request() {
    const ADDRESSES: usize = 60;
    for behaviour in [Behaviour::Fails, Behaviour::Hangs] {
        let store = Scripted::open();
        let clock = Clock::set(Moment(1_790_000_000_000));
        let answer_within = Duration::from_millis(200);
        let mut config = Config { answer_within, ..config() };
        config.flights.timeout = Duration::from_secs(1);
        let refreshes = config.refreshes;
        let server = server_at(config, store.clone(), clock.clone()).await;
        let mut client = Client::connect(server.addresses[0]).await;
        for number in 0..ADDRESSES {
            assert_eq!(views(&client.get(&target(&format!("p{number}"))).await), 1);
        }
        let before = store.reads();
        store.set_behaviour(behaviour);
        store.value.store(2, Ordering::SeqCst);
        for _ in 0..60 {
            clock.advance(Duration::from_secs(10));
            for number in 0..ADDRESSES {
                assert_eq!(views(&client.get(&target(&format!("p{number}"))).await), 1);
                // A refresh may time out just before its read.
                assert!(store.inside.load(Ordering::SeqCst) <= 2 * refreshes, "a stampede");
            }
        }
        let unknown = client.get(&target("never-requested")).await;
        assert!([503, 504].contains(&unknown.status), "{}", unknown.status);
        // Stale from the fifth minute on: at most one refresh in five seconds for each address.
        assert!(store.reads() - before <= ADDRESSES * 60, "{} reads", store.reads() - before);
        store.set_behaviour(Behaviour::Answers);
        eventually(|| {
            server.components.tasks.is_empty()
                && server.components.service.misses.responses.under_way() == 0
        })
        .await;
        clock.advance(Duration::from_secs(10));
        for number in 0..ADDRESSES {
            client.get(&target(&format!("p{number}"))).await;
        }
        // Recovery is spread over what refreshes are allowed at once; in the end all are new.
        eventually(|| server.components.tasks.is_empty()).await;
        for _ in 0..ADDRESSES {
            clock.advance(Duration::from_secs(6));
            for number in 0..ADDRESSES {
                client.get(&target(&format!("p{number}"))).await;
            }
            eventually(|| server.components.tasks.is_empty()).await;
        }
        for number in 0..ADDRESSES {
            assert_eq!(views(&client.get(&target(&format!("p{number}"))).await), 2);
        }
        drop(client);
        assert!(server.drain().await);
    }
}

#[tokio::test]
async fn a_failing_store_is_not_read_for_every_stale_hit() {
    let store = Scripted::open();
    let (server, clock) = server_with_clock(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.get(&target("en")).await;
    clock.advance(120 * MINUTE);
    for behaviour in [Behaviour::Fails, Behaviour::Hangs] {
        store.set_behaviour(behaviour);
        let before = store.reads();
        for _ in 0..100 {
            assert_eq!(views(&client.get(&target("en")).await), 1);
        }
        assert_eq!(store.reads() - before, 1, "{behaviour:?}");
        clock.advance(Duration::from_secs(6));
    }
}

#[tokio::test]
async fn a_hard_purge_invalidates_its_scope_only() {
    let store = Scripted::open();
    let server = server(config(), store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let other = "/metrics/unique-devices/de.wikipedia/all-sites/daily/20240101/20240131";
    let key = |target: &str| {
        server
            .components
            .origin
            .catalogue()
            .resolve(Target::parse(target).unwrap())
            .unwrap()
            .key()
            .stable_hash()
    };
    let en = target("en");
    let scopes = [
        (Scope::Everything, true),
        (Scope::Endpoint("pageviews/aggregate"), false),
        (Scope::Dataset(DATASET), false),
        (Scope::Project("en.wikipedia"), false),
        (Scope::Key(key(&en)), false),
    ];
    for (scope, meets_other) in scopes {
        client.get(&en).await;
        client.get(other).await;
        server.components.origin.purge(scope, PurgeMode::Hard).unwrap();
        let purged = client.get(&en).await;
        assert_eq!(cache_status(&purged), "aqs; fwd=stale; stored; detail=purged", "{scope:?}");
        let hit = cache_status(&client.get(other).await).starts_with("aqs; hit");
        assert_eq!(hit, !meets_other, "{scope:?}");
    }
    server.components.origin.purge(Scope::Project("fr.wikipedia"), PurgeMode::Hard).unwrap();
    assert!(cache_status(&client.get(&en).await).starts_with("aqs; hit"));
}

#[tokio::test]
async fn a_soft_purge_makes_entries_stale() {
    let store = Scripted::open();
    let server = server(config(), store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    client.get(&target("en")).await;
    store.value.store(2, Ordering::SeqCst);
    server.components.origin.purge(Scope::Project("en.wikipedia"), PurgeMode::Soft).unwrap();
    let stale = client.get(&target("en")).await;
    assert_eq!((views(&stale), cache_status(&stale)), (1, "aqs; hit; ttl=0"));
    eventually(|| server.components.tasks.is_empty()).await;
    assert_eq!(views(&client.get(&target("en")).await), 2);
}

#[tokio::test]
async fn a_load_makes_entries_of_its_dataset_stale() {
    let store = Scripted::open();
    store.load(DATASET, 1);
    store.load("unique-devices-daily", 1);
    let server = server(config(), store.clone()).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let other = "/metrics/unique-devices/de.wikipedia/all-sites/daily/20240101/20240131";
    client.get(&target("en")).await;
    client.get(other).await;
    store.load(DATASET, 2);
    let purged = server.components.origin.epochs.current();
    eventually(|| server.components.origin.epochs.current() > purged).await;
    assert_eq!(cache_status(&client.get(&target("en")).await), "aqs; hit; ttl=0");
    eventually(|| server.components.tasks.is_empty()).await;
    assert_eq!(views(&client.get(&target("en")).await), 2);
    assert!(cache_status(&client.get(other).await).starts_with("aqs; hit; ttl=2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_from_before_a_purge_is_not_served_after_it() {
    let store = Scripted::gated();
    let server = server(config(), store.clone()).await;
    let ask = || {
        let address = server.addresses[0];
        tokio::spawn(async move { Client::connect(address).await.get(&target("en")).await })
    };
    let before = ask();
    eventually(|| store.reads() == 1).await;
    store.value.store(2, Ordering::SeqCst);
    server.components.origin.purge(Scope::Everything, PurgeMode::Hard).unwrap();
    // It must not join the read from before.
    let after = ask();
    eventually(|| store.reads() == 2).await;
    store.let_all_pass();
    assert_eq!(views(&after.await.unwrap()), 2);
    assert_eq!(views(&before.await.unwrap()), 2);
    assert_eq!(views(&ask().await.unwrap()), 2);
}

/// Random requests, loads and purges: a request after a completed hard purge gets nothing from
/// before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn purged_entries_are_never_served() {
    const CLIENTS: usize = 16;
    const REQUESTS: usize = 400;
    let store = Scripted::open();
    store.jitters.store(true, Ordering::SeqCst);
    let server = server(config(), store.clone()).await;
    let floor = Arc::new(std::sync::atomic::AtomicU64::new(1));
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let (address, floor) = (server.addresses[0], Arc::clone(&floor));
        clients.push(tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            for turn in 0..REQUESTS {
                let least = floor.load(Ordering::SeqCst);
                let project = ["en", "de", "fr"][(number + turn) % 3];
                let response = client.get(&target(project)).await;
                // A request may fail under this many purges, but never gets an old answer.
                if response.status != 503 {
                    let got = views(&response);
                    assert!(got >= least, "{got} was served, but {least} was purged");
                }
            }
        }));
    }
    let scopes =
        [Scope::Everything, Scope::Dataset(DATASET), Scope::Endpoint("pageviews/aggregate")];
    let mut purges = 0;
    while clients.iter().any(|client| !client.is_finished()) {
        let value = store.value.fetch_add(1, Ordering::SeqCst) + 1;
        let depth = if purges % 5 == 4 { PurgeMode::Soft } else { PurgeMode::Hard };
        server.components.origin.purge(scopes[purges % 3], depth).unwrap();
        if depth == PurgeMode::Hard {
            floor.store(value, Ordering::SeqCst);
        }
        purges += 1;
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    for client in clients {
        client.await.unwrap();
    }
    assert!(purges > 20, "{purges} purges are too few to tell");
    assert!(store.reads() > 100, "{} reads are too few to tell", store.reads());
}

/// A range whose end is not loaded yet is kept by clients for a short time only.
#[tokio::test]
async fn clients_keep_a_range_that_is_not_loaded_whole_for_a_short_time() {
    let folder = tempfile::tempdir().unwrap();
    let rows = aqs_scenarios::rows("unique_devices");
    let store = crate::support::store_of(&rows, folder.path());
    let server = crate::support::server(crate::support::config(), store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let series = "/metrics/unique-devices/en.wikipedia/all-sites/daily";
    let page = client.get("/metrics/datasets").await.json();
    let items = page["items"].as_array().unwrap().clone();
    let daily = items.iter().find(|item| item["dataset"] == "unique-devices-daily").unwrap();
    let last = daily["last"].as_str().unwrap().replace('-', "");
    for (end, expected) in [
        (last.as_str(), "s-maxage=14400, max-age=14400"),
        ("20991231", "s-maxage=300, max-age=300"),
    ] {
        for _ in ["miss", "hit"] {
            let response = client.get(&format!("{series}/20200101/{end}")).await;
            assert_eq!(
                (response.status, response.header("cache-control")),
                (200, Some(expected)),
                "{end}"
            );
        }
        let etag = client
            .get(&format!("{series}/20200101/{end}"))
            .await
            .header("etag")
            .unwrap()
            .to_owned();
        let target = format!("{series}/20200101/{end}");
        let unchanged = client.request("GET", target.as_bytes(), &[("if-none-match", &etag)]).await;
        assert_eq!((unchanged.status, unchanged.header("cache-control")), (304, Some(expected)));
    }
}
