//! The sample as a directory of files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end where it fails"
)]

use aqs_api::Catalogue;
use aqs_origin::sample::{self, SampleError};
use std::fs;
use std::io::{BufRead, BufReader};

fn catalogue() -> Catalogue {
    Catalogue::standard().unwrap()
}

#[test]
fn directory_holds_every_table() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("new/folder");
    let summary = sample::write_directory(&catalogue(), &directory).unwrap();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), summary.len());
    for (table, rows) in &summary {
        let file = fs::File::open(directory.join(format!("{table}.ndjson"))).unwrap();
        let mut lines = 0;
        for line in BufReader::new(file).lines() {
            let line = line.unwrap();
            assert!(line.starts_with('{') && line.ends_with('}'), "{table}: {line}");
            if lines % 500 == 0 {
                serde_json::from_str::<serde_json::Map<_, _>>(&line).expect(table);
            }
            lines += 1;
        }
        assert_eq!(lines, *rows, "{table}");
    }
    // Nothing is overwritten.
    assert!(matches!(
        sample::write_directory(&catalogue(), &directory),
        Err(SampleError::Occupied { .. })
    ));
}

#[test]
fn existing_table_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("unique_devices.ndjson");
    fs::write(&table, "mine").unwrap();
    assert!(matches!(
        sample::write_directory(&catalogue(), directory.path()),
        Err(SampleError::Occupied { path }) if path == table
    ));
    assert_eq!(fs::read_to_string(&table).unwrap(), "mine");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
