use crate::support::{
    ARTICLE, ARTICLE_SAYS, DEVICES, DEVICES_SAYS, FixtureSettings, PLANS, TestDir, names, views,
};
use aqs_origin::epochs::{PurgeMode, Scope};
use aqs_warmers::artefact::ArtefactError;
use aqs_warmers::build::RollbackError;
use aqs_warmers::generation::Provenance;
use aqs_warmers::hot_set::HotFreshness;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_restart_without_a_store_serves_the_artefact() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    let checksum = fixture.build("devices").await.generation.checksum;
    // The first process is killed: it does not shut down.
    drop(fixture);
    let fixture = dir.start(PLANS, FixtureSettings::default());
    fixture.store.down.store(true, Ordering::SeqCst);
    let (loaded, quarantined) = fixture.builder.load().await.unwrap();
    let loaded = loaded.unwrap();
    assert!(quarantined.is_empty());
    assert_eq!((loaded.id, loaded.checksum), (2, checksum));
    for (path, expected) in [(ARTICLE, ARTICLE_SAYS), (DEVICES, DEVICES_SAYS)] {
        let served = fixture.get(path).unwrap();
        assert_eq!((served.generation, served.freshness), (2, HotFreshness::Fresh));
        assert_eq!(served.says, expected);
    }
    assert_eq!(fixture.reads(), 0);
    fixture.store.down.store(false, Ordering::SeqCst);
    fixture.origin.refresh_coverage().await.unwrap();
    // Answers from before the restart are carried over.
    let built = fixture.build("devices").await;
    assert_eq!((built.generation.id, built.facts.reads), (3, 0));
}

#[tokio::test]
async fn purges_survive_a_kill() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    fixture.build("devices").await;
    fixture.origin.purge(Scope::Endpoint("unique-devices"), PurgeMode::Hard).unwrap();
    fixture.origin.purge(Scope::Dataset("pageviews-per-article-daily"), PurgeMode::Soft).unwrap();
    drop(fixture);
    let fixture = dir.start(PLANS, FixtureSettings::default());
    fixture.builder.load().await.unwrap().0.unwrap();
    assert!(fixture.get(DEVICES).is_none());
    assert_eq!(fixture.get(ARTICLE).unwrap().freshness, HotFreshness::Stale);
}

#[tokio::test]
async fn a_load_during_downtime_makes_answers_stale() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    drop(fixture);
    dir.load("pageviews_per_article_flat", &[views("en.wikipedia", "X", 31, 99, 0)]);
    let fixture = dir.start(PLANS, FixtureSettings::default());
    fixture.builder.load().await.unwrap().0.unwrap();
    assert_eq!(fixture.get(ARTICLE).unwrap().freshness, HotFreshness::Fresh);
    fixture.origin.refresh_coverage().await.unwrap();
    assert_eq!(fixture.get(ARTICLE).unwrap().freshness, HotFreshness::Stale);
    assert_eq!(fixture.build("articles").await.facts.reads, 2);
}

#[tokio::test]
async fn an_artefact_without_its_state_is_foreign() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("devices").await;
    drop(fixture);
    std::fs::remove_file(dir.folder.path().join("state/state.json")).unwrap();
    let fixture = dir.start(PLANS, FixtureSettings::default());
    let (loaded, quarantined) = fixture.builder.load().await.unwrap();
    assert!(loaded.is_none() && quarantined.len() == 1);
    assert!(fixture.get(DEVICES).is_none());
    assert_eq!(names(&dir.artefacts()), ["gen-0000000001.aqs.foreign"]);
    assert_eq!(fixture.metric("aqs_hot_set_artefact_failures_total", ("doing", "load")), 0.0);
    // Its id is not used again.
    fixture.origin.refresh_coverage().await.unwrap();
    assert_eq!(fixture.build("devices").await.generation.id, 2);
}

#[tokio::test]
async fn a_rollback_survives_a_restart() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    fixture.build("articles").await;
    dir.load("pageviews_per_article_flat", &[views("en.wikipedia", "Y/Z", 30, 666, 0)]);
    fixture.origin.refresh_coverage().await.unwrap();
    fixture.build("articles").await;
    fixture.builder.rollback(None).await.unwrap();
    drop(fixture);
    let fixture = dir.start(PLANS, FixtureSettings::default());
    let loaded = fixture.builder.load().await.unwrap().0.unwrap();
    assert_eq!((loaded.id, loaded.parent), (3, Some(2)));
    assert_eq!(fixture.get(ARTICLE).unwrap().says, ARTICLE_SAYS);
}

#[tokio::test]
async fn ids_rise_also_if_the_newest_artefact_is_lost() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let first = fixture.build("articles").await.generation;
    fixture.build("devices").await;
    // The third is served, and its file can't be written.
    let directory = dir.artefacts().join("gen-0000000003.aqs");
    std::fs::create_dir_all(directory.join("file")).unwrap();
    assert_eq!(fixture.build("devices").await.generation.id, 3);
    std::fs::remove_dir_all(&directory).unwrap();
    drop(fixture);
    std::fs::write(dir.artefacts().join("gen-0000000002.aqs"), b"nonsense").unwrap();
    let fixture = dir.start(PLANS, FixtureSettings::default());
    let loaded = fixture.builder.load().await.unwrap().0.unwrap();
    assert_eq!((loaded.id, loaded.provenance), (4, Provenance::RolledBack { from: 1 }));
    assert_eq!(loaded.checksum, first.checksum);
    assert_eq!(fixture.get(ARTICLE).unwrap().generation, 4);
    assert!(fixture.builder.verify(1).await.unwrap().kept == Some(true));
    drop(fixture);
    // The last served generation is loaded.
    let fixture = dir.start(PLANS, FixtureSettings::default());
    assert_eq!(fixture.builder.load().await.unwrap().0.unwrap().id, 4);
    fixture.origin.refresh_coverage().await.unwrap();
    assert_eq!(fixture.build("devices").await.generation.id, 5);
}

#[tokio::test]
async fn artefacts_above_the_memory_limit_are_skipped() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let small = fixture.build("devices").await.generation;
    let large = fixture.build("articles").await.generation;
    drop(fixture);
    let mut fixture_settings = FixtureSettings::default();
    fixture_settings.settings.memory = Some(large.bytes - 1);
    let fixture = dir.start(PLANS, fixture_settings);
    let (loaded, unused) = fixture.builder.load().await.unwrap();
    let loaded = loaded.unwrap();
    // The id of the larger one was used before.
    assert_eq!((loaded.id, loaded.provenance), (3, Provenance::RolledBack { from: 1 }));
    assert_eq!(loaded.checksum, small.checksum);
    assert!(matches!(unused[0], ArtefactError::TooLarge { .. }), "{unused:?}");
    let refused = fixture.builder.rollback(Some(2)).await;
    assert!(
        matches!(refused, Err(RollbackError::Artefact(ArtefactError::TooLarge { .. }))),
        "{refused:?}"
    );
    let kept = ["gen-0000000001.aqs", "gen-0000000002.aqs", "gen-0000000003.aqs"];
    assert_eq!(names(&dir.artefacts()), kept);
}
