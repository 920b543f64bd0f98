//! Restarts after a crash: the hot set is restored without purged entries.

use super::{built, cache_status, devices, hot, store_with_days, with_plans};
use crate::support::client::Client;
use crate::support::scripted::{Behaviour, Scripted};
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

fn with_state(folder: &Path) -> Config {
    let state = StateDir::At(folder.join("state"));
    let mut config = Config { state, ..with_plans(PLAN) };
    // The value changes for all projects: only purged entries may show it.
    config.hot_set.checks.sample = 0;
    config
}

/// Runs a server until a simulated crash: all its tasks stop at once.
fn run_until_crash<T>(
    folder: &Path,
    store: &Arc<Scripted>,
    run: impl AsyncFnOnce(&Server) -> T,
) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let server = server(with_state(folder), store.clone()).await;
        run(&server).await
    })
}

#[test]
fn a_crash_keeps_the_hot_set_and_its_purges() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with_days();
    let old = run_until_crash(folder.path(), &store, async |server| {
        let id = built(server).await;
        // Nothing can be built after the purges.
        store.set_behaviour(Behaviour::Fails);
        let origin = &server.components.origin;
        origin.purge(Scope::Project("soft.wikipedia"), PurgeMode::Soft).unwrap();
        origin.purge(Scope::Project("hard.wikipedia"), PurgeMode::Hard).unwrap();
        id
    });
    run_until_crash(folder.path(), &store, async |server| {
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
    // The store is available again, with a new value.
    store.set_behaviour(Behaviour::Answers);
    store.value.store(2, Ordering::SeqCst);
    run_until_crash(folder.path(), &store, async |server| {
        let mut client = Client::connect(server.addresses[0]).await;
        assert_eq!(devices(&client.get(&target("hard")).await), 2);
        super::eventually(|| {
            server.components.service.lookup.hot_set.live().is_some_and(|live| live.id > old)
        })
        .await;
        let new = built(server).await;
        for (project, value) in [("kept", 1), ("soft", 2), ("hard", 2)] {
            let answer = client.get(&target(project)).await;
            assert_eq!((devices(&answer), cache_status(&answer)), (value, hot(new).as_str()));
        }
    });
}

#[test]
fn a_generation_without_its_state_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with_days();
    let old = run_until_crash(folder.path(), &store, async |server| built(server).await);
    let state = folder.path().join("state");
    std::fs::remove_file(state.join("state.json")).unwrap();
    store.set_behaviour(Behaviour::Fails);
    run_until_crash(folder.path(), &store, async |server| {
        assert!(server.components.service.lookup.hot_set.live().is_none());
        let answer = Client::connect(server.addresses[0]).await.get(&target("kept")).await;
        assert_eq!(answer.status, 503);
    });
    let quarantined = state.join(format!("hot-set/gen-{old:010}.aqs.foreign"));
    assert!(quarantined.exists(), "it is quarantined under a name that says why");
}

#[test]
fn a_damaged_generation_is_replaced_by_the_previous_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with_days();
    let second = run_until_crash(folder.path(), &store, async |server| {
        built(server).await;
        store.value.store(2, Ordering::SeqCst);
        super::rebuild(server, "devices").await.generation.unwrap()
    });
    let file =
        |id: u64, more: &str| folder.path().join(format!("state/hot-set/gen-{id:010}.aqs{more}"));
    let mut bytes = std::fs::read(file(second, "")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file(second, ""), bytes).unwrap();
    store.set_behaviour(Behaviour::Fails);
    run_until_crash(folder.path(), &store, async |server| {
        let answer = Client::connect(server.addresses[0]).await.get(&target("kept")).await;
        // Under a number of its own, since that of the damaged one was served.
        let again = hot(second + 1);
        assert_eq!((devices(&answer), cache_status(&answer)), (1, again.as_str()));
        store.set_behaviour(Behaviour::Answers);
        server.components.origin.refresh_coverage().await.unwrap();
        // Its number is not reused.
        let next = super::rebuild(server, "devices").await.generation.unwrap();
        assert!(next > second, "{next}");
    });
    assert!(file(second, ".damaged").exists());
}
