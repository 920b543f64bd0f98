//! The hot set: served, stale, purged, swapped, restored after a crash.

mod blocking;
mod epochs;
mod faults;
mod readiness;
mod representations;
mod restarts;
mod swaps;

use crate::support::client::Response;
use crate::support::scripted::Scripted;
use crate::support::{config, eventually};
use aqs_proxy::config::Config;
use aqs_proxy::server::Server;
use aqs_warmers::build::BuildOptions;
use aqs_warmers::jobs::{JobView, Start, State, Trigger};
use aqs_warmers::plan::Plan;
use std::sync::Arc;

/// One answer for each of two projects, one after the other.
const DEVICES: &str = "
- name: devices
  limits: { concurrency: 1 }
  items:
    - endpoint: unique-devices
      values:
        project: [first.wikipedia, en.wikipedia]
        access-site: [all-sites]
        granularity: [daily]
      windows: [last 3 days]
";
/// Their targets over [`store_with_days`].
const FIRST: &str = "/metrics/unique-devices/first.wikipedia/all-sites/daily/20240129/20240131";
const EN: &str = "/metrics/unique-devices/en.wikipedia/all-sites/daily/20240129/20240131";

/// A store with days of unique devices up to the end of January.
fn store_with_days() -> Arc<Scripted> {
    let store = Scripted::open();
    store.set_coverage("unique-devices-daily", "20240101", "20240131");
    store
}

/// A configuration for a server that builds these plans.
fn with_plans(plans: &str) -> Config {
    let mut config = config();
    config.hot_set.plans = serde_saphyr::from_str::<Vec<Plan>>(plans).unwrap();
    config
}

/// Waits until the schedule has built all plans; returns the generation.
async fn built(server: &Server) -> u64 {
    let components = &server.components;
    eventually(|| {
        let live = components.service.lookup.hot_set.live();
        let has = |plan: &Plan| live.as_ref().is_some_and(|live| live.plan(&plan.name).is_some());
        let ended = |view: &JobView| view.state != State::Running;
        components.jobs.builder().plans().iter().all(has)
            && components.jobs.list().iter().all(ended)
    })
    .await;
    components.service.lookup.hot_set.live().unwrap().id
}

/// A build that reads everything and joins none that the schedule starts.
fn full(plan: &str) -> Start {
    let options = BuildOptions { full: true, ..BuildOptions::default() };
    Start { plan: plan.to_owned(), options, dry_run: false, trigger: Trigger::Operator }
}

/// Builds a plan again.
async fn rebuild(server: &Server, plan: &str) -> JobView {
    let id = server.components.jobs.start(full(plan)).unwrap().id;
    server.components.jobs.wait(id).await.unwrap()
}

/// The `Cache-Status` of a fresh answer from a generation.
fn hot(generation: u64) -> String {
    format!("aqs; hit; detail=\"hotset;gen={generation}\"")
}

fn cache_status(response: &Response) -> &str {
    response.header("cache-status").unwrap()
}

fn devices(response: &Response) -> u64 {
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()["items"][0]["devices"].as_u64().unwrap()
}

/// Runs blocking work on a thread outside the runtime.
fn on_own_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}
