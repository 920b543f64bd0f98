use super::*;
use aqs_api::tables::TOP_PAGEVIEWS;
use std::sync::Arc;

fn timestamps(rows: &Rows) -> Vec<String> {
    rows.timestamps().unwrap().iter().map(|timestamp| timestamp.as_str().to_owned()).collect()
}

#[tokio::test]
async fn a_range_includes_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    // They are written in any order and read in clustering order.
    let days = ["20260103", "20260101", "20260105", "20260102"];
    let mut rows: Vec<_> = days.iter().map(|day| devices("a", day, ints([1, 2, 3]))).collect();
    rows.push(devices("aa", "20260102", ints([4, 5, 6])));
    load_devices(&path, &rows);
    let store = open(&path);
    let key = ["a", "all-sites", "daily"];
    for (range, expected) in [
        (None, &["20260101", "20260102", "20260103", "20260105"][..]),
        (Some(("20260101", "20260103")), &["20260101", "20260102", "20260103"]),
        (Some(("20260102", "20260104")), &["20260102", "20260103"]),
        (Some(("20260105", "20260105")), &["20260105"]),
        (Some(("20260104", "20260104")), &[]),
        (Some(("00000101", "99991231")), &["20260101", "20260102", "20260103", "20260105"]),
        (Some(("20260103", "20260101")), &[]),
    ] {
        let rows = store.read(&lookup("unique-devices-daily", &key, range), &ctx()).await.unwrap();
        assert_eq!(timestamps(&rows), expected, "{range:?}");
    }
}

#[tokio::test]
async fn a_top_list_is_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let row = ["en", "all-access", "2026", "01", "all-days", r#"[{"rank":1}]"#].map(text);
    load(&path, &[(&TOP_PAGEVIEWS, row.into_iter().chain([Cell::Null]).collect())]);
    let store = open(&path);
    let key = ["en", "all-access", "2026", "01", "all-days"];
    let rows = store.read(&lookup("pageviews-top-monthly", &key, None), &ctx()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows.texts("articlesJSON").unwrap().get(0), Some(r#"[{"rank":1}]"#));
    assert_eq!(rows.texts("articles").unwrap().get(0), None);
}

#[tokio::test]
async fn a_lookup_that_does_not_fit_its_table_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[]);
    let store = open(&path);
    for (lookup, reason) in [
        (lookup("unique-devices-daily", &["a", "b"], None), "3 parts, but 2 were given"),
        (
            lookup("pageviews-top-daily", &["a"; 5], Some(("20260101", "20260101"))),
            "the table has no timestamps",
        ),
    ] {
        let refused = store.read(&lookup, &ctx()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Failed { .. }), "{refused:?}");
        assert!(refused.to_string().contains(reason), "{refused}");
    }
}

#[tokio::test]
async fn a_deadline_is_kept_and_the_error_names_the_lookup() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let store = open(&path);
    let range = lookup(
        "unique-devices-daily",
        &["a\"b", "all-sites", "daily"],
        Some(("20260101", "20260102")),
    );
    let late = RequestContext { deadline: Instant::now(), ..ctx() };
    assert_eq!(
        store.read(&range, &late).await.unwrap_err().to_string(),
        "store embedded did not read unique_devices \
         [\"a\\\"b\", \"all-sites\", \"daily\"] from 20260101 to 20260102 in time"
    );
    assert_eq!(devices_of(&store, "a").await, [Some(1)]);
}

#[tokio::test]
async fn a_hundred_readers_get_their_own_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let projects: Vec<String> = (0..100).map(|number| format!("p{number}")).collect();
    let rows = projects
        .iter()
        .zip(0..)
        .map(|(project, count)| devices(project, "20260101", ints([count, 0, 0])));
    load_devices(&path, &rows.collect::<Vec<_>>());
    let store = Arc::new(open(&path));
    let reads = projects.into_iter().zip(0..).map(|(project, count)| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            assert_eq!(devices_of(&store, &project).await, [Some(count)]);
        })
    });
    for read in reads.collect::<Vec<_>>() {
        read.await.unwrap();
    }
}
