//! Tables with numbers in keys, moments and doubles, from the loader to their rows.

use super::typed_catalogue::{
    EDITORS_MONTHLY, ENDPOINTS, GAPS_MONTHLY, ROWS, SCORES_MONTHLY, assert_rows,
};
use super::{ctx, open_as};
use aqs_api::{Catalogue, Dialect, Lookup, Target};
use aqs_origin::load::{Options, into_store};
use aqs_origin::store::Store;
use std::fs;
use std::path::Path;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(future)
}

/// Loads files, and returns the reasons of bad rows.
fn load(path: &Path, catalogue: &Catalogue, files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (table, rows) in files {
        fs::write(folder.path().join(format!("{table}.ndjson")), rows).unwrap();
    }
    let report =
        into_store(&folder.path().into(), path, catalogue, Options::default(), &mut ()).unwrap();
    report.bad_rows.iter().map(|bad| bad.reason.to_string()).collect()
}

#[test]
fn numbers_moments_and_doubles_are_loaded_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let catalogue = Catalogue::new(ENDPOINTS).unwrap();
    assert_eq!(load(&path, &catalogue, &ROWS), [""; 0]);
    let editors = r#"{"category":"Cats","year":"2025","month":3,"rank":1,"user_name":"D","edit_count":1}
{"category":"Cats","year":2025,"month":13,"rank":1,"user_name":"D","edit_count":1}"#;
    let scores = r#"{"user":7,"dt":"2025-04-01T01:00:00Z","score":1}"#;
    let files = [("top_editors_monthly", editors), ("scores", scores)];
    let mut bad = load(&path, &catalogue, &files);
    bad.sort_unstable();
    assert_eq!(
        bad,
        [
            "column \"dt\" must be the begin of a day in UTC: YYYYMMDD, or as RFC 3339 has it, not \
             \"2025-04-01T01:00:00Z\"",
            "column \"month\" must be 2 digits, 01 to 12, not \"13\"",
            "column \"year\" takes an integer, not a text",
        ]
    );

    let store = open_as(&path, &catalogue);
    assert_rows(|lookup| block_on(store.read(&lookup, &ctx())).unwrap());

    let coverage = block_on(store.coverage()).unwrap();
    for (dataset, expected) in [
        (&EDITORS_MONTHLY, ("20241201", "20250301", 1)),
        (&SCORES_MONTHLY, ("20250101", "20250401", 2)),
        (&GAPS_MONTHLY, ("20250101", "20250201", 1)),
    ] {
        let extent = coverage.get(dataset).unwrap();
        let found = (extent.first.as_str(), extent.last.as_str(), extent.series.unwrap());
        assert_eq!(found, expected, "{}", dataset.name);
    }
}

/// A dataset that is newer than the file is summarised from its rows.
#[tokio::test]
async fn coverage_is_found_in_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let catalogue = Catalogue::new(ENDPOINTS).unwrap();
    let row = |month| {
        format!(
            r#"{{"category":"Cats","year":2025,"month":{month},"rank":1,"user_name":"A","edit_count":1}}"#
        )
    };
    load(&path, &catalogue, &[("top_editors_monthly", &format!("{}\n{}", row(3), row(11)))]);
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute("DELETE FROM aqs_datasets", []).unwrap();
    drop(conn);
    load(&path, &catalogue, &[("top_editors_monthly", &row(4))]);
    let coverage = open_as(&path, &catalogue).coverage().await.unwrap();
    let extent = coverage.get(&EDITORS_MONTHLY).unwrap();
    assert_eq!((extent.first.as_str(), extent.last.as_str()), ("20250301", "20251101"));
}

#[tokio::test]
async fn a_text_that_is_no_number_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let catalogue = Catalogue::new(ENDPOINTS).unwrap();
    load(&path, &catalogue, &[("scores", r#"{"user":0,"dt":"20250101","score":1}"#)]);
    let store = open_as(&path, &catalogue);
    let target = Target { dialect: Dialect::V2, path: "/scores/7/20250101/20250301" };
    let Lookup::Points(mut read) = catalogue.resolve(target).unwrap().lookup() else {
        panic!("no partition")
    };
    read.partition = ["x"].into_iter().collect();
    let error = store.read(&Lookup::Points(read), &ctx()).await.unwrap_err().to_string();
    assert!(error.contains(r#""user" takes an integer of 64 bits, not "x""#), "{error}");
}
