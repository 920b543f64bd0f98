//! Damaged pages: what is answered from them is right, or an error.

use super::*;
use aqs_api::tables::{TOP_PAGEVIEWS, UNIQUE_DEVICES};
use std::fs;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const PAGE: usize = 4096;

fn projects() -> Vec<String> {
    (0..240).map(|number| format!("p{number:03}")).collect()
}

/// The days of each project.
const DAYS: [&str; 3] = ["20260101", "20260102", "20260103"];

fn build(path: &Path) {
    let projects = projects();
    let rows = projects.iter().flat_map(|project| {
        DAYS.iter().enumerate().map(|(day, date)| {
            (&UNIQUE_DEVICES, devices(project, date, ints([day as i64 + 1, 2, 3])))
        })
    });
    // Lists that take pages of their own.
    let list = format!(r#"[{{"article":"{}","views":1,"rank":1}}]"#, "x".repeat(9000));
    let tops = projects.iter().take(6).map(|project| {
        let key = ["all-access", "2026", "01", "01"].map(text);
        let cells = [text(project)].into_iter().chain(key).chain([text(&list), Cell::Null]);
        (&TOP_PAGEVIEWS, cells.collect::<Vec<_>>())
    });
    load(path, &rows.chain(tops).collect::<Vec<_>>());
}

/// Opens a store and waits for its first check.
async fn checked(path: &Path) -> Option<Arc<EmbeddedStore>> {
    let store = Arc::new(EmbeddedStore::open(path, &catalogue(), Options::default()).ok()?);
    let registry = prometheus::Registry::new();
    store.declare(&mut aqs_origin::metric_declarations::Declarations::of(&registry)).unwrap();
    let cancel = CancellationToken::new();
    let running = tokio::spawn({
        let (store, cancel) = (Arc::clone(&store), cancel.clone());
        async move { store.run(cancel).await }
    });
    let unchecked = || {
        let families = registry.gather();
        let metrics = families.iter().flat_map(|family| family.get_metric());
        let state = |metric: &&prometheus::proto::Metric| {
            metric.get_label().iter().any(|label| label.value() == "unchecked")
        };
        metrics.filter(state).map(|metric| metric.get_gauge().get_value()).sum::<f64>()
    };
    while unchecked() > 0.0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    cancel.cancel();
    running.await.unwrap();
    Some(store)
}

/// Asks for every project. Returns whether any answer was an error, and fails if one is false.
async fn ask(store: &EmbeddedStore, what: &str) -> bool {
    let mut failed = false;
    // Making a catalogue takes longer than a read.
    let (devices, tops) = (dataset("unique-devices-daily"), dataset("pageviews-top-daily"));
    for (number, project) in projects().iter().enumerate() {
        let key = [project, "all-sites", "daily"];
        match store.read(&lookup_in(devices, &key, None), &ctx()).await {
            Ok(rows) => {
                let found: Vec<_> = rows.ints("devices").unwrap().iter().collect();
                assert_eq!(found, [Some(1), Some(2), Some(3)], "{what}: {project}");
            }
            Err(_) => failed = true,
        }
        if number < 6 {
            let key = [project, "all-access", "2026", "01", "01"];
            match store.read(&lookup_in(tops, &key, None), &ctx()).await {
                Ok(rows) => {
                    let texts = rows.texts("articlesJSON").unwrap();
                    let list = texts.get(0).unwrap_or_default();
                    // A changed byte within a text is not seen without checksums.
                    assert_eq!(list.len(), 9035, "{what}: {project}");
                }
                Err(_) => failed = true,
            }
        }
    }
    failed
}

#[tokio::test]
async fn every_answer_from_a_damaged_file_is_right_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    build(&path);
    let intact = fs::read(&path).unwrap();
    let store = checked(&path).await.unwrap();
    assert!(!ask(&store, "intact").await);
    assert_eq!(store.health_issues(), [""; 0]);
    assert!(store.damaged().is_empty());
    drop(store);
    let pages = intact.len() / PAGE;
    assert!(pages > 30, "{pages}");
    let mut found = 0;
    for page in 1..pages {
        let own = page * PAGE..(page + 1) * PAGE;
        let other = (page * 7 + 3) % pages;
        let zeros = vec![0; PAGE];
        let swapped = intact[other * PAGE..(other + 1) * PAGE].to_vec();
        let mut fewer_cells = intact[own.clone()].to_vec();
        // The low byte of the number of cells.
        fewer_cells[4] = fewer_cells[4].saturating_sub(1);
        let noise: Vec<u8> =
            (0..PAGE).map(|byte| (byte * 31 + page * 17).to_le_bytes()[0]).collect();
        for (what, bytes) in
            [("zeros", zeros), ("swapped", swapped), ("fewer cells", fewer_cells), ("noise", noise)]
        {
            let mut damaged = intact.clone();
            damaged[own.clone()].copy_from_slice(&bytes);
            fs::write(&path, &damaged).unwrap();
            if page % 3 > 0 && ["fewer cells", "noise"].contains(&what) {
                continue;
            }
            let Some(store) = checked(&path).await else { continue };
            let what = format!("{what} in page {page} of {pages}");
            let failed = ask(&store, &what).await;
            let issues = store.health_issues();
            // Other tables, which are empty, have pages too.
            assert!(!failed || !issues.is_empty(), "{what}");
            assert_eq!(issues.is_empty(), store.damaged().is_empty(), "{what}: {issues:?}");
            found += usize::from(failed);
        }
    }
    assert!(found > pages, "{found}");
}

#[tokio::test]
async fn a_read_that_meets_damage_stops_reads_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    build(&path);
    let mut bytes = fs::read(&path).unwrap();
    // The last page of the devices; the pages of lists come later or earlier, which shows below.
    let store = open(&path);
    let last = bytes
        .chunks(PAGE)
        .rposition(|page| page.first() == Some(&10) && page.windows(4).any(|text| text == b"p239"));
    let last = last.unwrap();
    bytes[last * PAGE..(last + 1) * PAGE].fill(0);
    drop(store);
    fs::write(&path, &bytes).unwrap();
    let store = open(&path);
    assert!(read_devices(&store, "p000").await.is_ok());
    assert!(read_devices(&store, "p239").await.is_err());
    let refused = read_devices(&store, "p000").await.unwrap_err().to_string();
    assert!(refused.contains("the file is damaged; load the data into a new path"), "{refused}");
    let damaged: Vec<_> = store.damaged().iter().map(|dataset| dataset.name).collect();
    assert_eq!(damaged, ["unique-devices-daily", "unique-devices-monthly"]);
    assert!(store.health_issues()[0].contains("unique_devices is damaged"));
}

#[tokio::test]
async fn a_missing_column_is_a_health_issue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("ALTER TABLE unique_devices DROP COLUMN underestimate").unwrap();
    drop(conn);
    let store = checked(&path).await.unwrap();
    assert_eq!(store.health_issues(), ["table unique_devices lacks the columns underestimate"]);
    assert!(store.damaged().is_empty());
}
