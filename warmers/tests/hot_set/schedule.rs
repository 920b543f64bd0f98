use crate::support::{ARTICLE, DEVICES, Ground, HOUR, House, PLANS, eventually, views};
use aqs_origin::epochs::{Depth, Scope};
use aqs_warmers::generation::HotFreshness;
use aqs_warmers::jobs::{JobView, Jobs, Schedule, State, Trigger};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn scheduled(house: &House) -> (Arc<Jobs>, CancellationToken) {
    let cancel = CancellationToken::new();
    let jobs = Jobs::new(Arc::clone(&house.builder), house.tasks.clone(), cancel.clone());
    let schedule = Schedule::new(Arc::clone(&jobs), Duration::from_millis(5));
    house.tasks.spawn(schedule.run(cancel.clone()));
    (jobs, cancel)
}

fn ended(jobs: &Jobs, plan: &str) -> Vec<JobView> {
    let mut list = jobs.list();
    list.retain(|view| view.plan == plan && view.state != State::Running);
    list
}

#[tokio::test]
async fn plans_are_built_at_once_then_by_interval_and_when_data_arrive() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    let (jobs, cancel) = scheduled(&house);
    eventually(|| house.get(ARTICLE).is_some() && house.get(DEVICES).is_some()).await;
    assert_eq!(ended(&jobs, "devices")[0].trigger, Trigger::Schedule);
    // New data of one plan, and what is served of it before they are read.
    ground.load("pageviews_per_article_flat", &[views("en.wikipedia", "Y/Z", 30, 999, 0)]);
    house.origin.look().await.unwrap();
    eventually(|| house.get(ARTICLE).is_some_and(|served| served.says.contains("999"))).await;
    eventually(|| ended(&jobs, "articles").len() == 2).await;
    assert_eq!(ended(&jobs, "articles")[0].trigger, Trigger::Data);
    assert_eq!(ended(&jobs, "devices").len(), 1, "it has nothing to do with it");
    // Every six hours, which is the default.
    house.origin.clock().advance(7 * HOUR);
    eventually(|| ended(&jobs, "devices").len() == 2).await;
    assert_eq!(ended(&jobs, "devices")[0].trigger, Trigger::Schedule);
    cancel.cancel();
    house.tasks.close();
    house.tasks.wait().await;
}

#[tokio::test]
async fn a_purge_has_its_answers_built_again() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    let (jobs, cancel) = scheduled(&house);
    eventually(|| house.get(ARTICLE).is_some() && house.get(DEVICES).is_some()).await;
    let fresh =
        |path: &str| house.get(path).is_some_and(|served| served.freshness == HotFreshness::Fresh);
    for depth in [Depth::Soft, Depth::Hard] {
        house.origin.purge(Scope::Endpoint("unique-devices"), depth).unwrap();
        assert!(!fresh(DEVICES));
        eventually(|| fresh(DEVICES)).await;
    }
    eventually(|| ended(&jobs, "devices").len() == 3).await;
    assert_eq!(ended(&jobs, "articles").len(), 1);
    cancel.cancel();
    house.tasks.close();
    house.tasks.wait().await;
}

#[tokio::test]
async fn after_a_failure_a_plan_waits_and_is_tried_again() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    house.store.down.store(true, Ordering::SeqCst);
    let (jobs, cancel) = scheduled(&house);
    eventually(|| ended(&jobs, "devices").len() == 1).await;
    let [first] = &ended(&jobs, "devices")[..] else { panic!("more than one") };
    assert!(matches!(first.state, State::Failed | State::Refused), "{first:?}");
    house.store.down.store(false, Ordering::SeqCst);
    // The clock stands, so it is not due yet, however often is looked.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(ended(&jobs, "devices").len(), 1);
    house.origin.clock().advance(Duration::from_secs(61));
    eventually(|| house.get(DEVICES).is_some()).await;
    cancel.cancel();
    house.tasks.close();
    house.tasks.wait().await;
}

#[tokio::test]
async fn after_a_restart_only_a_plan_that_is_written_otherwise_is_due() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    house.build("articles").await;
    house.build("devices").await;
    drop(house);
    let plans = PLANS.replace("windows: [last 1 day, everything]", "windows: [last 2 days]");
    let house = ground.house(&plans).await;
    house.builder.load().unwrap().0.unwrap();
    let (jobs, cancel) = scheduled(&house);
    let two = "/unique-devices/en.wikipedia/all-sites/daily/20260130/20260131";
    eventually(|| jobs.list().iter().any(|view| view.state != State::Running)).await;
    assert!(ended(&jobs, "articles").is_empty());
    assert_eq!(ended(&jobs, "devices")[0].state, State::Done);
    assert!(house.get(DEVICES).is_none() && house.get(two).is_some());
    cancel.cancel();
    house.tasks.close();
    house.tasks.wait().await;
}
