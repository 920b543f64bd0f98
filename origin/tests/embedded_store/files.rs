//! Files that are not a store, or are damaged.

use super::*;
use aqs_origin::store::embedded::{FileError, OpenError, WriteError};
use std::fs;

fn refused(path: &Path) -> OpenError {
    EmbeddedStore::open(path, &catalogue(), Options::default()).unwrap_err()
}

fn not_written(path: &Path) -> WriteError {
    StoreWriter::create_or_open(path, &catalogue(), WriterOptions::default()).unwrap_err()
}

#[test]
fn a_reader_does_not_create_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let error = refused(&path);
    assert!(matches!(error, OpenError::Missing { .. }), "{error:?}");
    assert!(error.to_string().contains("aqs load"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(matches!(refused(folder.path()), OpenError::NotAFile { .. }));
}

#[tokio::test]
async fn an_empty_file_can_be_filled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    fs::write(&path, "").unwrap();
    assert!(matches!(refused(&path), OpenError::File(FileError::Empty { .. })));
    load_devices(&path, &[devices("a", "20260101", ints([1, 2, 3]))]);
    assert_eq!(devices_of(&open(&path), "a").await, [Some(1)]);
}

#[test]
fn other_files_are_identified_and_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.file");
    let text = "{\"project\":\"en.wikipedia\"}\n".repeat(100);
    fs::write(&path, &text).unwrap();
    assert!(matches!(refused(&path), OpenError::File(FileError::NotSqlite { .. })));
    assert!(matches!(not_written(&path), WriteError::File(FileError::NotSqlite { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);

    let path = folder.path().join("foreign.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA application_id = 7; CREATE TABLE t (a)").unwrap();
    drop(conn);
    let bytes = fs::read(&path).unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::File(FileError::Foreign { found: 7, .. })), "{error:?}");
    assert!(matches!(not_written(&path), WriteError::File(FileError::Foreign { .. })));
    assert_eq!(fs::read(&path).unwrap(), bytes);

    // A database without an id is foreign, too, if it has tables.
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA application_id = 0").unwrap();
    drop(conn);
    assert!(matches!(refused(&path), OpenError::File(FileError::Foreign { found: 0, .. })));
}

#[test]
fn another_version_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[]);
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(conn);
    let error = refused(&path).to_string();
    for hint in ["schema version 99", "knows version 1", "aqs load", "new path"] {
        assert!(error.contains(hint), "{error}");
    }
    assert!(matches!(not_written(&path), WriteError::File(FileError::Version { found: 99, .. })));
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_not_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let projects: Vec<String> = (0..5000).map(|number| format!("p{number:05}")).collect();
    let rows = projects.iter().map(|project| devices(project, "20260101", ints([1, 2, 3])));
    load_devices(&path, &rows.collect::<Vec<_>>());
    let mut bytes = fs::read(&path).unwrap();
    let pages = bytes.len() / 4096;
    // Only the schema stays intact.
    let schema = 4;
    bytes.iter_mut().skip(schema * 4096).for_each(|byte| *byte ^= 0x55);
    assert!(pages > 3 * schema);
    fs::write(&path, &bytes).unwrap();
    match EmbeddedStore::open(&path, &catalogue(), Options::default()) {
        Err(error) => assert!(matches!(error, OpenError::File(_)), "{error:?}"),
        Ok(store) => {
            for project in ["p00000", "p02500", "p04999"] {
                let error = read_devices(&store, project).await.unwrap_err();
                assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
                assert!(error.to_string().contains("the file is damaged"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_cell_of_the_wrong_type_fails_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[]);
    let conn = Connection::open(&path).unwrap();
    // Without STRICT, SQLite keeps anything in any column.
    conn.execute_batch(
        r#"DROP TABLE unique_devices;
           CREATE TABLE unique_devices (project TEXT, "access-site" TEXT, granularity TEXT,
             timestamp TEXT, devices, "offset", underestimate,
             PRIMARY KEY (project, "access-site", granularity, timestamp)) WITHOUT ROWID;
           INSERT INTO unique_devices VALUES
             ('text', 'all-sites', 'daily', '20260101', 'many', 1, 1),
             ('real', 'all-sites', 'daily', '20260101', 1, 0.5, 1),
             ('blob', 'all-sites', 'daily', x'ff', 1, 1, 1),
             ('utf8', 'all-sites', 'daily', CAST(x'ff' AS TEXT), 1, 1, 1);"#,
    )
    .unwrap();
    drop(conn);
    let store = open(&path);
    for (project, reason) in [
        ("text", "column \"devices\" of row 1 holds Text instead of an integer"),
        ("real", "column \"offset\" of row 1 holds Real instead of an integer"),
        ("blob", "column \"timestamp\" of row 1 holds Blob instead of a text"),
        ("utf8", "column \"timestamp\" of row 1 holds Text instead of a text (invalid utf-8"),
    ] {
        let error = read_devices(&store, project).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
        let error = error.to_string();
        assert!(error.contains(&format!("unique_devices [\"{project}\"")), "{error}");
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_table_without_its_key_fails_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    load_devices(&path, &[]);
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch("DROP TABLE unique_devices; CREATE TABLE unique_devices (project TEXT)")
        .unwrap();
    drop(conn);
    let error = read_devices(&open(&path), "a").await.unwrap_err().to_string();
    assert!(error.contains("no key column \"access-site\""), "{error}");
}
