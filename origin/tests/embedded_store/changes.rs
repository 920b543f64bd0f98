//! Files that change, or are replaced, while they are open.

use super::*;
use aqs_origin::store::embedded::Access;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

const IMMUTABLE: Options = Options { readers: None, access: Access::Immutable };
const ACCESSES: [Options; 2] = [IMMUTABLE, Options { readers: None, access: Access::Live }];

fn open_with(path: &Path, options: Options) -> EmbeddedStore {
    EmbeddedStore::open(path, &catalogue(), options).unwrap()
}

/// Rows of a project on many pages.
fn many<'a>(timestamps: &'a [String], count: i64) -> Vec<Vec<Cell<'a>>> {
    timestamps.iter().map(|day| devices("a", day, ints([count, 0, 0]))).collect()
}

fn days(count: u32) -> Vec<String> {
    let day = |day: u32| format!("{}{:02}{:02}", 1800 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
    (0..count).map(day).collect()
}

#[tokio::test]
async fn a_load_into_an_immutable_store_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    let store = open_with(&path, IMMUTABLE);
    assert_eq!(devices_of(&store, "a").await, [Some(1)]);
    let (token, versions) = (store.change_token().await.unwrap(), store.versions().await.unwrap());
    let more = [("20260101", 7), ("20260102", 8)];
    load_devices(&path, &more.map(|(day, count)| devices("a", day, ints([count, 2, 3]))));
    assert_eq!(devices_of(&store, "a").await, [Some(7), Some(8)]);
    assert_ne!(store.change_token().await.unwrap(), token);
    let later = store.versions().await.unwrap();
    let changed = later.iter().filter(|(name, version)| versions[*name] != **version);
    assert_eq!(changed.map(|(name, _)| *name).collect::<Vec<_>>(), ["unique-devices-daily"]);
    assert_eq!(store.health_issues(), [""; 0]);
}

/// Each load gives all rows of a project the same count, so rows of two loads show.
#[test]
fn an_immutable_store_never_mixes_loads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let days = days(20_000);
    load_devices(&path, &many(&days, 0));
    let store = open_with(&path, IMMUTABLE);
    let done = AtomicBool::new(false);
    let mut answers = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (1..=12).for_each(|count| drop(load_devices(&path, &many(&days, count))));
            done.store(true, Ordering::Relaxed);
        });
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            while !done.load(Ordering::Relaxed) {
                match read_devices(&store, "a").await {
                    Ok(rows) => {
                        let found: Vec<_> = rows.ints("devices").unwrap().iter().collect();
                        assert_eq!(found.len(), days.len());
                        assert!(found.iter().all(|count| *count == found[0]), "rows of two loads");
                        answers += 1;
                    }
                    Err(StoreError::Unavailable { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            assert!(answers > 0);
            assert_eq!(devices_of(&store, "a").await, vec![Some(12); days.len()]);
        });
    });
}

#[tokio::test]
async fn another_file_in_its_place_is_opened() {
    for options in ACCESSES {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("store.db"), folder.path().join("other.db"));
        load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
        load_devices(&other, &[devices("a", "20260101", ints([2, 2, 3]))]);
        let store = open_with(&path, options);
        assert_eq!(devices_of(&store, "a").await, [Some(1)]);
        let token = store.change_token().await.unwrap();
        let versions = store.versions().await.unwrap();
        fs::rename(&other, &path).unwrap();
        // A poll for changes notices it.
        assert_ne!(store.change_token().await.unwrap(), token, "{options:?}");
        assert_eq!(devices_of(&store, "a").await, [Some(2)], "{options:?}");
        // Both had one load.
        assert_ne!(store.versions().await.unwrap(), versions);
        // The new file is the one that loads are seen in.
        load_devices(&path, &[devices("a", "20260101", ints([3, 2, 3]))]);
        let token = store.change_token().await.unwrap();
        assert_eq!(devices_of(&store, "a").await, [Some(3)], "{options:?}");
        assert_eq!(store.change_token().await.unwrap(), token);
    }
}

#[tokio::test]
async fn a_file_that_is_written_over_it_is_opened() {
    for options in ACCESSES {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("store.db"), folder.path().join("other.db"));
        load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
        let rows: Vec<_> = days(3000);
        load_devices(&other, &many(&rows, 5));
        let store = open_with(&path, options);
        assert_eq!(devices_of(&store, "a").await, [Some(1)]);
        fs::copy(&other, &path).unwrap();
        store.change_token().await.unwrap();
        assert_eq!(devices_of(&store, "a").await, vec![Some(5); 3000], "{options:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_may_lead_to_another_file() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    load_devices(&at("one.db"), &[devices("a", "20260101", ints([1, 2, 3]))]);
    load_devices(&at("two.db"), &[devices("a", "20260101", ints([2, 2, 3]))]);
    symlink("one.db", at("store.db")).unwrap();
    let store = open(&at("store.db"));
    assert_eq!(devices_of(&store, "a").await, [Some(1)]);
    symlink("two.db", at("new.db")).unwrap();
    fs::rename(at("new.db"), at("store.db")).unwrap();
    store.change_token().await.unwrap();
    assert_eq!(devices_of(&store, "a").await, [Some(2)]);
}

#[tokio::test]
async fn a_file_that_is_missing_or_no_store_is_not_available() {
    for options in ACCESSES {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
        let store = open_with(&path, options);
        fs::rename(&path, folder.path().join("elsewhere.db")).unwrap();
        let missing = store.change_token().await.unwrap_err();
        assert!(matches!(missing, StoreError::Unavailable { .. }), "{missing:?}");
        fs::write(&path, "not a store").unwrap();
        let foreign = store.change_token().await.unwrap_err();
        assert!(matches!(foreign, StoreError::Unavailable { .. }), "{foreign:?}");
        let read = read_devices(&store, "a").await.unwrap_err();
        assert!(read.to_string().contains("is not an embedded store"), "{read}");
        assert_eq!(store.health_issues().len(), 1);
        fs::rename(folder.path().join("elsewhere.db"), &path).unwrap();
        assert_eq!(devices_of(&store, "a").await, [Some(1)], "{options:?}");
        assert_eq!(store.health_issues(), [""; 0]);
    }
}

#[tokio::test]
async fn the_log_of_a_replaced_file_is_not_merged_into_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("store.db"), folder.path().join("other.db"));
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    load_devices(&other, &[devices("a", "20260101", ints([2, 2, 3]))]);
    let store = open(&path);
    assert_eq!(devices_of(&store, "a").await, [Some(1)]);
    // A load whose log is not merged.
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE unique_devices SET devices = 9")
        .unwrap();
    drop(conn);
    assert_eq!(devices_of(&store, "a").await, [Some(9)]);
    fs::rename(&other, &path).unwrap();
    let refused = store.change_token().await.unwrap_err().to_string();
    assert!(refused.contains("store.db-wal holds") && refused.contains("remove"), "{refused}");
    let refused = read_devices(&store, "a").await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused:?}");
    fs::remove_file(folder.path().join("store.db-wal")).unwrap();
    assert_eq!(devices_of(&store, "a").await, [Some(2)]);
}
