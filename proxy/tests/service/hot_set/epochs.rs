//! What is served of a generation that is too old, or that a purge has met.

use super::{DEVICES, EN, built, cache_status, devices, hot, over_days, with_plans};
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

/// A server whose hot set is built, and whose clock stands until it is moved.
async fn timed(store: &Arc<Scripted>) -> (Server, Clock, u64) {
    let clock = Clock::set(Moment(1_790_000_000_000));
    let mut config = with_plans(DEVICES);
    // The truth changes for all, and what no purge has met would not pass.
    config.hot_set.checks.sample = 0;
    let server = server_at(config, store.clone(), clock.clone()).await;
    let generation = built(&server).await;
    (server, clock, generation)
}

#[tokio::test]
async fn after_a_soft_purge_the_old_is_served_until_one_refresh_or_a_build_brings_the_new() {
    let store = over_days();
    let (server, clock, old) = timed(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    // The build that the purge brings about gets no further than to the first project.
    store.hold(Some("first.wikipedia"));
    store.truth.store(2, Ordering::SeqCst);
    server.components.origin.purge(Scope::Everything, PurgeMode::Soft).unwrap();
    clock.advance(6 * MINUTE);
    let stale = client.get(EN).await;
    let told = format!("aqs; hit; ttl=0; detail=\"hotset;gen={old}\"");
    assert_eq!((devices(&stale), cache_status(&stale)), (1, told.as_str()));
    assert_eq!(stale.header("cache-control"), Some("s-maxage=60"));
    eventually(|| server.components.cache.len() == 1).await;
    let refreshed = client.get(EN).await;
    assert_eq!((devices(&refreshed), cache_status(&refreshed)), (2, "aqs; hit; ttl=300"));

    // When that is old, too, it is still newer than what the generation has.
    store.truth.store(3, Ordering::SeqCst);
    for (later, ttl) in [(6 * MINUTE, -60), (120 * MINUTE, -7260)] {
        store.poison.lock().unwrap().replace("en.wikipedia");
        clock.advance(later);
        let stale = client.get(EN).await;
        let told = format!("aqs; hit; ttl={ttl}");
        assert_eq!((devices(&stale), cache_status(&stale)), (2, told.as_str()));
        eventually(|| server.components.responses.under_way() == 0).await;
    }
    store.poison.lock().unwrap().take();

    store.hold(None);
    eventually(|| server.components.hot_set.live().is_some_and(|live| live.id > old)).await;
    let new = built(&server).await;
    let answer = client.get(EN).await;
    assert_eq!((devices(&answer), cache_status(&answer)), (3, hot(new).as_str()));
    assert_eq!(answer.header("cache-control"), Some("s-maxage=14400, max-age=14400"));
}

#[tokio::test]
async fn what_nobody_confirmed_for_too_long_is_stale() {
    let store = over_days();
    let (server, clock, old) = timed(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    store.hold(Some("first.wikipedia"));
    // The cache's times don't count: what is there was not changed since it was read.
    clock.advance(26 * 60 * MINUTE - Duration::from_millis(1));
    assert_eq!(cache_status(&client.get(EN).await), hot(old));
    clock.advance(Duration::from_millis(1));
    let stale = client.get(EN).await;
    // It is stale since just now.
    let told = format!("aqs; hit; ttl=0; detail=\"hotset;gen={old}\"");
    assert_eq!(cache_status(&stale), told);
    eventually(|| server.components.cache.len() == 1).await;
    assert_eq!(cache_status(&client.get(EN).await), "aqs; hit; ttl=300");
    // A build that finds it unchanged confirms it.
    store.hold(None);
    eventually(|| server.components.hot_set.live().is_some_and(|live| live.id > old)).await;
    let new = built(&server).await;
    assert_eq!(cache_status(&client.get(EN).await), hot(new));
}

#[tokio::test]
async fn what_a_hard_purge_met_is_served_by_no_generation() {
    let store = over_days();
    let (server, clock, _) = timed(&store).await;
    let mut client = Client::connect(server.addresses[0]).await;
    let query = server.components.catalogue.resolve(Target::parse(EN).unwrap()).unwrap();
    for (truth, scope) in (2..).zip([
        Scope::Key(query.key().stable_hash()),
        Scope::Project("en.wikipedia"),
        Scope::Dataset("unique-devices-daily"),
        Scope::Endpoint("unique-devices"),
        Scope::Everything,
    ]) {
        let before = built(&server).await;
        assert_eq!(cache_status(&client.get(EN).await), hot(before), "{scope:?}");
        // Builds are told apart by when they began.
        clock.advance(Duration::from_millis(1));
        store.truth.store(truth, Ordering::SeqCst);
        server.components.origin.purge(scope, PurgeMode::Hard).unwrap();
        let anew = client.get(EN).await;
        assert_eq!(devices(&anew), truth, "{scope:?}");
        assert_ne!(cache_status(&anew), hot(before), "{scope:?}");
        // The schedule sees to it that it is built again.
        eventually(|| server.components.hot_set.live().is_some_and(|live| live.id > before)).await;
        let after = built(&server).await;
        let answer = client.get(EN).await;
        assert_eq!((devices(&answer), cache_status(&answer)), (truth, hot(after).as_str()));
    }
    // Going back does not bring it back.
    let back = server.components.jobs.builder().rollback(None).await.unwrap().0;
    assert_eq!(back.provenance, Provenance::RolledBack { from: back.parent.unwrap() - 1 });
    store.truth.store(9, Ordering::SeqCst);
    let answer = client.get(EN).await;
    assert!(devices(&answer) >= 6, "{}", answer.text());
    assert_ne!(cache_status(&answer), hot(back.id));
}
