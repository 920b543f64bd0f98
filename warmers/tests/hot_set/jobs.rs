use crate::support::{DEVICES, Fixture, PLANS, TestDir, eventually, full};
use aqs_warmers::build::{Basis, BuildOptions};
use aqs_warmers::jobs::{Jobs, Start, StartError, State, Trigger};
use aqs_warmers::plan::Overrides;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

fn jobs(fixture: &Fixture) -> (Arc<Jobs>, CancellationToken) {
    let cancel = CancellationToken::new();
    (Jobs::new(Arc::clone(&fixture.builder), fixture.tasks.clone(), cancel.clone()), cancel)
}

fn start(plan: &str, options: BuildOptions) -> Start {
    Start { plan: plan.to_owned(), options, dry_run: false, trigger: Trigger::Operator }
}

#[tokio::test]
async fn a_second_start_joins_the_first() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, _) = jobs(&fixture);
    fixture.store.allowed.forget_permits(2_000_000);
    let first = jobs.start(start("devices", BuildOptions::default())).unwrap();
    let second = jobs.start(start("devices", BuildOptions::default())).unwrap();
    let other = jobs.start(start("devices", full())).unwrap();
    assert!(!first.joined && second.joined && !other.joined);
    assert_eq!(second.id, first.id);
    assert_ne!(other.id, first.id);
    eventually(|| jobs.show(first.id).unwrap().progress.total == 3).await;
    let view = jobs.show(first.id).unwrap();
    assert_eq!((view.state, view.joined, view.progress.done), (State::Running, 1, 0));
    assert_eq!(fixture.metric("aqs_hot_set_jobs_running", ("plan", "devices")), 2.0);
    fixture.store.allowed.add_permits(1_000_000);
    let view = jobs.wait(first.id).await.unwrap();
    assert_eq!((view.state, view.error, view.joined), (State::Done, None, 1));
    assert_eq!((view.progress.done, view.progress.reads), (3, 2));
    assert!(view.generation.is_some() && fixture.get(DEVICES).is_some());
    jobs.wait(other.id).await.unwrap();
    assert_eq!(fixture.metric("aqs_hot_set_jobs_total", ("outcome", "done")), 2.0);
    assert_eq!(fixture.metric("aqs_hot_set_jobs_running", ("plan", "devices")), 0.0);
    // It has ended, so that another start is another job.
    assert!(!jobs.start(start("devices", BuildOptions::default())).unwrap().joined);
}

#[tokio::test]
async fn top_lists_do_not_count_as_progress() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, _) = jobs(&fixture);
    let id = jobs.start(start("articles", BuildOptions::default())).unwrap().id;
    let progress = jobs.wait(id).await.unwrap().progress;
    // Two lists and two articles, and the list once more before all of them.
    assert_eq!((progress.total, progress.done, progress.reads), (50, 50, 5));
}

#[tokio::test]
async fn a_dry_run_reads_a_sample_and_publishes_nothing() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, _) = jobs(&fixture);
    let dry = |plan: &str| Start { dry_run: true, ..start(plan, BuildOptions::default()) };
    let id = jobs.start(dry("articles")).unwrap().id;
    let view = jobs.wait(id).await.unwrap();
    let estimate = view.estimate.unwrap();
    assert_eq!((estimate.keys, estimate.reads, estimate.shared), (50, 4, 0));
    assert_eq!((estimate.basis, estimate.fits), (Basis::Sample, true));
    assert!(fixture.hot_set.live().is_none());
    let built = fixture.build("articles").await;
    // The sample of three lists and articles is nearly the whole plan.
    let close = built.generation.bytes * 9 / 10..=built.generation.bytes * 11 / 10;
    assert!(close.contains(&estimate.bytes), "{} {}", estimate.bytes, built.generation.bytes);
    let id = jobs.start(dry("articles")).unwrap().id;
    let estimate = jobs.wait(id).await.unwrap().estimate.unwrap();
    assert_eq!((estimate.reads, estimate.shared, estimate.basis), (0, 50, Basis::Served));
    assert_eq!(estimate.bytes, built.generation.bytes);
}

#[tokio::test]
async fn a_cancelled_job_ends() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, _) = jobs(&fixture);
    fixture.store.allowed.forget_permits(2_000_000);
    let id = jobs.start(start("articles", BuildOptions::default())).unwrap().id;
    eventually(|| fixture.reads() == 1).await;
    assert!(jobs.cancel(id));
    let view = jobs.wait(id).await.unwrap();
    assert_eq!(view.state, State::Cancelled);
    assert!(!jobs.cancel(id) && !jobs.cancel(99));
    assert!(jobs.show(99).is_none() && jobs.wait(99).await.is_none());
    assert!(fixture.hot_set.live().is_none());
    fixture.store.allowed.add_permits(1_000_000);
}

#[tokio::test]
async fn a_shutdown_cancels_jobs_and_starts_none() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, cancel) = jobs(&fixture);
    fixture.store.allowed.forget_permits(2_000_000);
    let id = jobs.start(start("articles", BuildOptions::default())).unwrap().id;
    eventually(|| fixture.reads() == 1).await;
    cancel.cancel();
    let refused = jobs.start(start("devices", BuildOptions::default()));
    assert_eq!(refused, Err(StartError::Stopping));
    assert_eq!(jobs.wait(id).await.unwrap().state, State::Cancelled);
    fixture.store.allowed.add_permits(1_000_000);
    fixture.tasks.close();
    fixture.tasks.wait().await;
}

#[tokio::test]
async fn an_unknown_plan_gets_a_suggestion() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, _) = jobs(&fixture);
    let refused = jobs.start(start("device", BuildOptions::default())).unwrap_err();
    assert_eq!(refused.to_string(), r#"there is no plan "device"; did you mean "devices"?"#);
}

#[tokio::test]
async fn the_last_fifty_jobs_are_remembered() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, _) = jobs(&fixture);
    for _ in 0..52 {
        let id = jobs.start(start("devices", BuildOptions::default())).unwrap().id;
        jobs.wait(id).await.unwrap();
    }
    let ids: Vec<u64> = jobs.list().iter().map(|view| view.id).collect();
    assert_eq!(ids, (3..=52).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn top_lists_do_not_count_as_done() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let (jobs, _) = jobs(&fixture);
    let id = jobs.start(start("articles", BuildOptions::default())).unwrap().id;
    let progress = jobs.wait(id).await.unwrap().progress;
    assert_eq!((progress.total, progress.done), (50, 50));
}

#[tokio::test]
async fn overrides_that_leave_nothing_are_refused() {
    let dir = TestDir::new();
    let plans = "[{name: monthly, items: [{endpoint: unique-devices, windows: [everything], values: \
                 {project: [en.wikipedia], access-site: all, granularity: [monthly]}}]}]";
    let fixture = dir.fixture(plans).await;
    let (jobs, _) = jobs(&fixture);
    let overrides = Overrides { last: Some("2d".parse().unwrap()), ..Overrides::default() };
    let days = BuildOptions { overrides, ..BuildOptions::default() };
    let refused = jobs.start(start("monthly", days)).unwrap_err();
    assert!(matches!(refused, StartError::Plan(_)), "{refused}");
    assert!(jobs.list().is_empty());
}
