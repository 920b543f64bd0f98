use crate::support::{ARTICLE, DEVICES, Fixture, HOUR, PLANS, TestDir, eventually, views};
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_warmers::build::BuildOptions;
use aqs_warmers::hot_set::HotFreshness;
use aqs_warmers::jobs::{JobView, Jobs, Schedule, Start, State, Trigger};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn scheduled(fixture: &Fixture) -> (Arc<Jobs>, CancellationToken) {
    scheduled_every(fixture, Duration::from_millis(5))
}

fn scheduled_every(fixture: &Fixture, poll_interval: Duration) -> (Arc<Jobs>, CancellationToken) {
    let cancel = CancellationToken::new();
    let jobs = Jobs::new(Arc::clone(&fixture.builder), fixture.tasks.clone(), cancel.clone());
    let schedule = Schedule::new(Arc::clone(&jobs), poll_interval);
    fixture.tasks.spawn(schedule.run(cancel.clone()));
    (jobs, cancel)
}

/// The views of a project on the last day of January.
fn project() -> String {
    r#"{"project":"en.wikipedia","access":"all-access","agent":"all-agents","granularity":"daily","timestamp":"2026013100","v":5}"#
        .to_owned()
}

fn ended(jobs: &Jobs, plan: &str) -> Vec<JobView> {
    let mut list = jobs.list();
    list.retain(|view| view.start.plan == plan && view.state != State::Running);
    list
}

#[tokio::test]
async fn plans_are_built_at_start_by_interval_and_for_new_data() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, cancel) = scheduled(&fixture);
    eventually(|| fixture.get(ARTICLE).is_some() && fixture.get(DEVICES).is_some()).await;
    assert_eq!(ended(&jobs, "devices")[0].start.trigger, Trigger::Schedule);
    // New data of one plan, and what is served of it before they are read.
    dir.load("pageviews_per_article_flat", &[views("en.wikipedia", "Y/Z", 30, 999, 0)]);
    fixture.origin.refresh_coverage().await.unwrap();
    eventually(|| fixture.get(ARTICLE).is_some_and(|served| served.says.contains("999"))).await;
    eventually(|| ended(&jobs, "articles").len() == 2).await;
    assert_eq!(ended(&jobs, "articles")[0].start.trigger, Trigger::Data);
    assert_eq!(ended(&jobs, "devices").len(), 1, "its data have not changed");
    // Every six hours, which is the default.
    fixture.origin.clock().advance(7 * HOUR);
    eventually(|| ended(&jobs, "devices").len() == 2).await;
    assert_eq!(ended(&jobs, "devices")[0].start.trigger, Trigger::Schedule);
    cancel.cancel();
    fixture.tasks.close();
    fixture.tasks.wait().await;
}

#[tokio::test]
async fn a_purge_triggers_a_build() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, cancel) = scheduled(&fixture);
    eventually(|| fixture.get(ARTICLE).is_some() && fixture.get(DEVICES).is_some()).await;
    let fresh = |path: &str| {
        fixture.get(path).is_some_and(|served| served.freshness == HotFreshness::Fresh)
    };
    for mode in [PurgeMode::Soft, PurgeMode::Hard] {
        fixture.origin.purge(Scope::Endpoint("unique-devices"), mode).unwrap();
        assert!(!fresh(DEVICES));
        eventually(|| fresh(DEVICES)).await;
    }
    eventually(|| ended(&jobs, "devices").len() == 3).await;
    assert_eq!(ended(&jobs, "articles").len(), 1);
    cancel.cancel();
    fixture.tasks.close();
    fixture.tasks.wait().await;
}

#[tokio::test]
async fn a_failed_plan_is_retried_later() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.store.down.store(true, Ordering::SeqCst);
    let (jobs, cancel) = scheduled(&fixture);
    eventually(|| ended(&jobs, "devices").len() == 1).await;
    let [first] = &ended(&jobs, "devices")[..] else { panic!("more than one") };
    assert!(matches!(first.state, State::Failed | State::Refused), "{first:?}");
    fixture.store.down.store(false, Ordering::SeqCst);
    // The clock stands, so that it is not due yet.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(ended(&jobs, "devices").len(), 1);
    fixture.origin.clock().advance(Duration::from_secs(61));
    eventually(|| fixture.get(DEVICES).is_some()).await;
    cancel.cancel();
    fixture.tasks.close();
    fixture.tasks.wait().await;
}

#[tokio::test]
async fn purges_of_other_answers_do_not_retry_a_failed_plan() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, cancel) = scheduled(&fixture);
    eventually(|| fixture.get(ARTICLE).is_some() && fixture.get(DEVICES).is_some()).await;
    fixture.store.down.store(true, Ordering::SeqCst);
    fixture.origin.clock().advance(Duration::from_secs(1));
    fixture.origin.purge(Scope::Endpoint("unique-devices"), PurgeMode::Soft).unwrap();
    eventually(|| ended(&jobs, "devices").len() == 2).await;
    assert_ne!(ended(&jobs, "devices")[0].state, State::Done);
    // It failed, so that its answers are still stale.
    for project in ["fr.wikipedia", "ja.wikipedia"] {
        fixture.origin.purge(Scope::Project(project), PurgeMode::Soft).unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ended(&jobs, "devices").len(), 2);
    // A hard purge makes it due: its answers are no longer served.
    fixture.origin.purge(Scope::Endpoint("unique-devices"), PurgeMode::Hard).unwrap();
    eventually(|| ended(&jobs, "devices").len() == 3).await;
    assert_eq!(ended(&jobs, "articles").len(), 1);
    cancel.cancel();
    fixture.tasks.close();
    fixture.tasks.wait().await;
}

#[tokio::test]
async fn purges_are_noticed_despite_a_publication_of_another_plan() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    fixture.build("devices").await;
    let (jobs, cancel) = scheduled_every(&fixture, Duration::from_millis(300));
    eventually(|| jobs.next("devices").is_some()).await;
    // Both between two polls: the purged answers are not carried over.
    fixture.origin.purge(Scope::Endpoint("unique-devices"), PurgeMode::Hard).unwrap();
    fixture.build("articles").await;
    assert!(fixture.get(DEVICES).is_none());
    eventually(|| fixture.get(DEVICES).is_some()).await;
    cancel.cancel();
    fixture.tasks.close();
    fixture.tasks.wait().await;
}

#[tokio::test]
async fn the_first_load_of_a_dataset_triggers_a_build() {
    const MINE: &str = "
- name: mine
  items:
    - endpoint: unique-devices
      values: { project: [en.wikipedia], access-site: [all-sites], granularity: [daily] }
      windows: [last 1 day]
    - endpoint: pageviews/aggregate
      values: { project: [en.wikipedia], access: [all-access], agent: [all-agents], granularity: [daily] }
      windows: [last 1 day]
- name: views
  items:
    - endpoint: pageviews/aggregate
      values: { project: [en.wikipedia], access: [all-access], agent: [all-agents], granularity: [daily] }
      windows: [last 1 day]
";
    let dir = TestDir::new();
    let fixture = dir.fixture(MINE).await;
    let (jobs, cancel) = scheduled(&fixture);
    eventually(|| ended(&jobs, "mine").len() == 1 && ended(&jobs, "views").len() == 1).await;
    assert_eq!(ended(&jobs, "views")[0].state, State::Skipped);
    let views = "/pageviews/aggregate/en.wikipedia/all-access/all-agents/daily/20260131/20260131";
    dir.load("pageviews_per_project_v2", &[project()]);
    fixture.origin.refresh_coverage().await.unwrap();
    eventually(|| ended(&jobs, "mine").len() == 2 && ended(&jobs, "views").len() == 2).await;
    assert_eq!(ended(&jobs, "mine")[0].facts.as_ref().map(|facts| facts.keys), Some(2));
    assert_eq!(ended(&jobs, "views")[0].state, State::Done);
    assert!(fixture.get(views).is_some());
    cancel.cancel();
    fixture.tasks.close();
    fixture.tasks.wait().await;
}

#[tokio::test]
async fn without_a_generation_new_data_trigger_all_plans() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.store.down.store(true, Ordering::SeqCst);
    let (jobs, cancel) = scheduled(&fixture);
    eventually(|| ended(&jobs, "devices").len() == 1 && ended(&jobs, "articles").len() == 1).await;
    fixture.store.down.store(false, Ordering::SeqCst);
    dir.load("pageviews_per_project_v2", &[project()]);
    fixture.origin.refresh_coverage().await.unwrap();
    // The clock stands, so that nothing else makes them due.
    eventually(|| fixture.get(ARTICLE).is_some() && fixture.get(DEVICES).is_some()).await;
    cancel.cancel();
    fixture.tasks.close();
    fixture.tasks.wait().await;
}

#[tokio::test]
async fn plans_wait_for_scheduled_plans_of_higher_priority() {
    let dir = TestDir::new();
    let first = PLANS.replace("- name: devices", "- name: devices\n  priority: 1");
    let fixture = dir.fixture(&first).await;
    fixture.store.allowed.forget_permits(2_000_000);
    let (jobs, cancel) = scheduled(&fixture);
    eventually(|| fixture.reads() > 0).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let names =
        |jobs: &Jobs| jobs.list().iter().map(|view| view.start.plan.clone()).collect::<Vec<_>>();
    assert_eq!(names(&jobs), ["devices"]);
    // An operator starts a build regardless of priorities.
    let options = BuildOptions { full: true, ..BuildOptions::default() };
    let (plan, trigger) = ("articles".to_owned(), Trigger::Operator);
    let started = jobs.start(Start { plan, options, dry_run: false, trigger }).unwrap();
    eventually(|| jobs.show(started.id).unwrap().state == State::Running && fixture.reads() > 2)
        .await;
    fixture.store.allowed.add_permits(1_000_000);
    eventually(|| ended(&jobs, "articles").len() == 2).await;
    assert_eq!(ended(&jobs, "devices").len(), 1);
    cancel.cancel();
    fixture.tasks.close();
    fixture.tasks.wait().await;
}

#[tokio::test]
async fn after_a_restart_only_changed_plans_are_due() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    fixture.build("devices").await;
    drop(fixture);
    let plans = PLANS.replace("windows: [last 1 day, everything]", "windows: [last 2 days]");
    let fixture = dir.fixture(&plans).await;
    fixture.builder.load().await.unwrap().0.unwrap();
    let (jobs, cancel) = scheduled(&fixture);
    let two = "/unique-devices/en.wikipedia/all-sites/daily/20260130/20260131";
    eventually(|| jobs.list().iter().any(|view| view.state != State::Running)).await;
    assert!(ended(&jobs, "articles").is_empty());
    assert_eq!(ended(&jobs, "devices")[0].state, State::Done);
    assert!(fixture.get(DEVICES).is_none() && fixture.get(two).is_some());
    cancel.cancel();
    fixture.tasks.close();
    fixture.tasks.wait().await;
}
