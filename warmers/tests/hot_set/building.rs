use crate::support::{
    ARTICLE, ARTICLE_SAYS, DEVICES, DEVICES_SAYS, Fixture, FixtureSettings, HOUR, PLANS, TestDir,
    eventually, forced, full, only, top, views,
};
use aqs_api::{Dialect, Key, Representation};
use aqs_origin::Entry;
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_origin::memory_budget::Consumer;
use aqs_warmers::Settings;
use aqs_warmers::build::{BuildError, BuildOptions, Built};
use aqs_warmers::generation::{Generation, Provenance};
use aqs_warmers::hot_set::HotFreshness;
use aqs_warmers::jobs::{Jobs, Start, State};
use aqs_warmers::plan::{Plan, built_in};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

fn entry(generation: &Generation, path: &str) -> Arc<Entry> {
    Arc::clone(&generation.get(Key::new(Dialect::V2, path).as_ref()).unwrap().entry)
}

fn text_at(entry: &Entry) -> *const u8 {
    match &entry.representation {
        Representation::Body(body) => body.identity.as_ptr(),
        Representation::NoData(_) => panic!("no body"),
    }
}

fn fresh(fixture: &Fixture, path: &str) -> Option<(u64, String)> {
    let served = fixture.get(path)?;
    assert_eq!(served.freshness, HotFreshness::Fresh, "{path}");
    Some((served.generation, served.says))
}

#[tokio::test]
async fn built_answers_are_served_without_the_store() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    assert!(fixture.get(ARTICLE).is_none());
    let built = fixture.build("articles").await;
    // Two lists; two articles of 2 accesses and 4 agents; by day 3 windows and everything, which
    // is what 3 days are; by month nothing, since no month is loaded as a whole.
    assert_eq!(built.facts.wanted, 2 + 2 * 2 * 4 * 3);
    assert_eq!((built.facts.keys, built.facts.errors), (built.facts.wanted, 0));
    // One read for each list and each article, however many answers come from it.
    assert_eq!(built.facts.reads, 2 + 2);
    let through = &built.facts.data_through;
    assert_eq!(through["pageviews-per-article-daily"], "2026013100");
    assert_eq!(through["pageviews-top-monthly"], "20260101");
    fixture.build("devices").await;
    fixture.store.down.store(true, Ordering::SeqCst);
    let reads = fixture.reads();
    assert_eq!(fresh(&fixture, ARTICLE), Some((2, ARTICLE_SAYS.to_owned())));
    assert_eq!(fresh(&fixture, DEVICES), Some((2, DEVICES_SAYS.to_owned())));
    assert!(fixture.get("/unique-devices/wikidata/all-sites/monthly/20260101/20260131").is_none());
    assert_eq!(fixture.reads(), reads);
    assert_eq!(fixture.metric("aqs_hot_set_plan_completeness_ratio", ("plan", "articles")), 1.0);
    fixture.origin.clock().advance(27 * HOUR);
    assert_eq!(fixture.get(DEVICES).unwrap().freshness, HotFreshness::Stale);
}

#[tokio::test]
async fn long_bodies_are_compressed_during_the_build() {
    let dir = TestDir::new();
    let days: Vec<String> = (1..=28).map(|day| views("en.wikipedia", "X", day, day, 0)).collect();
    dir.load("pageviews_per_article_flat", &days);
    let fixture = dir.fixture(PLANS).await;
    let built = fixture.build("articles").await;
    let path = "/pageviews/per-article/en.wikipedia/all-access/user/X/daily/20260101/20260131";
    let Representation::Body(body) = &entry(&built.generation, path).representation else {
        panic!("no body")
    };
    assert!(body.identity.len() >= aqs_api::representation::GZIP_FROM);
    assert!(body.gzip().is_some_and(|coded| coded.starts_with(&[0x1f, 0x8b])));
}

#[tokio::test]
async fn unchanged_answers_are_not_read_again() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let first = fixture.build("articles").await.generation;
    // Only the lists that name the articles are read.
    let before = fixture.reads();
    fixture.origin.clock().advance(HOUR);
    let built = fixture.build("articles").await;
    assert_eq!((built.facts.reads, built.facts.shared), (0, built.facts.wanted));
    assert!(fixture.reads() - before <= 1 + 20, "it reads only a list and the sample");
    assert!(Arc::ptr_eq(&entry(&first, ARTICLE), &entry(&built.generation, ARTICLE)));
    // The build has confirmed it, so that it is fresh again.
    fixture.origin.clock().advance(25 * HOUR + HOUR / 2);
    assert!(fresh(&fixture, ARTICLE).is_some());
    // A full build makes new entries that share the equal bodies.
    let third = fixture.build_as("articles", &full()).await.unwrap();
    assert_eq!(third.facts.shared, 0);
    let (old, new) = (entry(&first, ARTICLE), entry(&third.generation, ARTICLE));
    assert!(!Arc::ptr_eq(&old, &new) && text_at(&old) == text_at(&new));
    assert_eq!(first.checksum, third.generation.checksum);
}

#[tokio::test]
async fn new_data_are_read_and_equal_bodies_are_shared() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    let first = fixture.build("devices").await.generation;
    dir.load("pageviews_per_article_flat", &[views("en.wikipedia", "X", 30, 500, 0)]);
    fixture.origin.refresh_coverage().await.unwrap();
    let x = "/pageviews/per-article/en.wikipedia/desktop/user/X/daily/20260130/20260131";
    let stale = fixture.get(x).unwrap();
    assert_eq!(stale.freshness, HotFreshness::Stale);
    assert!(
        stale.says.contains(r#""views":30"#),
        "the old answer is served until the new one is published"
    );
    // The other plan is not affected.
    assert_eq!(fixture.build("devices").await.facts.reads, 0);
    let built = fixture.build("articles").await;
    // The two articles, and not the lists.
    assert_eq!(built.facts.reads, 2);
    assert!(fresh(&fixture, x).unwrap().1.contains(r#""views":500"#));
    let (old, new) = (entry(&first, ARTICLE), entry(&built.generation, ARTICLE));
    assert!(!Arc::ptr_eq(&old, &new) && text_at(&old) == text_at(&new));
    assert!(Arc::ptr_eq(&entry(&first, DEVICES), &entry(&built.generation, DEVICES)));
}

#[tokio::test]
async fn a_newer_day_moves_the_windows_on() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    let last = "/pageviews/per-article/en.wikipedia/desktop/user/X/daily/20260201/20260201";
    assert!(fixture.get(last).is_none());
    let row = views("en.wikipedia", "X", 1, 7, 0).replace("202601", "202602");
    dir.load("pageviews_per_article_flat", &[row]);
    fixture.origin.refresh_coverage().await.unwrap();
    let built = fixture.build("articles").await;
    assert_eq!(built.facts.data_through["pageviews-per-article-daily"], "2026020100");
    assert!(fresh(&fixture, last).unwrap().1.contains(r#""views":7"#));
    let first = "/pageviews/per-article/en.wikipedia/desktop/user/X/daily/20260131/20260131";
    assert!(fixture.get(first).is_none(), "the plan no longer wants it");
}

#[tokio::test]
async fn purges_invalidate_published_answers() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    fixture.build("devices").await;
    fixture.origin.purge(Scope::Endpoint("unique-devices"), PurgeMode::Hard).unwrap();
    assert!(fixture.get(DEVICES).is_none());
    assert!(fresh(&fixture, ARTICLE).is_some());
    let built = fixture.build("articles").await;
    assert!(fixture.get(DEVICES).is_none());
    assert_eq!(built.generation.plan("devices").unwrap().keys, 0);
    fixture.build("devices").await;
    assert_eq!(fresh(&fixture, DEVICES), Some((4, DEVICES_SAYS.to_owned())));
}

#[tokio::test]
async fn a_partial_build_adds_answers() {
    let dir = TestDir::new();
    let plans = PLANS.replace("first: 10", "first: 1");
    let fixture = dir.fixture(&plans).await;
    fixture.build("articles").await;
    let q1 = "/pageviews/per-article/wikidata/desktop/user/Q1/daily/20260131/20260131";
    assert!(fixture.get(q1).is_none());
    let built = fixture.build_as("articles", &only("www.wikidata.org")).await.unwrap();
    assert!(fresh(&fixture, q1).is_some());
    let x = ARTICLE.replace("Y%2FZ", "X");
    assert!(fresh(&fixture, &x).is_some());
    let facts = built.generation.plan("articles").unwrap();
    assert_eq!(facts.keys, facts.wanted);
    // The next full build drops the added part, which no check refuses.
    let built = fixture.build("articles").await;
    assert_eq!(built.generation.plan("articles").unwrap().keys, built.facts.wanted);
    assert!(fixture.get(q1).is_none());
    assert!(matches!(
        fixture.build_as("articles", &only("no such project")).await,
        Err(BuildError::Plan(_))
    ));
}

#[tokio::test]
async fn a_worse_generation_is_refused_unless_by_force() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let first = fixture.build("articles").await.generation;
    // The list has one article less.
    dir.load("top_pageviews", &[top("en.wikipedia", "01", "31", &["X"])]);
    fixture.origin.refresh_coverage().await.unwrap();
    let refused = fixture.build_as("articles", &Default::default()).await;
    let Err(BuildError::Refused(refusals)) = refused else { panic!("{refused:?}") };
    let checks: Vec<_> = refusals.iter().map(|refusal| &*refusal.check).collect();
    assert_eq!(checks, ["keys", "bytes"]);
    assert!(Arc::ptr_eq(&fixture.hot_set.live().unwrap(), &first));
    assert_eq!(fixture.metric("aqs_hot_set_refusals_total", ("check", "keys")), 1.0);
    let built = fixture.build_as("articles", &forced()).await.unwrap();
    assert_eq!(built.forced, refusals);
    let recorded = &built.generation.plan("articles").unwrap().forced;
    assert_eq!(recorded.len(), 2);
    assert!(fixture.get(ARTICLE).is_none());
}

#[tokio::test]
async fn a_plan_above_the_memory_limit_is_refused() {
    let dir = TestDir::new();
    let mut fixture_settings = crate::support::FixtureSettings::default();
    fixture_settings.settings.memory = Some(20_000);
    let fixture = dir.start_with(PLANS, fixture_settings).await;
    let first = fixture.build("devices").await.generation;
    let refused = fixture.build_as("articles", &Default::default()).await;
    let Err(BuildError::TooLarge { bytes, others, limit }) = refused else { panic!("{refused:?}") };
    assert!(bytes > 20_000 && limit == 20_000);
    assert_eq!(others, first.bytes);
    assert!(Arc::ptr_eq(&fixture.hot_set.live().unwrap(), &first));
    // The answers of the refused build are not charged any more.
    eventually(|| fixture.origin.budget.used(Consumer::HotSet) == first.bytes).await;
    // A plan that exceeds its own limit is refused, too.
    let own = PLANS.replace("- name: articles\n", "- name: articles\n  limits: { bytes: 1000 }\n");
    drop((fixture, first));
    let fixture = dir.fixture(&own).await;
    let refused = fixture.build_as("articles", &forced()).await;
    assert!(matches!(refused, Err(BuildError::TooLarge { limit: 1000, .. })), "{refused:?}");
}

#[tokio::test]
async fn answers_of_removed_plans_do_not_count_against_the_limit() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let bytes = fixture.build("articles").await.generation.bytes;
    drop(fixture);
    // The plan has another name now, and a second one wants the same: there is room for it once.
    let renamed = PLANS.replace("- name: articles", "- name: pages");
    let twice = format!("{renamed}{}", renamed.replace("name: ", "name: more-"));
    let mut fixture_settings = crate::support::FixtureSettings::default();
    fixture_settings.settings.memory = Some(bytes + bytes / 2);
    let fixture = dir.start(&twice, fixture_settings.clone());
    fixture.builder.load().await.unwrap().0.unwrap();
    fixture.origin.refresh_coverage().await.unwrap();
    fixture.build("pages").await;
    let built = fixture.build("more-pages").await;
    assert_eq!((built.facts.shared, built.generation.bytes), (built.facts.wanted, bytes));
    let names: Vec<&str> = built.generation.plans.iter().map(|plan| &*plan.name).collect();
    assert_eq!(names, ["pages", "more-pages"]);
    drop((fixture, built));
    // Without the two plans, their memory is available to the third.
    let (_, devices) = PLANS.split_once("- name: devices").unwrap();
    fixture_settings.settings.memory = Some(bytes);
    let fixture = dir.start(&format!("- name: devices{devices}"), fixture_settings);
    fixture.builder.load().await.unwrap().0.unwrap();
    fixture.origin.refresh_coverage().await.unwrap();
    assert_eq!(fixture.build("devices").await.generation.keys(), 3);
}

#[tokio::test]
async fn bodies_are_charged_once() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let first = fixture.build("articles").await.generation;
    let used = || fixture.origin.budget.used(Consumer::HotSet);
    assert_eq!(used(), first.bytes);
    // All is read again, and nothing has changed: two maps and entries, but one text. Then the
    // sample waits for the store, while both the read and the served answers are charged.
    let building = tokio::spawn({
        fixture.store.allowed.forget_permits(2_000_000);
        fixture.store.allowed.add_permits(1 + 4);
        let builder = Arc::clone(&fixture.builder);
        async move {
            let (progress, cancel) = Default::default();
            builder.build(&builder.plans()[0], &full(), &progress, &cancel).await.unwrap()
        }
    });
    let before = fixture.reads();
    eventually(|| fixture.reads() > before + 1 + 4).await;
    let text: u64 = first.iter().map(|(_, held)| text_of(&held.entry)).sum();
    assert_eq!(used(), first.bytes + (first.bytes - text));
    fixture.store.allowed.add_permits(1_000_000);
    let second = building.await.unwrap().generation;
    assert_eq!((second.bytes, used()), (first.bytes, first.bytes + (first.bytes - text)));
}

fn text_of(entry: &Entry) -> u64 {
    match &entry.representation {
        Representation::Body(body) => {
            (body.identity.len() + body.gzip().map_or(body.gzip_room(), |coded| coded.len())) as u64
        }
        Representation::NoData(_) => 0,
    }
}

#[tokio::test]
async fn a_build_keeps_no_uncharged_generation_alive() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let first = Arc::downgrade(&fixture.build("articles").await.generation);
    fixture.store.allowed.forget_permits(2_000_000);
    let building = tokio::spawn({
        let builder = Arc::clone(&fixture.builder);
        async move {
            let (progress, cancel) = Default::default();
            builder.build(&builder.plans()[1], &full(), &progress, &cancel).await.unwrap()
        }
    });
    let before = fixture.reads();
    eventually(|| fixture.reads() > before).await;
    // Two others are published meanwhile, for which nothing needs to be read.
    for _ in 0..2 {
        fixture.builder.rollback(None).await.unwrap_err();
        let live = fixture.hot_set.live().unwrap();
        let again = live.republished(live.id, None, live.built);
        let hot_set = Arc::clone(&fixture.hot_set);
        let publish = move || {
            let make = |_: Option<&Generation>, _| Ok::<_, std::convert::Infallible>(again);
            hot_set.publish(make).unwrap().id
        };
        std::thread::spawn(publish).join().unwrap();
    }
    assert!(first.upgrade().is_none());
    fixture.store.allowed.add_permits(1_000_000);
    assert_eq!(building.await.unwrap().facts.keys, 3);
}

#[tokio::test]
async fn a_rollback_publishes_old_content_under_a_new_id() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    assert!(fixture.builder.rollback(None).await.is_err());
    let first = fixture.build("articles").await.generation;
    dir.load("pageviews_per_article_flat", &[views("en.wikipedia", "Y/Z", 30, 666, 0)]);
    fixture.origin.refresh_coverage().await.unwrap();
    fixture.build("articles").await;
    assert!(fresh(&fixture, ARTICLE).unwrap().1.contains("666"));
    let (back, _) = fixture.builder.rollback(None).await.unwrap();
    assert_eq!(
        (back.id, back.parent, back.provenance),
        (3, Some(2), Provenance::RolledBack { from: 1 })
    );
    assert!(Arc::ptr_eq(&entry(&back, ARTICLE), &entry(&first, ARTICLE)));
    let served = fixture.get(ARTICLE).unwrap();
    // What arrived since still makes it stale.
    assert_eq!((served.generation, served.freshness), (3, HotFreshness::Stale));
    assert_eq!(served.says, ARTICLE_SAYS);
    // Out of memory, but on the disk.
    fixture.build("devices").await;
    fixture.build("devices").await;
    let (back, _) = fixture.builder.rollback(Some(2)).await.unwrap();
    assert_eq!((back.id, back.provenance), (6, Provenance::RolledBack { from: 2 }));
    assert!(fixture.get(ARTICLE).unwrap().says.contains("666"));
    assert!(fixture.builder.rollback(Some(6)).await.is_err());
    assert!(fixture.builder.rollback(Some(99)).await.is_err());
}

#[tokio::test]
async fn a_second_rollback_goes_further_back() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let mut sums = vec![fixture.build("articles").await.generation.checksum];
    for count in [666, 777] {
        dir.load("pageviews_per_article_flat", &[views("en.wikipedia", "Y/Z", 30, count, 0)]);
        fixture.origin.refresh_coverage().await.unwrap();
        sums.push(fixture.build("articles").await.generation.checksum);
    }
    let mut back = Vec::new();
    for _ in 0..4 {
        let done = fixture.builder.rollback(None).await;
        back.extend(done.map(|done| (done.0.provenance, done.0.checksum)));
    }
    let from = |from: u64| (Provenance::RolledBack { from }, sums[from as usize - 1]);
    assert_eq!(back, [from(2), from(1)], "no older generation is left");
    // After a build, a rollback returns to the generation before it, and then further back.
    fixture.origin.refresh_coverage().await.unwrap();
    let built = fixture.build("devices").await.generation;
    assert_eq!(built.id, 6);
    let (done, _) = fixture.builder.rollback(None).await.unwrap();
    assert_eq!((done.provenance, done.checksum), (Provenance::RolledBack { from: 5 }, sums[0]));
    assert!(fixture.builder.rollback(None).await.is_err(), "2 and 3 were rolled back");
}

#[tokio::test]
async fn a_rollback_skips_equal_content() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    // Nothing has changed.
    fixture.build_as("articles", &full()).await.unwrap();
    dir.load("pageviews_per_article_flat", &[views("en.wikipedia", "Y/Z", 30, 666, 0)]);
    fixture.origin.refresh_coverage().await.unwrap();
    fixture.build("articles").await;
    let (back, _) = fixture.builder.rollback(None).await.unwrap();
    assert_eq!(back.provenance, Provenance::RolledBack { from: 2 });
    assert!(fixture.builder.rollback(None).await.is_err(), "the first has the served content");
}

#[tokio::test]
async fn verifications_run_one_at_a_time() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    fixture.store.allowed.forget_permits(2_000_000);
    let before = fixture.reads();
    let verify = || {
        let builder = Arc::clone(&fixture.builder);
        tokio::spawn(async move { builder.verify(5).await })
    };
    let first = verify();
    eventually(|| fixture.reads() > before).await;
    // Many, since two concurrent reads of the same answer would be shared.
    let others: Vec<_> = (0..8).map(|_| verify()).collect();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(fixture.reads(), before + 1, "the others wait");
    // The first caller gives up: the next verifications run.
    first.abort();
    fixture.store.allowed.add_permits(1_000_000);
    for other in others {
        assert!(other.await.unwrap().unwrap().passed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_being_written_is_not_damaged() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    let builder = Arc::clone(&fixture.builder);
    let verifying = tokio::spawn(async move {
        for _ in 0..300 {
            let verified = builder.verify(0).await.unwrap();
            assert!(verified.passed && verified.kept == Some(true), "{verified:?}");
        }
    });
    while !verifying.is_finished() {
        fixture.build_as("articles", &full()).await.unwrap();
    }
    verifying.await.unwrap();
}

#[tokio::test]
async fn verification_after_a_purge_compares_nothing() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("devices").await;
    fixture.origin.purge(Scope::Everything, PurgeMode::Hard).unwrap();
    let verified = fixture.builder.verify(5).await.unwrap();
    assert!(!verified.passed && verified.is_uncompared(), "{verified:?}");
    assert!(verified.last_error.unwrap().contains("purged"));
}

#[tokio::test]
async fn verification_reports_differences() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    assert!(fixture.builder.verify(10).await.is_none());
    fixture.build("devices").await;
    let verified = fixture.builder.verify(10).await.unwrap();
    assert!(verified.passed && verified.compared == 3, "{verified:?}");
    // The file is damaged, and a row of the store changes without a purge.
    std::fs::write(dir.artefacts().join("gen-0000000001.aqs"), b"nonsense").unwrap();
    change_without_trace(&dir);
    let verified = fixture.builder.verify(10).await.unwrap();
    assert!(!verified.passed && verified.intact, "{verified:?}");
    assert!(verified.kept == Some(false));
    assert!(!verified.differs.is_empty());
}

/// Changes a row without a change of the store's summaries.
fn change_without_trace(dir: &TestDir) {
    let conn = rusqlite::Connection::open(dir.store()).unwrap();
    conn.execute("UPDATE unique_devices SET devices = 777", []).unwrap();
}

#[tokio::test]
async fn without_versions_new_data_prevent_carrying_over() {
    let dir = TestDir::new();
    let plans = PLANS.replace("newest 1 day,", "newest 2 days,");
    let fixture = dir.fixture(&plans).await;
    fixture.store.forgetful.store(true, Ordering::SeqCst);
    fixture.build("articles").await;
    dir.load(
        "top_pageviews",
        &[
            top("en.wikipedia", "01", "31", &["X", "Y/Z", "Late"]),
            top("en.wikipedia", "02", "01", &["X", "Y/Z"]),
        ],
    );
    fixture.origin.refresh_coverage().await.unwrap();
    let path = "/pageviews/top/en.wikipedia/all-access/2026/01/31";
    assert_eq!(fixture.get(path).unwrap().freshness, HotFreshness::Fresh, "no purge has met it");
    fixture.build("articles").await;
    assert!(fixture.get(path).unwrap().says.contains("Late"));
}

/// The built-in plan of the series of a project.
fn aggregates(fixture: &Fixture) -> Plan {
    built_in::aggregates(fixture.origin.catalogue(), &["en.wikipedia".to_owned()])
}

async fn build_plan(fixture: &Fixture, plan: &Plan) -> Result<Built, BuildError> {
    let (progress, cancel) = (Arc::default(), CancellationToken::new());
    fixture.builder.build(plan, &BuildOptions::default(), &progress, &cancel).await
}

#[tokio::test]
async fn a_built_in_plan_is_cut_to_the_memory() {
    let [whole_dir, part_dir, small_dir] = [(); 3].map(|()| TestDir::new());
    let sized = |memory| FixtureSettings {
        settings: Settings { memory: Some(memory), ..Settings::default() },
        ..FixtureSettings::default()
    };
    let whole = whole_dir.fixture("[]").await;
    let whole = build_plan(&whole, &aggregates(&whole)).await.unwrap();
    assert!(whole.facts.keys >= 8, "{:?}", whole.facts);
    let fixture = part_dir.start_with("[]", sized(whole.generation.bytes - 1)).await;
    let part = build_plan(&fixture, &aggregates(&fixture)).await.unwrap();
    assert!((1..whole.facts.keys).contains(&part.facts.keys), "{:?}", part.facts);
    assert_eq!(part.facts.keys, part.facts.wanted);
    // Without room for one answer.
    let fixture = small_dir.start_with("[]", sized(10)).await;
    let refused = build_plan(&fixture, &aggregates(&fixture)).await.unwrap_err();
    assert!(matches!(refused, BuildError::NoRoom { limit: 10 }), "{refused:?}");
    // An operator has chosen the size of a plan of their own.
    let own = Plan { name: "own".to_owned(), ..aggregates(&fixture) };
    let refused = build_plan(&fixture, &own).await.unwrap_err();
    assert!(matches!(refused, BuildError::TooLarge { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_plan_without_loaded_datasets_is_skipped() {
    let dir = TestDir::new();
    let plan = "
- name: legacy
  items:
    - endpoint: legacy/pagecounts/aggregate
      values: { project: [en.wikipedia], access-site: [all-sites], granularity: [daily] }
      windows: [last 3 days]
";
    let fixture = dir.fixture(plan).await;
    let refused = fixture.build_as("legacy", &BuildOptions::default()).await.unwrap_err();
    assert!(
        matches!(&refused, BuildError::NothingLoaded(names) if names == &["legacy-pagecounts-daily"]),
        "{refused:?}"
    );
    let jobs =
        Jobs::new(Arc::clone(&fixture.builder), TaskTracker::new(), CancellationToken::new());
    let start = Start { plan: "legacy".to_owned(), ..Start::default() };
    let id = jobs.start(start).unwrap().id;
    assert_eq!(jobs.wait(id).await.unwrap().state, State::Skipped);
    assert_eq!(fixture.metric("aqs_hot_set_jobs_total", ("outcome", "skipped")), 1.0);
    assert_eq!(fixture.metric("aqs_hot_set_jobs_total", ("outcome", "refused")), 0.0);
}
