use crate::support::{PLANS, TestDir, says, views};
use aqs_api::{Query, Target};
use aqs_origin::epochs::{PurgeMode, Scope, Validity};
use aqs_origin::{Origin, Priority, RequestContext};
use std::time::{Duration, Instant};

fn ctx() -> RequestContext {
    RequestContext::new(Instant::now() + Duration::from_secs(60), Priority::Warm, 1)
}

fn query(origin: &Origin, path: &str) -> Query {
    let target = format!("/metrics{path}");
    origin.catalogue().resolve(Target::parse(&target).unwrap()).unwrap()
}

#[tokio::test]
async fn batches_answer_like_single_queries_and_read_a_partition_once() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let mut paths = Vec::new();
    for access in ["all-access", "desktop", "mobile-app", "mobile-web"] {
        for agent in ["all-agents", "automated", "spider", "user"] {
            for dates in [
                "daily/20260131/20260131",
                "daily/20260129/20260131",
                "daily/20260130/20260130",
                "daily/20200101/20301231",
                "daily/20200101/20200201",
                "daily/20300101/20300201",
                "monthly/20260101/20260131",
            ] {
                paths.push(format!(
                    "/pageviews/per-article/en.wikipedia/{access}/{agent}/X/{dates}"
                ));
            }
        }
    }
    paths.push("/pageviews/top/en.wikipedia/all-access/2026/01/31".to_owned());
    paths.push("/pageviews/top/en.wikipedia/all-access/2026/01/30".to_owned());
    let queries: Vec<Query> = paths.iter().map(|path| query(&fixture.origin, path)).collect();
    let before = fixture.reads();
    let batch = fixture.origin.answers_of(&queries, &ctx()).await;
    // The article, and a list that is not loaded yet costs nothing: the coverage excludes it.
    assert_eq!((batch.reads, fixture.reads() - before), (2, 2));
    assert_eq!(fixture.origin.reads_of(&queries), 2);
    assert_eq!(batch.entries.len(), queries.len());
    for (query, entry) in queries.iter().zip(&batch.entries) {
        let alone = fixture.origin.answer(query, &ctx()).await.unwrap();
        let entry = entry.as_ref().unwrap();
        let path = query.key().path();
        assert_eq!(says(&entry.representation), says(&alone.representation), "{path}");
        assert_eq!((entry.endpoint, entry.tags), (alone.endpoint, alone.tags), "{path}");
    }
}

#[tokio::test]
async fn a_purge_during_a_batch_invalidates_its_answers() {
    let dir = TestDir::new();
    let fixture = dir.fixture(PLANS).await;
    let path = "/pageviews/per-article/en.wikipedia/all-access/user/X/daily/20260131/20260131";
    let queries = vec![query(&fixture.origin, path)];
    fixture.store.allowed.forget_permits(1_000_000);
    let batch_task = tokio::spawn({
        let origin = std::sync::Arc::clone(&fixture.origin);
        async move { origin.answers_of(&queries, &ctx()).await }
    });
    crate::support::eventually(|| fixture.reads() == 1).await;
    dir.load("pageviews_per_article_flat", &[views("en.wikipedia", "X", 31, 99, 0)]);
    fixture.origin.purge(Scope::Project("en.wikipedia"), PurgeMode::Hard).unwrap();
    fixture.store.allowed.add_permits(1);
    let batch = batch_task.await.unwrap();
    let entry = batch.entries[0].as_ref().unwrap();
    let validity = fixture.origin.epochs.validity(entry.epoch, &entry.tags);
    assert_eq!(validity, Validity::Invalid);
}
