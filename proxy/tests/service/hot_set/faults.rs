//! Failed builds, and what is served meanwhile.

use super::{DEVICES, EN, built, cache_status, full, hot, rebuild, store_with_days, with_plans};
use crate::stores::server_over;
use crate::support::captured_log::CapturedLog;
use crate::support::client::Client;
use crate::support::scripted::{Behaviour, Scripted};
use crate::support::{eventually, server};
use aqs_origin::memory_budget::Consumer;
use aqs_proxy::config::{Config, StateDir};
use aqs_warmers::jobs::{StartError, State};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The stored files, incomplete ones included.
fn files(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state.join("hot-set")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| !path.ends_with("lock") && !path.ends_with("next"));
    files.sort();
    files
}

#[tokio::test]
async fn a_store_failure_fails_the_build_only() {
    let store = store_with_days();
    let mut config = with_plans(DEVICES);
    config.hot_set.attempts = 1;
    let server = server(config, store.clone()).await;
    let old = built(&server).await;
    let live = server.components.service.lookup.hot_set.live().unwrap();
    let charged = server.components.origin.budget.used(Consumer::HotSet);
    // The first of the two projects is read, the second is not.
    store.failing_project.lock().unwrap().replace("en.wikipedia");
    let view = rebuild(&server, "devices").await;
    assert_eq!((view.state, view.generation), (State::Refused, None));
    assert_eq!((view.progress.done, view.progress.errors), (2, 1));
    assert!(view.error.as_ref().unwrap().contains("poisoned"), "{view:?}");
    assert!(Arc::ptr_eq(&server.components.service.lookup.hot_set.live().unwrap(), &live));
    // What was read is dropped on another thread.
    eventually(|| server.components.origin.budget.used(Consumer::HotSet) == charged).await;
    let mut client = Client::connect(server.addresses[0]).await;
    assert_eq!(cache_status(&client.get(EN).await), hot(old));
    // A build over an unavailable store stops early.
    store.failing_project.lock().unwrap().take();
    store.set_behaviour(Behaviour::Fails);
    let view = rebuild(&server, "devices").await;
    assert!(matches!(view.state, State::Failed | State::Refused), "{view:?}");
    assert!(view.error.unwrap().contains("scripted"));
    assert_eq!(cache_status(&client.get(EN).await), hot(old));
}

#[tokio::test]
async fn a_second_start_of_a_plan_joins_the_first() {
    let store = store_with_days();
    let server = server(with_plans(DEVICES), store.clone()).await;
    let old = built(&server).await;
    store.hold(Some("first.wikipedia"));
    let reads = store.reads();
    let jobs = &server.components.jobs;
    let [first, second] = [(), ()].map(|()| jobs.start(full("devices")).unwrap());
    assert_eq!((first.joined, second.joined, second.id), (false, true, first.id));
    eventually(|| store.reads() > reads).await;
    store.hold(None);
    let view = jobs.wait(first.id).await.unwrap();
    assert_eq!((view.state, view.joined, view.generation), (State::Done, 1, Some(old + 1)));
    // One read each, and one for each that was compared with a direct answer.
    assert_eq!((view.progress.reads, store.reads() - reads), (2, 4));
}

#[tokio::test]
async fn a_drain_cancels_a_build() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let store = store_with_days();
    let place = StateDir::At(state.clone());
    let mut config = Config { state: place, ..with_plans(DEVICES) };
    // The store ignores that no request waits for it.
    config.flights.timeout = Duration::from_millis(100);
    config.limits.drain = Duration::from_secs(3600);
    let server = server(config, store.clone()).await;
    let old = built(&server).await;
    let kept = files(&state);
    assert_eq!(kept.len(), 1);
    store.hold(Some("en.wikipedia"));
    let components = server.components.clone();
    let id = components.jobs.start(full("devices")).unwrap().id;
    eventually(|| components.jobs.show(id).unwrap().progress.done == 1).await;
    assert!(server.drain().await, "it did not end in time");
    let view = components.jobs.show(id).unwrap();
    assert_eq!((view.state, view.generation), (State::Cancelled, None));
    assert_eq!(components.service.lookup.hot_set.live().unwrap().id, old);
    assert_eq!(files(&state), kept);
    assert_eq!(components.jobs.start(full("devices")), Err(StartError::Stopping));
}

#[tokio::test]
async fn a_plan_that_exceeds_its_memory_is_refused() {
    let store = store_with_days();
    let more = DEVICES.replace("name: devices", "name: more").replace("first", "another");
    let large = "
- name: large
  items:
    - endpoint: unique-devices
      values: { project: [PROJECTS], access-site: all, granularity: [daily] }
      windows: [last 3 days]
";
    let projects: Vec<String> = (0..100).map(|number| format!("p{number}.wikipedia")).collect();
    let large = large.replace("PROJECTS", &projects.join(", "));
    // Enough for some answers, and not for three hundred.
    let limit = 50_000;
    for plans in [format!("{DEVICES}{more}{large}"), large] {
        let mut config = with_plans(&plans);
        config.hot_set.memory = Some(limit);
        let others = config.hot_set.plans.len() - 1;
        let server = server(config, store.clone()).await;
        let jobs = &server.components.jobs;
        eventually(|| jobs.list().iter().filter(|it| it.state == State::Done).count() == others)
            .await;
        eventually(|| jobs.list().iter().any(|it| it.state == State::Failed)).await;
        let live = server.components.service.lookup.hot_set.live();
        let reads = store.reads();
        let view = rebuild(&server, "large").await;
        assert_eq!((view.state, view.generation), (State::Failed, None));
        let error = view.error.unwrap();
        assert!(error.contains(&format!("may take {limit}")), "{error}");
        if let Some(live) = live {
            // The weight of such answers is known.
            assert_eq!((view.progress.reads, store.reads()), (0, reads));
            assert!(Arc::ptr_eq(&server.components.service.lookup.hot_set.live().unwrap(), &live));
            let answer = Client::connect(server.addresses[0]).await.get(EN).await;
            assert_eq!(cache_status(&answer), hot(live.id));
        } else {
            assert!(view.progress.reads > 0 && store.reads() - reads < 300, "it read to the end");
            assert!(server.components.service.lookup.hot_set.live().is_none());
            // Requests are still answered from the store.
            let target = EN.replace("en.wiki", "p1.wiki");
            let answer = Client::connect(server.addresses[0]).await.get(&target).await;
            assert_eq!(cache_status(&answer), "aqs; fwd=miss; stored");
            eventually(|| server.components.origin.budget.used(Consumer::HotSet) == 0).await;
        }
    }
}

#[tokio::test]
async fn a_generation_that_cannot_be_stored_is_served_and_logged() {
    let log = CapturedLog::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    let _log = tracing::subscriber::set_default(subscriber);
    let folder = tempfile::tempdir().unwrap();
    // No directory can be created in the place of a file, even by root.
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::write(state.join("hot-set"), "").unwrap();
    let config =
        |state: &Path| Config { state: StateDir::At(state.to_owned()), ..with_plans(DEVICES) };
    let store = store_with_days();
    let one = server(config(&state), store.clone()).await;
    let generation = built(&one).await;
    let answer = Client::connect(one.addresses[0]).await.get(EN).await;
    assert_eq!(cache_status(&answer), hot(generation));
    assert!(log.text().contains("failed to open the directory of the hot set"), "{}", log.text());

    // The directory exists, but the file can't be written.
    let state = folder.path().join("other");
    let two = server(config(&state), store.clone()).await;
    let next = built(&two).await + 1;
    fs::create_dir_all(state.join(format!("hot-set/gen-{next:010}.aqs/taken"))).unwrap();
    let view = rebuild(&two, "devices").await;
    assert_eq!((view.state, view.generation), (State::Done, Some(next)));
    assert!(view.not_kept.unwrap().contains("hot-set/gen-"));
    let answer = Client::connect(two.addresses[0]).await.get(EN).await;
    assert_eq!(cache_status(&answer), hot(next));
    let message = "the generation is served, but not kept for a restart";
    assert!(log.text().contains(message), "{}", log.text());
}

#[tokio::test]
async fn nothing_is_built_before_the_content_of_every_store_is_known() {
    let failing = Scripted::open();
    failing.set_behaviour(Behaviour::Fails);
    let server = server_over(with_plans(DEVICES), store_with_days(), failing.clone()).await;
    assert_eq!(rebuild(&server, "devices").await.state, State::Failed);
    failing.set_behaviour(Behaviour::Answers);
    built(&server).await;
}
