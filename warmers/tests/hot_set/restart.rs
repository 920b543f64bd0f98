use crate::support::{
    ARTICLE, ARTICLE_SAYS, DEVICES, DEVICES_SAYS, Ground, PLANS, Wishes, names, views,
};
use aqs_origin::epochs::{Depth, Scope};
use aqs_warmers::artefact::ArtefactError;
use aqs_warmers::build::RollbackError;
use aqs_warmers::generation::{Birth, HotFreshness};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_restart_without_a_store_serves_what_was_served() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    house.build("articles").await;
    let checksum = house.build("devices").await.generation.checksum;
    // Nothing is told to the one that ends: it is killed.
    drop(house);
    let house = ground.start(PLANS, Wishes::default());
    house.store.down.store(true, Ordering::SeqCst);
    let (loaded, aside) = house.builder.load().await.unwrap();
    let loaded = loaded.unwrap();
    assert!(aside.is_empty());
    assert_eq!((loaded.id, loaded.checksum), (2, checksum));
    for (path, expected) in [(ARTICLE, ARTICLE_SAYS), (DEVICES, DEVICES_SAYS)] {
        let served = house.get(path).unwrap();
        assert_eq!((served.generation, served.freshness), (2, HotFreshness::Fresh));
        assert_eq!(served.says, expected);
    }
    assert_eq!(house.reads(), 0);
    house.store.down.store(false, Ordering::SeqCst);
    house.origin.look().await.unwrap();
    // What was built before the restart can't have changed since.
    let built = house.build("devices").await;
    assert_eq!((built.generation.id, built.facts.reads), (3, 0));
}

#[tokio::test]
async fn what_was_purged_before_a_kill_is_purged_after_it() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    house.build("articles").await;
    house.build("devices").await;
    house.origin.purge(Scope::Endpoint("unique-devices"), Depth::Hard).unwrap();
    house.origin.purge(Scope::Dataset("pageviews-per-article-daily"), Depth::Soft).unwrap();
    drop(house);
    let house = ground.start(PLANS, Wishes::default());
    house.builder.load().await.unwrap().0.unwrap();
    assert!(house.get(DEVICES).is_none());
    assert_eq!(house.get(ARTICLE).unwrap().freshness, HotFreshness::Stale);
}

#[tokio::test]
async fn what_was_loaded_while_nobody_looked_makes_the_old_stale() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    house.build("articles").await;
    drop(house);
    ground.load("pageviews_per_article_flat", &[views("en.wikipedia", "X", 31, 99, 0)]);
    let house = ground.start(PLANS, Wishes::default());
    house.builder.load().await.unwrap().0.unwrap();
    assert_eq!(house.get(ARTICLE).unwrap().freshness, HotFreshness::Fresh);
    house.origin.look().await.unwrap();
    assert_eq!(house.get(ARTICLE).unwrap().freshness, HotFreshness::Stale);
    assert_eq!(house.build("articles").await.facts.reads, 2);
}

#[tokio::test]
async fn without_its_state_a_kept_generation_is_foreign() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    house.build("devices").await;
    drop(house);
    std::fs::remove_file(ground.folder.path().join("state/state.json")).unwrap();
    let house = ground.start(PLANS, Wishes::default());
    let (loaded, aside) = house.builder.load().await.unwrap();
    assert!(loaded.is_none() && aside.len() == 1);
    assert!(house.get(DEVICES).is_none());
    assert_eq!(names(&ground.artefacts()), ["gen-0000000001.aqs.foreign"]);
    // And its number is not given again.
    house.origin.look().await.unwrap();
    assert_eq!(house.build("devices").await.generation.id, 2);
}

#[tokio::test]
async fn after_going_back_a_restart_serves_what_was_gone_back_to() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    house.build("articles").await;
    ground.load("pageviews_per_article_flat", &[views("en.wikipedia", "Y/Z", 30, 666, 0)]);
    house.origin.look().await.unwrap();
    house.build("articles").await;
    house.builder.rollback(None).await.unwrap();
    drop(house);
    let house = ground.start(PLANS, Wishes::default());
    let loaded = house.builder.load().await.unwrap().0.unwrap();
    assert_eq!((loaded.id, loaded.parent), (3, Some(2)));
    assert_eq!(house.get(ARTICLE).unwrap().says, ARTICLE_SAYS);
}

#[tokio::test]
async fn numbers_rise_also_where_the_newest_is_lost() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    let first = house.build("articles").await.generation;
    house.build("devices").await;
    // The third is served, and its file can't be written.
    let taken = ground.artefacts().join("gen-0000000003.aqs");
    std::fs::create_dir_all(taken.join("taken")).unwrap();
    assert_eq!(house.build("devices").await.generation.id, 3);
    std::fs::remove_dir_all(&taken).unwrap();
    drop(house);
    std::fs::write(ground.artefacts().join("gen-0000000002.aqs"), b"nonsense").unwrap();
    let house = ground.start(PLANS, Wishes::default());
    let loaded = house.builder.load().await.unwrap().0.unwrap();
    assert_eq!((loaded.id, loaded.birth), (4, Birth::RolledBack { from: 1 }));
    assert_eq!(loaded.checksum, first.checksum);
    assert_eq!(house.get(ARTICLE).unwrap().generation, 4);
    assert!(house.builder.verify(1).await.unwrap().artefact.unwrap().is_ok());
    drop(house);
    // From here on it is what was served last.
    let house = ground.start(PLANS, Wishes::default());
    assert_eq!(house.builder.load().await.unwrap().0.unwrap().id, 4);
    house.origin.look().await.unwrap();
    assert_eq!(house.build("devices").await.generation.id, 5);
}

#[tokio::test]
async fn what_is_kept_must_fit_the_memory_there_is() {
    let ground = Ground::new();
    let house = ground.house(PLANS).await;
    let small = house.build("devices").await.generation;
    let large = house.build("articles").await.generation;
    drop(house);
    let mut wishes = Wishes::default();
    wishes.settings.memory = large.bytes - 1;
    let house = ground.start(PLANS, wishes);
    let (loaded, unused) = house.builder.load().await.unwrap();
    let loaded = loaded.unwrap();
    // The number of the larger one was served before.
    assert_eq!((loaded.id, loaded.birth), (3, Birth::RolledBack { from: 1 }));
    assert_eq!(loaded.checksum, small.checksum);
    assert!(unused[0].now.is_none(), "{unused:?}");
    let refused = house.builder.rollback(Some(2)).await;
    assert!(
        matches!(refused, Err(RollbackError::Artefact(ArtefactError::TooLarge { .. }))),
        "{refused:?}"
    );
    let kept = ["gen-0000000001.aqs", "gen-0000000002.aqs", "gen-0000000003.aqs"];
    assert_eq!(names(&ground.artefacts()), kept);
}
