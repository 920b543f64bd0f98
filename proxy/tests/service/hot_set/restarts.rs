//! What a crash leaves: the next start serves what was served, but for what was purged.

use super::{built, cache_status, devices, hot, over_days, with_plans};
use crate::support::client::Client;
use crate::support::scripted::{Mood, Scripted};
use crate::support::server;
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_proxy::config::{Config, StateDir};
use aqs_proxy::server::Server;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const PLAN: &str = "
- name: devices
  items:
    - endpoint: unique-devices
      values:
        project: [kept.wikipedia, soft.wikipedia, hard.wikipedia]
        access-site: [all-sites]
        granularity: [daily]
      windows: [last 3 days]
";

fn target(project: &str) -> String {
    format!("/metrics/unique-devices/{project}.wikipedia/all-sites/daily/20240129/20240131")
}

fn remembering(folder: &Path) -> Config {
    let state = StateDir::At(folder.join("state"));
    let mut config = Config { state, ..with_plans(PLAN) };
    // The truth changes for all, and what no purge has met would not pass.
    config.hot_set.checks.sample = 0;
    config
}

/// Runs a server, and ends it as a crash would: all its tasks stop where they are.
fn until_a_crash<T>(
    folder: &Path,
    store: &Arc<Scripted>,
    run: impl AsyncFnOnce(&Server) -> T,
) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let server = server(remembering(folder), store.clone()).await;
        run(&server).await
    })
}

#[test]
fn after_a_crash_what_was_served_is_served_and_what_was_purged_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = over_days();
    let old = until_a_crash(folder.path(), &store, async |server| {
        let id = built(server).await;
        // Nothing can be built after the purges.
        store.be(Mood::Fails);
        let origin = &server.components.origin;
        origin.purge(Scope::Project("soft.wikipedia"), PurgeMode::Soft).unwrap();
        origin.purge(Scope::Project("hard.wikipedia"), PurgeMode::Hard).unwrap();
        id
    });
    until_a_crash(folder.path(), &store, async |server| {
        let mut client = Client::connect(server.addresses[0]).await;
        let kept = client.get(&target("kept")).await;
        assert_eq!((devices(&kept), cache_status(&kept)), (1, hot(old).as_str()));
        let soft = client.get(&target("soft")).await;
        assert_eq!(devices(&soft), 1);
        assert!(cache_status(&soft).starts_with("aqs; hit; ttl="), "{}", cache_status(&soft));
        assert!(cache_status(&soft).ends_with(&format!("detail=\"hotset;gen={old}\"")));
        assert_eq!(soft.header("cache-control"), Some("s-maxage=60"));
        let hard = client.get(&target("hard")).await;
        assert_eq!(hard.status, 503, "{}", hard.text());
    });
    // The store is back, and has something new to tell.
    store.be(Mood::Answers);
    store.truth.store(2, Ordering::SeqCst);
    until_a_crash(folder.path(), &store, async |server| {
        let mut client = Client::connect(server.addresses[0]).await;
        assert_eq!(devices(&client.get(&target("hard")).await), 2);
        super::eventually(|| server.components.hot_set.live().is_some_and(|live| live.id > old))
            .await;
        let new = built(server).await;
        for (project, truth) in [("kept", 1), ("soft", 2), ("hard", 2)] {
            let answer = client.get(&target(project)).await;
            assert_eq!((devices(&answer), cache_status(&answer)), (truth, hot(new).as_str()));
        }
    });
}

#[test]
fn without_the_state_that_it_belongs_to_no_generation_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = over_days();
    let old = until_a_crash(folder.path(), &store, async |server| built(server).await);
    let state = folder.path().join("state");
    std::fs::remove_file(state.join("state.json")).unwrap();
    store.be(Mood::Fails);
    until_a_crash(folder.path(), &store, async |server| {
        assert!(server.components.hot_set.live().is_none());
        let answer = Client::connect(server.addresses[0]).await.get(&target("kept")).await;
        assert_eq!(answer.status, 503);
    });
    let aside = state.join(format!("hot-set/gen-{old:010}.aqs.foreign"));
    assert!(aside.exists(), "it is set aside under a name that says why");
}

#[test]
fn a_damaged_generation_is_set_aside_and_the_one_before_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = over_days();
    let second = until_a_crash(folder.path(), &store, async |server| {
        built(server).await;
        store.truth.store(2, Ordering::SeqCst);
        super::rebuild(server, "devices").await.generation.unwrap()
    });
    let file =
        |id: u64, more: &str| folder.path().join(format!("state/hot-set/gen-{id:010}.aqs{more}"));
    let mut bytes = std::fs::read(file(second, "")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file(second, ""), bytes).unwrap();
    store.be(Mood::Fails);
    until_a_crash(folder.path(), &store, async |server| {
        let answer = Client::connect(server.addresses[0]).await.get(&target("kept")).await;
        // Under a number of its own, since that of the damaged one was served.
        let again = hot(second + 1);
        assert_eq!((devices(&answer), cache_status(&answer)), (1, again.as_str()));
        store.be(Mood::Answers);
        server.components.origin.refresh_coverage().await.unwrap();
        // Its number is not given again.
        let next = super::rebuild(server, "devices").await.generation.unwrap();
        assert!(next > second, "{next}");
    });
    assert!(file(second, ".damaged").exists());
}
