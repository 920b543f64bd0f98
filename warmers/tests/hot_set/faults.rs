use crate::support::{
    ARTICLE, ARTICLE_SAYS, FixtureSettings, PLANS, TestDir, eventually, forced, full, names,
};
use aqs_api::Target;
use aqs_origin::limiter::ConcurrencyLimits;
use aqs_origin::memory_budget::Consumer;
use aqs_origin::{Priority, RequestContext};
use aqs_warmers::artefact::{ArtefactDirectory, ArtefactError, Identity};
use aqs_warmers::build::{BuildError, BuildOptions, Progress};
use aqs_warmers::hot_set::HotFreshness;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_store_that_fails_during_a_build_changes_nothing() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let first = fixture.build("articles").await.generation;
    *fixture.store.poison.lock().unwrap() = Some("Y/Z");
    let refused = fixture.build_as("articles", &full()).await;
    let Err(BuildError::Refused(refusals)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusals[0].check, "errors");
    assert!(refusals[0].to_string().contains("poisoned"), "{}", refusals[0]);
    assert!(Arc::ptr_eq(&fixture.hot_set.live().unwrap(), &first));
    eventually(|| fixture.origin.budget.used(Consumer::HotSet) == first.bytes).await;
    // By force the older answers stay for what could not be read.
    let built =
        fixture.build_as("articles", &BuildOptions { full: true, ..forced() }).await.unwrap();
    assert_eq!(built.facts.keys, built.facts.wanted);
    assert!(built.facts.errors > 0);
    assert_eq!(fixture.get(ARTICLE).unwrap().says, ARTICLE_SAYS);
}

#[tokio::test]
async fn failed_reads_confirm_no_answers() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    let hour = crate::support::HOUR;
    fixture.origin.clock().advance(20 * hour);
    *fixture.store.poison.lock().unwrap() = Some("Y/Z");
    fixture.build_as("articles", &BuildOptions { full: true, ..forced() }).await.unwrap();
    fixture.origin.clock().advance(7 * hour);
    let x = ARTICLE.replace("Y%2FZ", "X");
    assert_eq!(fixture.get(&x).unwrap().freshness, HotFreshness::Fresh);
    assert_eq!(fixture.get(ARTICLE).unwrap().freshness, HotFreshness::Stale);
    // The next build reads it again.
    *fixture.store.poison.lock().unwrap() = None;
    let built = fixture.build("articles").await;
    assert_eq!(built.facts.reads, 1);
    assert_eq!(fixture.get(ARTICLE).unwrap().freshness, HotFreshness::Fresh);
}

#[tokio::test]
async fn a_build_gives_up_on_a_dead_store() {
    let dir = TestDir::new();
    let mut fixture_settings = FixtureSettings::default();
    fixture_settings.settings.give_up_after = 1;
    let fixture = dir.start_with(PLANS, fixture_settings).await;
    fixture.store.down.store(true, Ordering::SeqCst);
    let failed = fixture.build_as("devices", &Default::default()).await;
    assert!(matches!(failed, Err(BuildError::GivenUp { partitions: 1, .. })), "{failed:?}");
    // Without the list the articles are unknown.
    let failed = fixture.build_as("articles", &forced()).await;
    assert!(matches!(failed, Err(BuildError::Tops { .. })), "{failed:?}");
    assert!(fixture.hot_set.live().is_none());
    assert!(names(&dir.artefacts()).is_empty());
}

#[tokio::test]
async fn an_unknown_coverage_is_not_an_empty_one() {
    let dir = TestDir::new();
    let fixture = dir.start(PLANS, FixtureSettings::default());
    *fixture.store.away.lock().unwrap() = Some(Duration::ZERO);
    let failed = fixture.build_as("devices", &forced()).await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        "failed to read what the store has loaded: store test is not available: away"
    );
    assert!(fixture.hot_set.live().is_none());
    // A build that waits for the coverage can be cancelled.
    *fixture.store.away.lock().unwrap() = Some(Duration::from_secs(3600));
    let (progress, cancel) = (Arc::new(Progress::default()), CancellationToken::new());
    let building = tokio::spawn({
        let (builder, cancel) = (Arc::clone(&fixture.builder), cancel.clone());
        async move {
            let plan = builder.plans()[0].clone();
            builder.build(&plan, &BuildOptions::default(), &progress, &cancel).await
        }
    });
    tokio::task::yield_now().await;
    cancel.cancel();
    let cancelled = tokio::time::timeout(Duration::from_secs(60), building).await.unwrap();
    assert!(matches!(cancelled.unwrap(), Err(BuildError::Cancelled)));
    *fixture.store.away.lock().unwrap() = None;
    assert_eq!(fixture.build("devices").await.facts.keys, 3);
}

#[tokio::test]
async fn transient_failures_are_retried() {
    let dir = TestDir::new();
    let mut fixture_settings = FixtureSettings::default();
    fixture_settings.settings.attempts = 1000;
    let fixture = dir.start_with(PLANS, fixture_settings).await;
    fixture.store.down.store(true, Ordering::SeqCst);
    let store = Arc::clone(&fixture.store);
    let recovery = tokio::spawn(async move {
        eventually(|| store.reads.load(Ordering::SeqCst) > 3).await;
        store.down.store(false, Ordering::SeqCst);
    });
    let built = fixture.build("devices").await;
    recovery.await.unwrap();
    assert_eq!((built.facts.keys, built.facts.errors), (3, 0));
}

#[tokio::test]
async fn a_cancelled_build_changes_nothing() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let first = fixture.build("devices").await.generation;
    let files = names(&dir.artefacts());
    fixture.store.allowed.forget_permits(2_000_000);
    fixture.store.allowed.add_permits(2);
    let (progress, cancel) = (Arc::new(Progress::default()), CancellationToken::new());
    let building = tokio::spawn({
        let (builder, cancel) = (Arc::clone(&fixture.builder), cancel.clone());
        async move {
            let plan = builder.plans()[0].clone();
            builder.build(&plan, &BuildOptions::default(), &progress, &cancel).await
        }
    });
    let before = fixture.reads();
    eventually(|| fixture.reads() >= before + 3).await;
    cancel.cancel();
    let cancelled = building.await.unwrap();
    assert!(matches!(cancelled, Err(BuildError::Cancelled)), "{cancelled:?}");
    assert!(Arc::ptr_eq(&fixture.hot_set.live().unwrap(), &first));
    assert_eq!(names(&dir.artefacts()), files);
    eventually(|| fixture.origin.budget.used(Consumer::HotSet) == first.bytes).await;
}

#[tokio::test]
async fn builds_wait_for_clients() {
    let dir = TestDir::new();
    let limiter = ConcurrencyLimits { reads: 1, queue: 100, wait: Duration::from_secs(60) };
    let fixture =
        dir.start_with(PLANS, FixtureSettings { limiter, ..FixtureSettings::default() }).await;
    fixture.store.allowed.forget_permits(2_000_000);
    let client = |path: &'static str| {
        let origin = Arc::clone(&fixture.origin);
        tokio::spawn(async move {
            let target = format!("/metrics{path}");
            let query = origin.catalogue().resolve(Target::parse(&target).unwrap()).unwrap();
            let deadline = Instant::now() + Duration::from_secs(60);
            origin.answer(&query, &RequestContext::new(deadline, Priority::Live, 1)).await.is_ok()
        })
    };
    // One client reads from the store, one waits in the queue.
    let at_store =
        client("/pageviews/per-article/wikidata/desktop/user/Q1/daily/20260130/20260131");
    eventually(|| fixture.reads() == 1).await;
    let waiting = client("/pageviews/per-article/wikidata/desktop/user/Q1/daily/20260131/20260131");
    eventually(|| fixture.origin.live_waiting() == 1).await;
    let building = tokio::spawn({
        let builder = Arc::clone(&fixture.builder);
        async move {
            let (progress, cancel) = (Arc::new(Progress::default()), CancellationToken::new());
            let plan = builder.plans()[1].clone();
            builder.build(&plan, &BuildOptions::default(), &progress, &cancel).await
        }
    });
    // The permit goes to the waiting client, and then to the builder.
    fixture.store.allowed.add_permits(1);
    assert!(at_store.await.unwrap());
    eventually(|| fixture.reads() == 2 && fixture.origin.live_waiting() == 0).await;
    assert!(!building.is_finished());
    fixture.store.allowed.add_permits(1);
    assert!(waiting.await.unwrap());
    fixture.store.allowed.add_permits(1_000_000);
    assert_eq!(building.await.unwrap().unwrap().facts.keys, 3);
}

#[tokio::test]
async fn a_slow_plan_does_not_delay_others() {
    let dir = TestDir::new();
    let mut fixture_settings = FixtureSettings::default();
    fixture_settings.settings.concurrency = 1;
    let slow = PLANS.replace("- name: articles", "- name: articles\n  limits: { rate: 1 }");
    let fixture = dir.start_with(&slow, fixture_settings).await;
    let (progress, cancel) = (Arc::new(Progress::default()), CancellationToken::new());
    let building = tokio::spawn({
        let (builder, cancel) = (Arc::clone(&fixture.builder), cancel.clone());
        let progress = Arc::clone(&progress);
        async move {
            let plan = builder.plans()[0].clone();
            builder.build(&plan, &BuildOptions::default(), &progress, &cancel).await
        }
    });
    eventually(|| progress.snapshot().done > 0).await;
    fixture.build("devices").await;
    let snapshot = progress.snapshot();
    assert!(snapshot.done < snapshot.total, "it has waited for the slow plan: {snapshot:?}");
    cancel.cancel();
    assert!(matches!(building.await.unwrap(), Err(BuildError::Cancelled)));
}

#[tokio::test]
async fn a_second_builder_on_a_directory_is_refused() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let identity = Identity::new(1, Vec::new(), fixture.origin.catalogue());
    let second = ArtefactDirectory::open(&dir.artefacts(), identity, 3);
    assert!(matches!(second, Err(ArtefactError::Busy(_))), "{second:?}");
}

#[tokio::test]
async fn a_generation_that_cannot_be_written_is_served() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    // A directory with the name of the file makes the rename fail.
    std::fs::create_dir_all(dir.artefacts().join("gen-0000000001.aqs/file")).unwrap();
    let built = fixture.build("devices").await;
    assert!(built.not_kept.is_some());
    assert!(fixture.get(crate::support::DEVICES).is_some());
    assert_eq!(fixture.metric("aqs_hot_set_artefact_failures_total", ("doing", "write")), 1.0);
    assert_eq!(names(&dir.artefacts()), ["gen-0000000001.aqs"]);
}
