//! Stale and purged entries of the hot set.

use super::{DEVICES, EN, built, cache_status, devices, hot, store_with_days, with_plans};
use crate::support::client::Client;
use crate::support::scripted::Scripted;
use crate::support::{eventually, server_at};
use aqs_api::Target;
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_origin::{Clock, Moment};
use aqs_proxy::server::Server;
use aqs_warmers::generation::Provenance;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// A server whose hot set is built, and whose clock the test advances.
async fn server_with_clock(store: &Arc<Scripted>) -> (Server, Clock, u64) {
    let clock = Clock::set(Moment(1_790_000_000_000));
    let mut config = with_plans(DEVICES);
    // The value changes for all projects: only purged entries may show it.
    config.hot_set.checks.sample = 0;
    let server = server_at(config, store.clone(), clock.clone()).await;
    let generation = built(&server).await;
    (server, clock, generation)
}

#[tokio::test]
async fn a_soft_purge_serves_stale_hot_entries_until_a_refresh_or_build() {
    let store = store_with_days();
    let (server, clock, old) = server_with_clock(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    // The build that follows the purge waits at the first project.
    store.hold(Some("first.wikipedia"));
    store.value.store(2, Ordering::SeqCst);
    server.components.origin.purge(Scope::Everything, PurgeMode::Soft).unwrap();
    clock.advance(6 * MINUTE);
    let stale = client.get(EN).await;
    let expected = format!("aqs; hit; ttl=0; detail=\"hotset;gen={old}\"");
    assert_eq!((devices(&stale), cache_status(&stale)), (1, expected.as_str()));
    assert_eq!(stale.header("cache-control"), Some("s-maxage=60"));
    eventually(|| server.components.service.lookup.cache.len() == 1).await;
    let refreshed = client.get(EN).await;
    assert_eq!((devices(&refreshed), cache_status(&refreshed)), (2, "aqs; hit; ttl=300"));

    // Once stale, it is still newer than the entry of the generation.
    store.value.store(3, Ordering::SeqCst);
    for (later, ttl) in [(6 * MINUTE, -60), (120 * MINUTE, -7260)] {
        store.failing_project.lock().unwrap().replace("en.wikipedia");
        clock.advance(later);
        let stale = client.get(EN).await;
        let expected = format!("aqs; hit; ttl={ttl}");
        assert_eq!((devices(&stale), cache_status(&stale)), (2, expected.as_str()));
        eventually(|| server.components.service.misses.responses.under_way() == 0).await;
    }
    store.failing_project.lock().unwrap().take();

    store.hold(None);
    eventually(|| {
        server.components.service.lookup.hot_set.live().is_some_and(|live| live.id > old)
    })
    .await;
    let new = built(&server).await;
    let answer = client.get(EN).await;
    assert_eq!((devices(&answer), cache_status(&answer)), (3, hot(new).as_str()));
    assert_eq!(answer.header("cache-control"), Some("s-maxage=14400, max-age=14400"));
}

#[tokio::test]
async fn hot_entries_unconfirmed_for_too_long_are_stale() {
    let store = store_with_days();
    let (server, clock, old) = server_with_clock(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    store.hold(Some("first.wikipedia"));
    // The freshness times of the cache do not apply.
    clock.advance(26 * 60 * MINUTE - Duration::from_millis(1));
    assert_eq!(cache_status(&client.get(EN).await), hot(old));
    clock.advance(Duration::from_millis(1));
    let stale = client.get(EN).await;
    // It became stale this second.
    let expected = format!("aqs; hit; ttl=0; detail=\"hotset;gen={old}\"");
    assert_eq!(cache_status(&stale), expected);
    eventually(|| server.components.service.lookup.cache.len() == 1).await;
    assert_eq!(cache_status(&client.get(EN).await), "aqs; hit; ttl=300");
    // A build that finds it unchanged confirms it.
    store.hold(None);
    eventually(|| {
        server.components.service.lookup.hot_set.live().is_some_and(|live| live.id > old)
    })
    .await;
    let new = built(&server).await;
    assert_eq!(cache_status(&client.get(EN).await), hot(new));
}

#[tokio::test]
async fn hard_purged_entries_are_served_by_no_generation() {
    let store = store_with_days();
    let (server, clock, _) = server_with_clock(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let query = server.components.origin.catalogue().resolve(Target::parse(EN).unwrap()).unwrap();
    for (value, scope) in (2..).zip([
        Scope::Key(query.key().stable_hash()),
        Scope::Project("en.wikipedia"),
        Scope::Dataset("unique-devices-daily"),
        Scope::Endpoint("unique-devices"),
        Scope::Everything,
    ]) {
        let before = built(&server).await;
        assert_eq!(cache_status(&client.get(EN).await), hot(before), "{scope:?}");
        // Builds are distinguished by their start.
        clock.advance(Duration::from_millis(1));
        store.value.store(value, Ordering::SeqCst);
        server.components.origin.purge(scope, PurgeMode::Hard).unwrap();
        let after = client.get(EN).await;
        assert_eq!(devices(&after), value, "{scope:?}");
        assert_ne!(cache_status(&after), hot(before), "{scope:?}");
        // The schedule builds it again.
        eventually(|| {
            server.components.service.lookup.hot_set.live().is_some_and(|live| live.id > before)
        })
        .await;
        let after = built(&server).await;
        let answer = client.get(EN).await;
        assert_eq!((devices(&answer), cache_status(&answer)), (value, hot(after).as_str()));
    }
    // A rollback does not restore it.
    let back = server.components.jobs.builder().rollback(None).await.unwrap().0;
    assert_eq!(back.provenance, Provenance::RolledBack { from: back.parent.unwrap() - 1 });
    store.value.store(9, Ordering::SeqCst);
    let answer = client.get(EN).await;
    assert!(devices(&answer) >= 6, "{}", answer.text());
    assert_ne!(cache_status(&answer), hot(back.id));
}
